package store

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
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

// What idle keys keep is weighed as it is now, not as it was when they became idle.
func TestIdleKeysAreBoundedByWhatTheyKeep(t *testing.T) {
	h := open(t, dag.NewMemDisk(), memory(t))
	defer h.close(t)
	const keys, large = 120, 200 << 10
	for _, n := range []int{1, large} {
		for i := range keys {
			if _, err := h.Put(fmt.Sprint(i), bytes.Repeat([]byte{byte(i)}, n)); err != nil {
				t.Fatal(err)
			}
		}
	}
	h.store.mu.Lock()
	defer h.store.mu.Unlock()
	o, kept, counted := &h.store.overlay, 0, 0
	for _, k := range o.idle {
		counted += k.weight
		for _, w := range k.base.live {
			kept += len(w.value)
		}
	}
	if kept > maxIdle || kept < maxIdle/2 || counted != o.weight || counted < kept {
		t.Errorf("%d idle keys keep %d bytes, and are counted as %d of %d; at most %d are meant", len(o.idle), kept, counted, o.weight, maxIdle)
	}
	if pins := len(h.c.pins); pins != len(o.idle) {
		t.Errorf("%d keys are held, %d of them are idle", pins, len(o.idle))
	}
}

// DATA 1.7: a write that the batch before it took away before it came does not show to the next writer either.
func TestRule1_7_AWriterSeesWhatTheLastBatchAwaits(t *testing.T) {
	s, ctx := memory(t), dag.ID{1}
	k := s.KV(nil, nil, ctx)
	put := fakedPut(2, "k", []byte("v"))
	removal := faked(1, []crdt.Op{crdt.Remove{Key: "k", Seen: []crdt.Name{{Delta: put.ID}}}})
	if size(k) != 0 { // from here on the count is known
		t.Fatal("it is not empty")
	}
	p := k.c.hold("k")
	defer k.c.let(p)
	s.Admitted(ctx, removal)
	s.Admitted(ctx, put)
	for _, what := range []string{"both are unsynced", "the removal is synced"} {
		if what == "the removal is synced" {
			batch, mark := batchOf(ctx, []*dag.Entry{removal}, 0)
			if err := s.Put(batch, mark); err != nil {
				t.Fatal(err)
			}
		}
		_, _, _, err := k.decide(p, func(s *slot) (crdt.Op, Written) {
			if s.top() != nil {
				t.Errorf("%s: a writer sees what was taken away", what)
			}
			return nil, Written{}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// deafBackend cannot be read from some time on.
type deafBackend struct {
	Backend
	err error
}

func (b *deafBackend) Get(key []byte) ([]byte, bool, error) {
	if b.err != nil {
		return nil, false, b.err
	}
	return b.Backend.Get(key)
}

// A store that cannot be read is not an empty one.
func TestLenTellsThatTheStoreCannotBeRead(t *testing.T) {
	b, _, err := OpenPebble(vfs.NewMem(), "store")
	if err != nil {
		t.Fatal(err)
	}
	deaf := &deafBackend{Backend: b}
	s, err := New(deaf)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	deaf.err = errors.New("the disk is gone")
	if n, err := s.KV(nil, nil, dag.ID{1}).Len(); !errors.Is(err, deaf.err) {
		t.Errorf("%d entries, %v", n, err)
	}
}
