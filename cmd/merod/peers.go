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
	return peerList(c, &cobra.Command{Use: "peers", Short: "the connected and the known peers"}, "peers", "no peer is known")
}

func registryCommand(c *common) *cobra.Command {
	list := &cobra.Command{Use: "list", Short: "the registered peers: on the coordinator all, on a peer those that it knows"}
	return group("registry", "the network's registry", peerList(c, list, "registry_list", "no peer is registered"))
}

func peerList(c *common, cmd *cobra.Command, method, none string) *cobra.Command {
	cmd.Args = takes(0)
	r := c.reachable(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		l, err := call[api.PeerList](r, cmd, method, nil)
		if err != nil {
			return err
		}
		if c.json {
			return printJSON(cmd.OutOrStdout(), l)
		}
		if len(l.Peers) == 0 {
			fmt.Fprintln(cmd.ErrOrStderr(), none)
			return nil
		}
		return showPeers(cmd.OutOrStdout(), l.Peers)
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
