package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/merograph/merograph/api"
	"github.com/merograph/merograph/node"
	"github.com/spf13/cobra"
)

func nodeCommand(c *common) *cobra.Command {
	cmd := group("node", "the node itself")
	r := c.reachable(cmd)
	cmd.AddCommand(&cobra.Command{Use: "info", Short: "identity, host, version, capabilities", Args: takes(0), RunE: func(cmd *cobra.Command, _ []string) error {
		i, err := call[node.Info](r, cmd, "node_info", nil)
		if err != nil {
			return err
		}
		if c.json {
			return printJSON(cmd.OutOrStdout(), i)
		}
		return table(cmd.OutOrStdout(), []string{"node", string(i.NodeID)}, []string{"name", i.DisplayName}, []string{"host", i.Hostname + ", " + i.OS},
			[]string{"version", i.Version}, []string{"started", fmt.Sprintf("%s, %s ago", i.StartedAt, seconds(i.UptimeSeconds))},
			[]string{"capabilities", strings.Join(i.Capabilities, ", ")})
	}})
	return cmd
}

func peersCommand(c *common) *cobra.Command {
	return listing(c, &cobra.Command{Use: "peers", Short: "the connected and the known peers"}, "peers", "no peer is known",
		func(l api.PeerList) []node.PeerEntry { return l.Peers }, nil)
}

func registryCommand(c *common) *cobra.Command {
	list := &cobra.Command{Use: "list", Short: "all registered peers", Long: `List all registered peers. A peer reads them from the coordinators that have registered it, page by page; when none
answers, it lists those that it knows, and says so.`}
	return group("registry", "the network's registry", listing(c, list, "registry_list", "no peer is registered",
		func(l node.Cohort) []node.PeerEntry { return l.Peers }, func(l node.Cohort) string { return l.Reason }))
}

// listing makes a command that lists peers. A remark, when there is one, goes to standard error.
func listing[L any](c *common, cmd *cobra.Command, method, none string, peers func(L) []node.PeerEntry, remark func(L) string) *cobra.Command {
	cmd.Args = takes(0)
	r := c.reachable(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		l, err := call[L](r, cmd, method, nil)
		if err != nil {
			return err
		}
		if c.json {
			return printJSON(cmd.OutOrStdout(), l)
		}
		if len(peers(l)) == 0 {
			fmt.Fprintln(cmd.ErrOrStderr(), none)
		} else if err := showPeers(cmd.OutOrStdout(), peers(l)); err != nil {
			return err
		}
		if remark != nil && remark(l) != "" {
			fmt.Fprintln(cmd.ErrOrStderr(), "not all: "+clean(remark(l), 1000))
		}
		return nil
	}
	return cmd
}

func showPeers(out io.Writer, peers []node.PeerEntry) error {
	rows := [][]string{{"PEER", "STATE", "LAST SEEN", "ADDRESSES"}}
	for _, p := range peers {
		seen := p.LastSeen
		if seen == "" {
			seen = "-"
		}
		rows = append(rows, []string{string(p.PeerID), p.State, seen, clean(strings.Join(p.Addresses, " "), 200)})
	}
	return table(out, rows...)
}
