package sim

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/merograph/merograph/graph"
)

// A Story is a failing run as a person follows it: which property, what went wrong, and what those whom it concerns did last. As
// JSON it holds the same.
type Story struct {
	Scenario string  `json:"scenario"`
	Nodes    int     `json:"nodes"`
	Seed     uint64  `json:"seed"`
	Property string  `json:"property"`
	Kind     Kind    `json:"kind"`
	Detail   string  `json:"detail"`
	Seconds  float64 `json:"seconds"` // when it failed
	Events   uint64  `json:"events"`  // that instances had taken by then
	Plan     Plan    `json:"plan"`

	Concerned []graph.Peer `json:"concerned"`
	Before    int          `json:"before"` // faults of the run as it was found
	Faults    []FaultTold  `json:"faults"` // that are enough
	Steps     []Step       `json:"steps"`  // the last of those concerned, until the failure
	Runs      int          `json:"runs"`   // that it took to shrink
}

// A FaultTold is a fault of a story.
type FaultTold struct {
	Seconds  float64 `json:"seconds"`
	Text     string  `json:"text"`
	Override string  `json:"override"` // as ParseOverride reads it
}

// Explain shrinks a failing run and tells its story; ErrHolds when nothing fails. It makes at most so many runs, 0 for 400.
func Explain(s Scenario, o Options, runs int) (*Story, error) {
	z, err := Shrink(s, o, runs)
	if err != nil {
		return nil, err
	}
	w, err := finished(s, z.Options)
	if err != nil {
		return nil, err
	}
	i := w.checks.first
	if i < 0 {
		return nil, fmt.Errorf("explain %s, seed %d: %q fails in one run and holds in its repetition: the protocol does something by chance, which Compare finds", s.Name, o.Seed, z.Property)
	}
	p, f := &w.scenario.Properties[i], &w.checks.failed[i]
	t := &Story{Scenario: s.Name, Nodes: len(w.nodes), Seed: w.options.Seed, Property: p.Name, Kind: p.Kind, Detail: f.why,
		Seconds: float64(f.at) / 1e9, Events: f.events, Plan: w.plan, Before: z.Before, Runs: z.Runs, Faults: []FaultTold{}}
	for _, f := range z.Faults {
		t.Faults = append(t.Faults, FaultTold{float64(f.At) / 1e9, f.Text, f.Override()})
	}
	t.Concerned = w.concerned(f)
	e := ear{of: t.Concerned}
	last := z.Options
	last.watch = e.hear
	_, err = finished(s, last)
	t.Steps = e.steps()
	return t, err
}

var peerName = regexp.MustCompile(`n\d{6}`)

// concerned are the node on which a property failed, and those that its error names.
func (w *World) concerned(f *failure) (peers []graph.Peer) {
	names := peerName.FindAllString(f.why, -1)
	if f.node != "" {
		names = append(names, string(f.node))
	}
	for _, name := range names {
		if p := graph.Peer(name); w.peers[p] != nil && !slices.Contains(peers, p) {
			peers = append(peers, p)
		}
	}
	slices.Sort(peers)
	return peers
}

// An ear keeps the last steps of those concerned, and of the network; a tick that changed nothing says nothing.
type ear struct {
	of      []graph.Peer
	all     []Step
	between []Step // without what they said to others
	talk    bool   // they spoke to each other
}

func (e *ear) hear(s Step) {
	node, peer := s.Node == "" || slices.Contains(e.of, s.Node), s.Peer == "" || slices.Contains(e.of, s.Peer)
	if s.idle || len(e.of) > 0 && !node && (s.Peer == "" || !peer) {
		return
	}
	e.all = last(append(e.all, s))
	if len(e.of) > 1 && node && peer {
		e.between = last(append(e.between, s))
		e.talk = e.talk || s.What == "sends"
	}
}

// steps are those between them, when there are several and they spoke to each other; else all.
func (e *ear) steps() []Step {
	kept := e.all
	if e.talk {
		kept = e.between
	}
	return kept[max(0, len(kept)-stepsMost):]
}

// last drops the oldest steps, now and then.
func last(s []Step) []Step {
	if len(s) > 2*stepsMost {
		return slices.Clone(s[stepsMost:])
	}
	return s
}

const stepsMost = 40

// String tells the story.
func (t *Story) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q failed (%s) in %s with %d nodes, seed %d, at %.3f s, after %d events:\n  %s\n", t.Property, t.Kind, t.Scenario, t.Nodes,
		t.Seed, t.Seconds, t.Events, t.Detail)
	fmt.Fprintf(&b, "\nWhat might go wrong: %v.\n", &t.Plan)
	switch {
	case len(t.Faults) == 0:
		fmt.Fprintf(&b, "Nothing has to go wrong for it; %d faults happened when it was found.\n", t.Before)
	case len(t.Faults) == 1:
		fmt.Fprintf(&b, "Of %d faults until then, one is enough:\n", t.Before)
	default:
		fmt.Fprintf(&b, "Of %d faults until then, %d are enough:\n", t.Before, len(t.Faults))
	}
	for _, f := range t.Faults {
		fmt.Fprintf(&b, "  %11.6f  %-60s --override %s\n", f.Seconds, f.Text, f.Override)
	}
	fmt.Fprintf(&b, "\nWhat %s did last:\n", names(t.Concerned))
	for _, s := range t.Steps {
		fmt.Fprintf(&b, "  %11.6f  %s\n", s.Seconds, s.Text)
		if s.Value != "" {
			fmt.Fprintf(&b, "               %s\n", s.Value)
		}
	}
	return b.String()
}

func names(peers []graph.Peer) string {
	if len(peers) == 0 {
		return "all"
	}
	words := make([]string, len(peers))
	for i, p := range peers {
		words[i] = string(p)
	}
	return strings.Join(words, " and ")
}
