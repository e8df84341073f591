package storetest

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/merograph/merograph/components/store"
	"github.com/merograph/merograph/crdt"
	"github.com/merograph/merograph/dag"
)

// groups makes the deltas of a log: writes of a few keys, in groups, that replace each other and at times do not.
func groups(seed uint64, n int) (ctx dag.ID, out [][]*dag.Entry) {
	rng := rand.New(rand.NewPCG(seed, 1))
	ctx[0] = 1
	seen := map[string][]crdt.Name{}
	number := 0
	for range n {
		var group []*dag.Entry
		for range 1 + rng.IntN(4) {
			number++
			key := Keys()[rng.IntN(len(Keys()))]
			value := make([]byte, rng.IntN(6000))
			for i := range value {
				value[i] = byte(rng.Uint32())
			}
			payload, err := crdt.EncodeOps([]crdt.Op{crdt.Put{Key: key, Value: value, Seen: seen[key]}})
			if err != nil {
				panic(err) // the operations are constants
			}
			d := &dag.Delta{Version: dag.Version1, Kind: dag.KindData, Ms: uint64(number), Payload: payload}
			e := &dag.Entry{ID: sha256.Sum256(fmt.Appendf(nil, "%d %d", seed, number)), Delta: d}
			if rng.IntN(4) > 0 { // else the next writer of the key has not seen it
				seen[key] = []crdt.Name{{Delta: e.ID}}
			}
			group = append(group, e)
		}
		out = append(out, group)
	}
	return ctx, out
}

// put folds group i into a store, as a journal would; the mark counts groups.
func put(s *store.Store, ctx dag.ID, i int, group []*dag.Entry) error {
	var batch []dag.Located
	for k, e := range group {
		batch = append(batch, dag.Located{ID: e.ID, Place: dag.Place{Offset: int64(i)<<8 + int64(k), Size: 1}, Context: ctx, Entry: e})
	}
	return s.Put(batch, dag.Mark{Log: [16]byte{1}, Start: int64(i), End: int64(i) + 1, CRC: uint32(i), Sequence: uint64(i) + 1})
}

// picture is all that a backend holds.
func picture(t *testing.T, b store.Backend) [sha256.Size]byte {
	t.Helper()
	h := sha256.New()
	for _, kv := range scan(t, b, nil, nil) {
		fmt.Fprintf(h, "%d %s", len(kv), kv)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// crashLeavesTheFold: whatever a power cut leaves, the mark says what it is: the fold of the log up to there, byte for byte,
// and going on from there ends where a run without a cut ends.
func crashLeavesTheFold(t *testing.T, p Place) {
	const n = 120
	ctx, log := groups(7, n)
	after := make([][sha256.Size]byte, n+1) // of a run without a cut
	ref := open(t, p)
	s, err := store.New(ref)
	if err != nil {
		t.Fatal(err)
	}
	for i, g := range log {
		after[i] = picture(t, ref)
		if err := put(s, ctx, i, g); err != nil {
			t.Fatal(err)
		}
	}
	after[n] = picture(t, ref)
	if err := s.Reset(); err != nil {
		t.Fatal(err)
	}
	if picture(t, ref) != after[0] {
		t.Fatal("a store that was reset is not an empty one")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	at, lost := 0, 0
	for seed := uint64(0); at < n; seed++ {
		b := open(t, p)
		if s, err = store.New(b); err != nil {
			t.Fatal(err)
		}
		m, err := s.Mark()
		if err != nil || m.End > int64(at) {
			t.Fatalf("the mark is %+v, %v; %d groups were folded", m, err, at)
		}
		lost += at - int(m.End)
		if at = int(m.End); picture(t, b) != after[at] {
			t.Fatalf("after a cut the store is not the fold up to its mark, group %d", at)
		}
		for range 1 + rng.IntN(n/2) {
			if at < n {
				if err := put(s, ctx, at, log[at]); err != nil {
					t.Fatal(err)
				}
				at++
			}
		}
		if at == n && picture(t, b) != after[n] {
			t.Fatal("a run with cuts ends elsewhere than one without")
		}
		if seed%3 == 2 { // what is closed is durable, so the loop ends
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		p.Crash(seed)
		_ = s.Close() // dead
	}
	t.Logf("the cuts took %d groups, which were folded again", lost)
}
