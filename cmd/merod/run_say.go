package main

import (
	"cmp"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/node"
)

// A speaker tells what becomes of a node that runs: a line of JSON for each state, or what a person wants to know.
type speaker struct {
	json      bool
	cfg       node.Config
	out, errs io.Writer
	told      line
	seen      map[string]bool // problems that were told
}

// A line is one state, as run --json prints it.
type line struct {
	Time     string     `json:"time"`
	State    string     `json:"state"` // starting, ready, registered (a peer, once), stopping, stopped
	NodeID   graph.Peer `json:"nodeId"`
	Listen   []string   `json:"listen"`
	API      string     `json:"api"`
	Problems []string   `json:"problems,omitempty"`
}

func newSpeaker(json bool, cfg node.Config, out, errs io.Writer) *speaker {
	return &speaker{json: json, cfg: cfg, out: out, errs: errs, told: line{Listen: []string{}}}
}

// state tells of a change. What the node has no more when it stops is told as it was.
func (s *speaker) state(name string, st *node.State) {
	if name != "starting" && name != "stopped" {
		now := st.Status()
		s.told.NodeID, s.told.Problems = now.NodeID, now.Problems
		if name == "ready" {
			s.told.Listen, s.told.API = now.Transport.Listen, now.API
		}
	}
	s.told.Time, s.told.State = node.Stamp(st.Wall()), name
	switch {
	case s.json:
		_ = printJSON(s.out, s.told)
	case name == "registered":
		fmt.Fprintln(s.out, "registered with the coordinator")
	case name == "stopping":
		fmt.Fprintln(s.out, "stopping; Ctrl-C again ends it at once")
	}
}

// ready tells that the node is ready, and to a person also how to go on.
func (s *speaker) ready(st *node.State) {
	s.state("ready", st)
	if s.json {
		return
	}
	rows := [][]string{{"node", string(s.told.NodeID) + " (" + s.cfg.NodeType + " of the network " + s.cfg.Network.Name + ")"}}
	for _, a := range s.told.Listen {
		rows = append(rows, []string{"listens", a})
	}
	rows = append(rows, []string{"API", cmp.Or(s.told.API, "none")}, []string{"home", s.cfg.Home})
	_ = table(s.out, rows...)
	if join := s.join(); join != "" {
		fmt.Fprintf(s.out, "\nAnother node joins with\n\n  %s\n\n", join)
	}
	s.problems(s.told.Problems)
}

// problems tells a person of those that are new.
func (s *speaker) problems(all []string) {
	now := map[string]bool{}
	for _, p := range all {
		if now[p] = true; !s.seen[p] && !s.json {
			fmt.Fprintln(s.errs, "problem: "+clean(p, 1000))
		}
	}
	s.seen = now
}

// join is the command with which a peer joins this coordinator: on this machine, with ports of its own, when the
// coordinator listens on the loopback alone.
func (s *speaker) join() string {
	if s.cfg.NodeType != node.Coordinator || len(s.told.Listen) == 0 {
		return ""
	}
	at, local := s.told.Listen[0], true
	for _, a := range s.told.Listen {
		if !loopback(a) {
			at, local = a, false
			break
		}
	}
	words := []string{"merod", "run", "--home", shell(strings.TrimRight(s.cfg.Home, "/") + "-peer"), "--node-type", "peer", "--bootstrap", shell(at)}
	if local {
		words = append(words, "--swarm-addrs", "/ip4/127.0.0.1/tcp/0", "--api-addr", "127.0.0.1:0")
	} else {
		words = append(words, "--swarm-addrs", "/ip4/0.0.0.0/tcp/2428")
	}
	if s.cfg.Network.Name != node.Default().Network.Name {
		words = append(words, "--network", shell(s.cfg.Network.Name))
	}
	if s.cfg.Network.Secret != "" {
		words = append(words, "--network-secret-file", "FILE")
	}
	return strings.Join(words, " ")
}

// loopback says whether a multiaddr stays on this machine.
func loopback(multiaddr string) bool {
	parts := strings.Split(multiaddr, "/")
	if len(parts) < 3 {
		return false
	}
	addr, err := netip.ParseAddr(parts[2])
	return err == nil && addr.IsLoopback()
}
