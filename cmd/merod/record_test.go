package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/graph/graphtest"
	"github.com/merograph/merograph/sim"
)

// TestReplayThatParts replays a recording of a protocol that has the name of one of ours and is another one.
func TestReplayThatParts(t *testing.T) {
	g := graph.New("replicate", 1)
	peer := g.Role("peer")
	in := graph.Ask[int, int](peer, "go")
	graph.Reply(in, graph.Op1(graph.NewOpset("t"), "value", 1, func(_ *graph.Tick, r *graph.Request[int, int]) (int, error) { return r.Value, nil })(in))
	rec := graph.NewRecording(1<<20, func() {})
	graphtest.New(t).Start(g, "peer", "p", graph.Record(rec))
	rec.End("the test is over")
	b, _ := rec.Take()
	file := filepath.Join(t.TempDir(), "other.rec")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	replay := func(args ...string) (string, int, string) {
		var out, errs bytes.Buffer
		root := newRoot()
		root.SetOut(&out)
		root.SetArgs(append([]string{"testnet", "sim", "--replay", file}, args...))
		status := report(&errs, root.Execute())
		return out.String(), status, errs.String()
	}
	const why = `the recording has no param "neighbours"`
	out, status, sentence := replay()
	if status != 1 || !strings.Contains(sentence, "replicate peer parts from the recording at its start: ") || !strings.Contains(sentence, why) {
		t.Errorf("status %d: %s", status, sentence)
	}
	if !strings.Contains(out, "replicate peer  PARTS at its start: ") {
		t.Error(out)
	}
	out, status, _ = replay("--json")
	var r sim.ReplayReport
	if err := json.Unmarshal([]byte(out), &r); err != nil || status != 1 || r.OK || len(r.Instances) != 1 || r.Instances[0].OK || !r.Instances[0].Changed {
		t.Errorf("status %d, %v: %s", status, err, out)
	}
}
