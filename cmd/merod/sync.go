package main

import (
	"fmt"
	"io"

	"github.com/merograph/merograph/api"
	"github.com/merograph/merograph/components/outbox"
	"github.com/spf13/cobra"
)

func syncCommand(c *common) *cobra.Command {
	cmd := group("sync", "what was written here and the peers have not acknowledged")
	r := c.reachable(cmd)
	cmd.AddCommand(syncStatus(r), syncTick(r))
	return cmd
}

func syncStatus(r *reach) *cobra.Command {
	return &cobra.Command{Use: "status", Short: "the outbox, peer by peer", Args: takes(0), RunE: func(cmd *cobra.Command, _ []string) error {
		st, err := call[outbox.Status](r, cmd, "outbox_status", nil)
		if err != nil {
			return err
		}
		if r.json {
			return printJSON(cmd.OutOrStdout(), st)
		}
		return showOutbox(cmd.OutOrStdout(), st)
	}}
}

func syncTick(r *reach) *cobra.Command {
	var p api.TickParams
	cmd := &cobra.Command{Use: "tick", Short: "deliver now what is not acknowledged", Args: takes(0),
		Long: `Deliver to each connected peer a batch of what it has not acknowledged, whatever was tried before. The node does this by itself
when an acknowledgement is overdue.`}
	cmd.Flags().BoolVar(&p.Prune, "prune", false, "forget the peers that are not connected, and why others refused")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		t, err := call[outbox.Tick](r, cmd, "sync_tick", p)
		if err != nil {
			return err
		}
		if r.json {
			return printJSON(cmd.OutOrStdout(), t)
		}
		return showTick(cmd.OutOrStdout(), t, p.Prune)
	}
	return cmd
}

func showOutbox(out io.Writer, st outbox.Status) error {
	rows := [][]string{{"PEER", "QUEUED", "IN FLIGHT", "ACKNOWLEDGED", "FAILED", "RETRIES", ""}}
	for _, p := range st.Peers {
		what := clean(p.Reason, 200)
		if what == "" && !p.Connected {
			what = "not connected"
		}
		rows = append(rows, []string{string(p.PeerID), fmt.Sprint(p.Queued), fmt.Sprint(p.InFlight), fmt.Sprint(p.Acknowledged), fmt.Sprint(p.Failed), fmt.Sprint(p.Retries), what})
	}
	rows = append(rows, []string{"all", fmt.Sprint(st.Queued), fmt.Sprint(st.InFlight), fmt.Sprint(st.Acknowledged), fmt.Sprint(st.Failed), fmt.Sprint(st.TotalRetries), ""})
	return table(out, rows...)
}

func showTick(out io.Writer, t outbox.Tick, prune bool) (err error) {
	if t.Retried == 0 {
		_, err = fmt.Fprintln(out, "nothing to deliver to a connected peer")
	} else {
		_, err = fmt.Fprintf(out, "delivering %s to %s, at most %d to each\n", plural(t.Sent, "delta", "deltas"), plural(t.Retried, "peer", "peers"), t.BatchSize)
	}
	if prune && err == nil {
		_, err = fmt.Fprintf(out, "forgot %s\n", plural(t.Pruned, "peer", "peers"))
	}
	return err
}
