package main

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/merograph/merograph/testnet"
)

func faultRows(faults map[string]int) [][]string {
	var rows [][]string
	for _, name := range slices.Sorted(maps.Keys(faults)) {
		rows = append(rows, []string{"fault", fmt.Sprintf("%s × %d", name, faults[name])})
	}
	return rows
}

func showUp(out io.Writer, r *testnet.UpReport) error {
	said := "every peer registered, and every write is on all nodes"
	if !r.OK {
		said = "FAILED"
	}
	_, err := fmt.Fprintf(out, "%s: %d nodes, %d registered, %d writes\n", said, len(r.Nodes), len(r.Registry.Peers), r.Store.Writes)
	return err
}

func showReplay(out io.Writer, r *testnet.ReplayReport) error {
	said := "the text is the recorded one on every node"
	if !r.TextMatches {
		said = "the text DIFFERS"
	}
	rows := [][]string{
		{"result", said},
		{"deltas", fmt.Sprintf("%d, %s of payload, %s sent on streams", r.Deltas, size(r.PayloadBytes), size(int64(r.WireBytes)))},
		{"time", fmt.Sprintf("%.2f s, the last write everywhere after %.0f ms", r.WallSeconds, r.ConvergedMs)},
	}
	for _, n := range r.Nodes {
		same := "matches"
		if !n.TextMatches {
			same = "DIFFERS"
		}
		rows = append(rows, []string{n.Name, fmt.Sprintf("%s, %s, wrote %s", n.PeerID, same, plural(n.Deltas, "delta", "deltas"))})
	}
	return table(out, rows...)
}
