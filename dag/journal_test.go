package dag

import (
	"errors"
	"testing"
)

func TestWriteReopenServeIngest(t *testing.T) {
	w := newWorld(1)
	disk := NewMemDisk()
	j, _ := open(t, disk, w.options())
	alice, bob := person("alice"), person("bob")
	ctx := must(j.Found(alice, Grant{Keys: []Key{bob.Public()}}))
	for _, s := range []string{"one", "two", "three"} {
		put(t, j, ctx, alice, s)
		put(t, j, ctx, bob, s)
	}
	before := all(t, j, ctx)
	if len(before) != 7 {
		t.Fatalf("%d deltas, want 7", len(before))
	}
	closeJ(t, j)
	j, rec := open(t, disk, w.options())
	if !rec.Clean || rec.Cut || len(rec.Damage) > 0 || rec.Records != 7 || rec.LastSequence != 7 {
		t.Fatalf("recovery: %+v", rec)
	}
	put(t, j, ctx, alice, "four")
	k, _ := open(t, NewMemDisk(), w.options())
	if err := k.Join(ctx); err != nil {
		t.Fatal(err)
	}
	pull(t, j, k, ctx, MaxPage)
	same(t, j, k, ctx)
	if n := k.Stats().Contexts[0].Chains; n != 2 {
		t.Errorf("%d chains, want 2: a clean restart goes on with a chain", n)
	}
	put(t, k, ctx, bob, "five")
	pull(t, k, j, ctx, MaxPage)
	same(t, j, k, ctx)
	closeJ(t, j)
	closeJ(t, k)
	if _, err := j.Write(ctx, alice, Edit{Kind: KindData}); !errors.Is(err, ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
	if _, _, err := j.Get(ctx); !errors.Is(err, ErrClosed) {
		t.Errorf("get after close: %v", err)
	}
	if err := j.Flush(); !errors.Is(err, ErrClosed) {
		t.Errorf("flush after close: %v", err)
	}
	if _, err := j.Ingest(ctx, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("ingest after close: %v", err)
	}
}
