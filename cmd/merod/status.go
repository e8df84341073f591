package main

import (
	"fmt"
	"io"

	"github.com/merograph/merograph/node"
	"github.com/merograph/merograph/p2p"
	"github.com/spf13/cobra"
)

func statusCommand(c *common) *cobra.Command {
	cmd := &cobra.Command{Use: "status", Short: "how the node is", Args: takes(0)}
	r := c.reachable(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		st, err := call[node.Status](r, cmd, "status", nil)
		if err != nil {
			return err
		}
		if c.json {
			return printJSON(cmd.OutOrStdout(), st)
		}
		return showStatus(cmd.OutOrStdout(), st)
	}
	return cmd
}

// dialable is whether others can dial the node, where that is known.
func dialable(r string) string {
	switch r {
	case p2p.ReachPublic:
		return ", others can dial this node"
	case p2p.ReachPrivate:
		return ", others cannot dial this node"
	}
	return ""
}

func found(d node.DiscoveryStatus) string {
	if !d.MDNS {
		return ""
	}
	return fmt.Sprintf(", found %d on the local network", d.Found)
}

func showStatus(out io.Writer, st node.Status) error {
	ready, registered := "not ready", "not registered"
	if st.Ready {
		ready = "ready"
	}
	if st.Discovery.Registered {
		registered = "registered"
	}
	if st.NodeType == node.Coordinator {
		registered = "serves the registry"
	}
	rows := [][]string{
		{"node", fmt.Sprintf("%s, %s of the network %s", st.NodeID, st.NodeType, st.Network)},
		{"state", fmt.Sprintf("%s, up %s", ready, seconds(st.UptimeSeconds))},
		{"API", st.API},
		{"store", plural(st.Store.Entries, "entry", "entries")},
		{"log", fmt.Sprintf("%s, last %d, %s, in %s", plural(int(st.Log.Records), "record", "records"), st.Log.LastSequence, size(st.Log.Bytes), st.Log.Path)},
		{"outbox", fmt.Sprintf("%d queued, %d in flight, %d acknowledged, %d failed", st.Outbox.Queued, st.Outbox.InFlight, st.Outbox.Acknowledged, st.Outbox.Failed)},
		{"blobs", fmt.Sprintf("%d, %s", st.Blobs.Count, size(st.Blobs.Bytes))},
	}
	if st.Transport.Running {
		rows = append(rows, []string{"transport", "connected to " + plural(st.Transport.Peers, "peer", "peers") + dialable(st.Transport.Reach)})
	} else {
		rows = append(rows, []string{"transport", "does not run"})
	}
	for _, a := range st.Transport.Listen {
		rows = append(rows, []string{"listens", a})
	}
	rows = append(rows, []string{"discovery", fmt.Sprintf("%s, knows %s%s", registered, plural(st.Discovery.Known, "peer", "peers"), found(st.Discovery))})
	for _, x := range st.Contexts {
		member := ""
		if !x.Member {
			member = ", not a member"
		}
		rows = append(rows, []string{"context", fmt.Sprintf("%s, %s, %s, %s%s", x.ID, x.State, plural(x.Deltas, "delta", "deltas"), plural(len(x.Tips), "tip", "tips"), member)})
	}
	for _, x := range st.Refused {
		rows = append(rows, []string{"refused", fmt.Sprintf("%d × %s %s", x.Count, x.Channel, x.Reason)})
	}
	for _, p := range st.Problems {
		rows = append(rows, []string{"problem", clean(p, 1000)})
	}
	if len(st.Problems) == 0 {
		rows = append(rows, []string{"problems", "none"})
	}
	return table(out, rows...)
}
