package store

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/merograph/merograph/crdt"
	"github.com/merograph/merograph/dag"
)

// home is a journal with a store over it, as a node opens them.
type home struct {
	fold    *Fold
	journal *dag.Journal
	kv      *KV
	ctx     dag.ID
}

func signer(b byte) dag.Signer {
	return dag.NewSigner(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{b}, 32)))
}

func open(t *testing.T, disk dag.Disk, index dag.Index) *home {
	t.Helper()
	h := &home{fold: NewFold()}
	var seed [32]byte
	j, _, err := dag.Open(disk, dag.Options{Index: index, Observer: h.fold, Wall: time.Now, Rand: rand.NewChaCha8(seed)})
	if err != nil {
		t.Fatal(err)
	}
	h.journal = j
	h.fold.Opened(func(ctx dag.ID) []View {
		h.ctx, h.kv = ctx, NewKV(j, signer(1), ctx)
		return []View{h.kv}
	})
	if h.kv == nil {
		if h.ctx, err = j.Found(signer(1), dag.Grant{}); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func TestPutTellsWhatItDid(t *testing.T) {
	h := open(t, dag.NewMemDisk(), dag.NewMemIndex())
	defer h.journal.Close()
	for _, step := range []struct {
		value string
		want  Status
	}{{"a", Created}, {"a", Unchanged}, {"b", Updated}, {"", Updated}} {
		got, err := h.kv.Put("k", []byte(step.value))
		if err != nil || got.Status != step.want {
			t.Fatalf("put %q: %v, %v; want %s", step.value, got, err, step.want)
		}
		e, err := h.kv.Get("k")
		if err != nil || string(e.Value) != step.value || e.Version != got.Version {
			t.Fatalf("get after put %q: %v, %v", step.value, e, err)
		}
	}
	if w, err := h.kv.Remove("k"); err != nil || w.Status != Deleted {
		t.Fatalf("remove: %v, %v", w, err)
	}
	if _, err := h.kv.Get("k"); !errors.Is(err, ErrNotFound) {
		t.Fatalf("get of a removed key: %v", err)
	}
	if _, err := h.kv.Remove("k"); !errors.Is(err, ErrNotFound) {
		t.Fatalf("remove of a removed key: %v", err)
	}
}

func TestPutRefusesWhatDoesNotFit(t *testing.T) {
	h := open(t, dag.NewMemDisk(), dag.NewMemIndex())
	defer h.journal.Close()
	for name, put := range map[string]func() (Written, error){
		"empty key":   func() (Written, error) { return h.kv.Put("", nil) },
		"long key":    func() (Written, error) { return h.kv.Put(strings.Repeat("k", MaxKey+1), nil) },
		"large value": func() (Written, error) { return h.kv.Put("k", make([]byte, MaxValue+1)) },
	} {
		if _, err := put(); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if _, err := h.kv.Put("k", make([]byte, MaxValue)); err != nil {
		t.Errorf("the greatest value: %v", err)
	}
}

// DATA 3.1: what was answered is there after a crash, and the store is the fold of the log.
func TestRule3_1_AnsweredIsThereAfterACrash(t *testing.T) {
	disk := dag.NewMemDisk()
	h := open(t, disk, dag.NewMemIndex())
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 20 {
				if _, err := h.kv.Put(fmt.Sprintf("%d/%02d", w, i), []byte(fmt.Sprint(w, i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	before := h.kv.List("", 0)
	disk.Crash()
	again := open(t, disk, dag.NewMemIndex())
	defer again.journal.Close()
	after := again.kv.List("", 0)
	if len(before) != 160 || len(after) != len(before) {
		t.Fatalf("%d entries before the crash, %d after", len(before), len(after))
	}
	for i := range before {
		if before[i].Key != after[i].Key || !bytes.Equal(before[i].Value, after[i].Value) || before[i].Version != after[i].Version {
			t.Errorf("before %v, after %v", before[i], after[i])
		}
	}
}

func TestRule3_1_SyncFailureShowsNothing(t *testing.T) {
	disk := dag.NewMemDisk()
	h := open(t, disk, dag.NewMemIndex())
	if _, err := h.kv.Put("a", []byte("1")); err != nil {
		t.Fatal(err)
	}
	disk.FailSync(1, errors.New("the disk is gone"))
	if _, err := h.kv.Put("a", []byte("2")); !errors.Is(err, dag.ErrUnknownOutcome) {
		t.Fatalf("a write whose sync failed: %v", err)
	}
	if e, err := h.kv.Get("a"); err != nil || string(e.Value) != "1" {
		t.Fatalf("what was not synced shows: %q, %v", e.Value, err)
	}
	if _, err := h.kv.Put("a", []byte("3")); err == nil {
		t.Fatal("a write after a failed sync was taken")
	}
	if h.fold.Err() == nil {
		t.Fatal("the fold was not told")
	}
}

func TestListByPrefix(t *testing.T) {
	h := open(t, dag.NewMemDisk(), dag.NewMemIndex())
	defer h.journal.Close()
	for _, k := range []string{"b/2", "a", "b/1", "b", "c"} {
		if _, err := h.kv.Put(k, []byte(k)); err != nil {
			t.Fatal(err)
		}
	}
	var keys []string
	for _, e := range h.kv.List("b", 2) {
		keys = append(keys, e.Key)
	}
	if got := strings.Join(keys, " "); got != "b b/1" {
		t.Fatalf("got %q", got)
	}
}

// The index on disk and the one in memory answer alike, also after it was closed and opened.
func TestIndexOnDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "index")
	x, err := OpenIndex(dir)
	if err != nil {
		t.Fatal(err)
	}
	ref := dag.NewMemIndex()
	mark := dag.Mark{Start: 7, End: 900, CRC: 0xdeadbeef, Sequence: 41}
	copy(mark.Log[:], "sixteen bytes ok")
	var ids []dag.ID
	for i := range 300 {
		var id dag.ID
		id[0], id[1], id[31] = byte(i), byte(i>>8), 0xff
		ids = append(ids, id)
		for _, ix := range []dag.Index{x, ref} {
			if err := ix.Put([]dag.Located{{ID: id, Place: dag.Place{Offset: int64(i) << 33, Size: i}}}, mark); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	if x, err = OpenIndex(dir); err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	same := func(id dag.ID) {
		t.Helper()
		a, okA, errA := x.Get(id)
		b, okB, errB := ref.Get(id)
		if a != b || okA != okB || errA != nil || errB != nil {
			t.Fatalf("%s: %v %v %v, want %v %v %v", id, a, okA, errA, b, okB, errB)
		}
	}
	for _, id := range append(ids, dag.ID{1, 2, 3}) {
		same(id)
	}
	if m, err := x.Mark(); m != mark || err != nil {
		t.Fatalf("mark %v, %v", m, err)
	}
	for _, ix := range []dag.Index{x, ref} {
		if err := ix.Reset(); err != nil {
			t.Fatal(err)
		}
	}
	same(ids[0])
	if m, err := x.Mark(); m != (dag.Mark{}) || err != nil {
		t.Fatalf("mark after reset %v, %v", m, err)
	}
}

func TestJournalOverIndexOnDisk(t *testing.T) {
	dir := t.TempDir()
	for round := range 3 {
		x, err := OpenIndex(filepath.Join(dir, "index"))
		if err != nil {
			t.Fatal(err)
		}
		h := open(t, dag.OSDisk(filepath.Join(dir, "log")), x)
		if got := h.kv.Len(); got != round {
			t.Fatalf("round %d: %d entries", round, got)
		}
		w, err := h.kv.Put(fmt.Sprint(round), nil)
		if err != nil {
			t.Fatal(err)
		}
		if e, ok, err := h.journal.Get(w.Version); err != nil || !ok || e.ID != w.Version {
			t.Fatalf("the delta of a write: %v, %v", ok, err)
		}
		if err := h.journal.Close(); err != nil {
			t.Fatal(err)
		}
		if err := x.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// DATA 3.1: that nothing changed is an answer too, and waits for what it stands on.
func TestRule3_1_UnchangedWaitsForWhatItStandsOn(t *testing.T) {
	disk := dag.NewMemDisk()
	h := open(t, disk, dag.NewMemIndex())
	payload, err := crdt.EncodeOps([]crdt.Op{crdt.Put{Key: "k", Value: []byte("v")}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.journal.Write(h.ctx, signer(1), dag.Edit{Kind: dag.KindData, Payload: payload}); err != nil {
		t.Fatal(err) // nobody waits for it
	}
	disk.FailSync(1, errors.New("the disk is gone"))
	if w, err := h.kv.Put("k", []byte("v")); !errors.Is(err, dag.ErrUnknownOutcome) {
		t.Fatalf("%v, %v", w, err)
	}
}
