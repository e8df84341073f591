package sim

import (
	"fmt"
	"io"

	"github.com/merograph/merograph/graph"
)

// ReplayOptions says how a recording of real nodes is run again.
type ReplayOptions struct {
	Graphs []*graph.Graph // what the recorded instances may run
	Trace  io.Writer      // one line a tick, for people; nil for none
}

// A ReplayReport is what a recording holds, and whether it did the same again. As JSON it is what testnet sim --replay prints.
type ReplayReport struct {
	OK          bool               `json:"ok"` // every instance came to its recorded hash, and nothing is damaged
	Instances   []ReplayedInstance `json:"instances"`
	Events      uint64             `json:"events"`
	WallSeconds float64            `json:"wallSeconds"`      // filled by the caller, as in a Report
	Ended       string             `json:"ended,omitempty"`  // why the recording ended; absent when its process was killed
	Cut         bool               `json:"cut"`              // the last event is not whole, and was left out
	Damage      string             `json:"damage,omitempty"` // what follows was not read
}

// A ReplayedInstance is one instance of a recording.
type ReplayedInstance struct {
	Graph        string     `json:"graph"`
	Version      int        `json:"version"`
	Role         string     `json:"role"`
	Key          string     `json:"key"`
	PeerID       graph.Peer `json:"peerId"`
	StartedAt    string     `json:"startedAt"`
	Events       uint64     `json:"events"` // that the recording has of it
	TraceHash    string     `json:"traceHash"`
	RecordedHash string     `json:"recordedHash"`
	OK           bool       `json:"ok"`
	Changed      bool       `json:"programChanged,omitempty"` // its drawing is not the one that was recorded
	PartedAt     uint64     `json:"partedAt,omitempty"`       // the first event with which it did something else, counted from 1
	Why          string     `json:"why,omitempty"`
	Ended        string     `json:"ended,omitempty"`
}

// Replay runs a recording of real nodes again: each instance is given what its host gave it, and must do what it did, to the
// same trace hash. An error wraps graph.ErrNoRecording, or is the reader's.
func Replay(recording io.Reader, o ReplayOptions) (*ReplayReport, error) {
	w := &traceWriter{to: o.Trace}
	r, err := graph.Replay(recording, graph.ReplayOptions{Program: programsOf(o.Graphs), Observe: w.tick})
	if err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	if w.err != nil {
		return nil, fmt.Errorf("write the trace: %w", w.err)
	}
	out := &ReplayReport{OK: r.OK(), Instances: []ReplayedInstance{}, Events: r.Events, Ended: r.Ended, Cut: r.Cut, Damage: r.Damage}
	for _, i := range r.Instances {
		out.Instances = append(out.Instances, ReplayedInstance{Graph: i.Graph, Version: i.Version, Role: i.Role, Key: i.Key, PeerID: i.Self,
			StartedAt: i.Started.Format("2006-01-02T15:04:05.000Z"), Events: i.Events, TraceHash: fmt.Sprintf("%016x", i.Hash),
			RecordedHash: fmt.Sprintf("%016x", i.Recorded), OK: i.OK(), Changed: i.Changed, PartedAt: i.Parted, Why: i.Why, Ended: i.Ended})
	}
	return out, nil
}

// programsOf finds the programs of graphs, each compiled once.
func programsOf(graphs []*graph.Graph) func(name string, version int, role string) (*graph.Program, error) {
	type key struct {
		name    string
		version int
		role    string
	}
	made := map[key]*graph.Program{}
	return func(name string, version int, role string) (*graph.Program, error) {
		k := key{name, version, role}
		if p := made[k]; p != nil {
			return p, nil
		}
		for _, g := range graphs {
			if g.Name() == name && g.Version() == version {
				p, err := graph.Compile(g, role)
				made[k] = p
				return p, err
			}
		}
		return nil, fmt.Errorf("this program has no graph %s of version %d", name, version)
	}
}

// traceWriter writes the ticks of a replay for people.
type traceWriter struct {
	to  io.Writer
	err error
}

func (t *traceWriter) tick(r *graph.Replayed, i graph.TickInfo) {
	if t.to == nil || t.err != nil {
		return
	}
	_, t.err = fmt.Fprintf(t.to, "%d.%09d %s %s %s took %s\n", i.At/1e9, i.At%1e9, r.Self, r.Graph, r.Role, tickLine(&i))
}
