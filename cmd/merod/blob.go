package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/merograph/merograph/api"
	"github.com/merograph/merograph/blob"
	"github.com/spf13/cobra"
)

func blobCommand(c *common) *cobra.Command {
	cmd := group("blob", "content-addressed files")
	r := c.reachable(cmd)
	cmd.AddCommand(blobAdd(r), blobGet(r))
	return cmd
}

func blobAdd(r *reach) *cobra.Command {
	return &cobra.Command{Use: "add FILE|-", Short: "store a file and print its id", Args: takes(1, "FILE, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, length := cmd.InOrStdin(), int64(-1)
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return fmt.Errorf("add a blob: %w", err)
				}
				defer f.Close()
				info, err := f.Stat()
				if err != nil {
					return fmt.Errorf("add a blob: %w", err)
				}
				if info.IsDir() {
					return usage("%s is a folder: a blob is one file", args[0])
				}
				if in = f; info.Mode().IsRegular() {
					length = info.Size()
				}
			}
			var added api.BlobEntry
			err := r.with(cmd, func(ctx context.Context, c *api.Client) (err error) {
				bar := newBar(cmd.ErrOrStderr(), "adding", length)
				defer bar.done()
				// Not the file itself: who sends it would close it.
				added, err = c.AddBlob(ctx, io.TeeReader(in, bar), length)
				return err
			})
			if err != nil {
				return err
			}
			if r.json {
				return printJSON(cmd.OutOrStdout(), added)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), added.BlobID)
			return err
		}}
}

func blobGet(r *reach) *cobra.Command {
	to, within := "", api.DefaultBlobTimeout
	cmd := &cobra.Command{Use: "get ID", Short: "write a blob to standard output or to a file", Args: takes(1, "ID"),
		Long: `Write a blob to standard output, or to a file with -o. What this node does not hold it fetches from whoever has it.

With -o the file appears when all of it is there. With --json, which needs -o, the id and the size are printed.`}
	cmd.Flags().StringVarP(&to, "output", "o", "", "the file to write; - is standard output")
	cmd.Flags().DurationVar(&within, "timeout", within, "how long to look for the blob")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := blob.ParseID(args[0])
		switch {
		case err != nil:
			return usage("%.80q is no blob id: it looks like bafkr4i…, as merod blob add prints it", args[0])
		case within < 0:
			return usage("--timeout %v: it is a duration such as 30s", within)
		case r.json && (to == "" || to == "-"):
			return usage("merod blob get --json needs -o: standard output cannot hold both the blob and the JSON")
		}
		var n int64
		err = r.with(cmd, func(ctx context.Context, c *api.Client) error {
			n, err = fetch(ctx, c, cmd, id, within, to)
			return err
		})
		if err == nil && r.json {
			return printJSON(cmd.OutOrStdout(), api.BlobEntry{BlobID: id, Size: n})
		}
		return err
	}
	return cmd
}

func fetch(ctx context.Context, c *api.Client, cmd *cobra.Command, id blob.ID, within time.Duration, to string) (int64, error) {
	content, length, err := c.Blob(ctx, id, within)
	if err != nil {
		return 0, err
	}
	defer content.Close()
	bar := newBar(cmd.ErrOrStderr(), "getting", length)
	defer bar.done()
	from := io.TeeReader(content, bar)
	if to == "" || to == "-" {
		n, err := io.Copy(cmd.OutOrStdout(), from)
		return n, whole(id, err)
	}
	return save(to, id, from)
}

// save writes a file that appears under its name when it is whole.
func save(to string, id blob.ID, from io.Reader) (n int64, err error) {
	f, err := os.CreateTemp(filepath.Dir(to), "."+filepath.Base(to)+"-*")
	if err != nil {
		return 0, fmt.Errorf("write %s: %w", to, err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	n, err = io.Copy(f, from)
	if err != nil {
		f.Close()
		return n, whole(id, err)
	}
	if err := f.Chmod(0o644); err != nil {
		f.Close()
		return n, fmt.Errorf("write %s: %w", to, err)
	}
	if err := f.Close(); err != nil {
		return n, fmt.Errorf("write %s: %w", to, err)
	}
	if err := os.Rename(f.Name(), to); err != nil {
		return n, fmt.Errorf("write %s: %w", to, err)
	}
	return n, nil
}

func whole(id blob.ID, err error) error {
	if err != nil {
		return fmt.Errorf("the blob %s did not come whole: %w", id, err)
	}
	return nil
}
