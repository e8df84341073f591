package simtest

import (
	"bytes"
	"testing"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/sim"
)

// Recorded runs a scenario with a recording of every node, as a real host makes it, and runs the recording again: every
// instance comes to its recorded hash, and the recording has changed nothing of the run.
func Recorded(tb testing.TB, s sim.Scenario, o sim.Options) *sim.ReplayReport {
	tb.Helper()
	plain, err := sim.Run(s, o)
	if err != nil {
		tb.Fatal(err)
	}
	rec, bind := graph.NewRecording(1<<40, func() {}), s.Bind
	var b []byte
	s.Bind = func(n *sim.Node) []graph.Option {
		part, _ := rec.Take()
		b = append(b, part...)
		var opts []graph.Option
		if bind != nil {
			opts = bind(n)
		}
		return append(opts, graph.Record(rec))
	}
	recorded, err := sim.Run(s, o)
	if err != nil {
		tb.Fatal(err)
	}
	if plain.TraceHash != recorded.TraceHash {
		tb.Errorf("recording changes the run: trace %s, recorded %s", plain.TraceHash, recorded.TraceHash)
	}
	rec.End("the run is over")
	part, _ := rec.Take()
	r, err := sim.Replay(bytes.NewReader(append(b, part...)), sim.ReplayOptions{Graphs: []*graph.Graph{s.Graph()}})
	if err != nil {
		tb.Fatal(err)
	}
	events := uint64(0)
	for _, i := range r.Instances {
		events += i.Events
		if !i.OK {
			tb.Errorf("%s %s parts at event %d of %d: %s", i.PeerID, i.Role, i.PartedAt, i.Events, i.Why)
		}
	}
	if !r.OK || r.Ended != "the run is over" || events == 0 {
		tb.Errorf("ok %v, ended %q, damage %q, %d events", r.OK, r.Ended, r.Damage, events)
	}
	tb.Logf("%s: %d instances, %d events, %d bytes recorded", s.Name, len(r.Instances), events, len(b)+len(part))
	return r
}
