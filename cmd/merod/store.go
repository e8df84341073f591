package main

import (
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/merograph/merograph/api"
	"github.com/merograph/merograph/components/store"
	"github.com/spf13/cobra"
)

func storeCommand(c *common) *cobra.Command {
	cmd := group("store", "the local-first key-value store")
	r := c.reachable(cmd)
	cmd.AddCommand(storePut(r), storeGet(r), storeRemove(r), storeList(r), storeWatch(r))
	return cmd
}

func storePut(r *reach) *cobra.Command {
	file := ""
	cmd := &cobra.Command{Use: "put KEY VALUE", Short: "write a key; durable when it returns", Args: takes(1, "KEY", "VALUE"),
		Long: `Write a key. When the command returns the write is durable on this node; the others get it as soon as they can be reached.

The value is the argument, or what --file names.`}
	cmd.Flags().StringVar(&file, "file", "", "take the value from a file, or from standard input with -")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		value, err := putValue(cmd.InOrStdin(), args[1:], file)
		if err != nil {
			return err
		}
		w, err := call[api.Written](r, cmd, "store_put", api.Put(args[0], value))
		if err != nil {
			return err
		}
		return showWritten(cmd.OutOrStdout(), w, r.json)
	}
	return cmd
}

func putValue(in io.Reader, args []string, file string) ([]byte, error) {
	switch {
	case len(args) == 1 && file == "":
		return []byte(args[0]), nil
	case len(args) == 1:
		return nil, usage("merod store put takes VALUE or --file, not both")
	case file == "":
		return nil, usage("merod store put needs VALUE, or --file: see merod store put --help")
	case file != "-":
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("read the value: %w", err)
		}
		defer f.Close()
		in = f
	}
	value, err := io.ReadAll(io.LimitReader(in, store.MaxValue+1))
	if err != nil {
		return nil, fmt.Errorf("read the value: %w", err)
	}
	if len(value) > store.MaxValue {
		return nil, usage("the value has more than %d bytes: add it with merod blob add, and put the blob's id", store.MaxValue)
	}
	return value, nil
}

func storeGet(r *reach) *cobra.Command {
	return &cobra.Command{Use: "get KEY", Short: "print a key's value", Args: takes(1, "KEY"), RunE: func(cmd *cobra.Command, args []string) error {
		e, err := call[api.Entry](r, cmd, "store_get", api.Key(args[0]))
		if err != nil {
			return err
		}
		if r.json {
			return printJSON(cmd.OutOrStdout(), e)
		}
		value, err := e.Bytes()
		if err != nil {
			return err
		}
		if isTerminal(cmd.OutOrStdout()) {
			value = append(value, '\n')
		}
		_, err = cmd.OutOrStdout().Write(value)
		return err
	}}
}

func storeRemove(r *reach) *cobra.Command {
	return &cobra.Command{Use: "remove KEY", Short: "remove a key", Args: takes(1, "KEY"), RunE: func(cmd *cobra.Command, args []string) error {
		w, err := call[api.Written](r, cmd, "store_remove", api.Key(args[0]))
		if err != nil {
			return err
		}
		return showWritten(cmd.OutOrStdout(), w, r.json)
	}}
}

func showWritten(out io.Writer, w api.Written, json bool) error {
	if json {
		return printJSON(out, w)
	}
	_, err := fmt.Fprintf(out, "%s %s at %s\n", w.Status, shownKey(w.Key), w.Version)
	return err
}

func shownKey(key string) string {
	if clean(key, len(key)) == key {
		return key
	}
	return strconv.Quote(key)
}

func storeList(r *reach) *cobra.Command {
	limit, after := 0, ""
	cmd := &cobra.Command{Use: "list [PREFIX]", Short: "the entries whose keys begin with PREFIX", Args: takes(0, "PREFIX")}
	cmd.Flags().IntVar(&limit, "limit", 0, "at most so many entries; 0 is all")
	cmd.Flags().StringVar(&after, "after", "", "the entries after this key alone, to go on with a list")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if limit < 0 {
			return usage("--limit %d: it is positive, or 0 for all", limit)
		}
		p := api.ListParams{Limit: limit}
		if len(args) == 1 {
			k := api.Key(args[0])
			p.Prefix, p.PrefixBase64 = k.Key, k.KeyBase64
		}
		l, err := listAll(r, cmd, p, after)
		if err != nil {
			return err
		}
		if r.json {
			return printJSON(cmd.OutOrStdout(), l)
		}
		if len(l.Entries) == 0 {
			fmt.Fprintln(cmd.ErrOrStderr(), "the store has no such entry")
			return nil
		}
		return showEntries(cmd.OutOrStdout(), l.Entries)
	}
	return cmd
}

// listAll asks page by page, until the limit or the end.
func listAll(r *reach, cmd *cobra.Command, p api.ListParams, after string) (all api.EntryList, err error) {
	limit := p.Limit
	all.Entries = []api.Entry{}
	for {
		k := api.Key(after)
		p.After, p.AfterBase64 = k.Key, k.KeyBase64
		l, err := call[api.EntryList](r, cmd, "store_list", p)
		if err != nil {
			return all, err
		}
		all.Entries = append(all.Entries, l.Entries...)
		if p.Limit = limit - len(all.Entries); !l.More || limit > 0 && p.Limit <= 0 {
			all.More = l.More
			return all, nil
		}
		p.Limit = max(p.Limit, 0)
		after = l.Entries[len(l.Entries)-1].KeyBytes()
	}
}

func showEntries(out io.Writer, entries []api.Entry) error {
	rows := [][]string{{"KEY", "VALUE", "WRITTEN"}}
	for _, e := range entries {
		value := "(" + plural(base64Len(e), "byte", "bytes") + ", no text)"
		if e.Value != nil {
			value = clean(*e.Value, 60)
		}
		rows = append(rows, []string{clean(e.Key, 60), value, e.Timestamp})
	}
	return table(out, rows...)
}

func base64Len(e api.Entry) int {
	value, _ := e.Bytes()
	return len(value)
}
