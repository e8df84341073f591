package store

import (
	"testing"

	"github.com/merograph/merograph/crdt"
	"github.com/merograph/merograph/dag"
)

// A write that holds its key sees what was received and synced meanwhile: it is made on top of it.
func TestRule3_1_AWriteSeesWhatWasReceivedMeanwhile(t *testing.T) {
	s, ctx := memory(t), dag.ID{1}
	k := s.KV(nil, nil, ctx)
	put := func(at int, e *dag.Entry) {
		t.Helper()
		batch, mark := batchOf(ctx, []*dag.Entry{e}, at)
		if err := s.Put(batch, mark); err != nil {
			t.Fatal(err)
		}
	}
	sees := func(p *pin, want ...*dag.Entry) {
		t.Helper()
		_, _, _, err := k.decide(p, func(s *slot) (crdt.Op, Written) {
			seen := s.seen(0)
			if len(seen) != len(want) {
				t.Errorf("a write sees %d others, want %d", len(seen), len(want))
			}
			for _, e := range want {
				if !s.clone().remove(crdt.Name{Delta: e.ID}) {
					t.Errorf("a write does not see %s", e.ID)
				}
			}
			return nil, Written{}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	first, second, third := fakedPut(1, "k", []byte("1")), fakedPut(2, "k", []byte("2")), fakedPut(3, "k", []byte("3"))
	put(0, first)
	p := k.c.hold("k")
	defer k.c.let(p)
	sees(p, first)
	s.Admitted(ctx, second) // received, and synced before anybody asked
	put(1, second)
	sees(p, first, second)
	s.Admitted(ctx, third) // received, and asked for before it is synced
	sees(p, first, second, third)
	put(2, third)
	sees(p, first, second, third)
	if len(s.overlay.pending) != 0 || len(p.ops) != 0 {
		t.Errorf("the overlay keeps %d deltas and %d operations of what is synced", len(s.overlay.pending), len(p.ops))
	}
}
