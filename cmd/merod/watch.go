package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/merograph/merograph/api"
	"github.com/spf13/cobra"
)

// errEnough ends a watch that has shown as many lines as were asked for.
var errEnough = errors.New("enough")

func storeWatch(r *reach) *cobra.Command {
	present, limit := false, 0
	cmd := &cobra.Command{Use: "watch [PREFIX]", Short: "show changes of keys that begin with PREFIX, until Ctrl-C", Args: takes(0, "PREFIX"),
		Long: `Show each change of the keys that begin with PREFIX as it becomes durable on this node, whoever made it, until Ctrl-C.

Whoever takes the changes too slowly is told so, with status 1, and may begin again with --present.`}
	cmd.Flags().BoolVar(&present, "present", false, "begin with the entries that are there")
	cmd.Flags().IntVar(&limit, "limit", 0, "end after so many lines; 0 is never")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if limit < 0 {
			return usage("--limit %d: it is positive, or 0 for none", limit)
		}
		prefix := ""
		if len(args) == 1 {
			prefix = args[0]
		}
		n := 0
		return r.with(cmd, func(ctx context.Context, c *api.Client) error {
			err := c.Watch(ctx, prefix, present, func(ch api.Change) error {
				if err := showChange(cmd, ch, r.json); err != nil {
					return err
				}
				if n++; n == limit {
					return errEnough
				}
				return nil
			})
			if errors.Is(err, errEnough) || ctx.Err() != nil {
				return nil
			}
			return err
		})
	}
	return cmd
}

func showChange(cmd *cobra.Command, c api.Change, json bool) error {
	out := cmd.OutOrStdout()
	if json {
		return printJSON(out, c)
	}
	_, err := fmt.Fprintf(out, "%s %s %s%s\n", c.Timestamp, c.Status, shownKey(c.Key), shownValue(c.Entry))
	return err
}

// shownValue is a value on one line, with a space before it, or nothing.
func shownValue(e api.Entry) string {
	switch {
	case e.Value != nil:
		return " " + clean(*e.Value, 60)
	case e.ValueBase64 != nil:
		return " (" + plural(base64Len(e), "byte", "bytes") + ", no text)"
	}
	return ""
}
