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
	*KV
	store   *Store
	journal *dag.Journal
	ctx     dag.ID
}

func signer(b byte) dag.Signer {
	return dag.NewSigner(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{b}, 32)))
}

// memory is an empty store in memory.
func memory(t testing.TB) *Store {
	t.Helper()
	s, err := OpenMemory()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func open(t testing.TB, disk dag.Disk, s *Store) *home {
	t.Helper()
	h := &home{store: s}
	var seed [32]byte
	var err error
	h.journal, _, err = dag.Open(disk, dag.Options{Index: s, Observer: s, Wall: time.Now, Rand: rand.NewChaCha8(seed)})
	if err != nil {
		t.Fatal(err)
	}
	known := h.journal.Contexts()
	s.Opened(known, func(dag.ID) []View { return nil })
	if len(known) > 0 {
		h.ctx = known[0]
	} else if h.ctx, err = h.journal.Found(signer(1), dag.Grant{}); err != nil {
		t.Fatal(err)
	}
	h.KV = s.KV(h.journal, signer(1), h.ctx)
	return h
}

// close closes a home, the journal first.
func (h *home) close(t testing.TB) {
	t.Helper()
	if err := errors.Join(h.journal.Close(), h.store.Close()); err != nil {
		t.Error(err)
	}
}

// all gives the entries under a prefix.
func all(t testing.TB, k *KV, prefix string) (out []Entry) {
	t.Helper()
	for e, err := range k.List(prefix, "") {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

// size is how many entries there are; -1 when the store does not tell.
func size(k interface{ Len() (int, error) }) int {
	n, err := k.Len()
	if err != nil {
		return -1
	}
	return n
}

func TestPutTellsWhatItDid(t *testing.T) {
	h := open(t, dag.NewMemDisk(), memory(t))
	defer h.close(t)
	for _, step := range []struct {
		value string
		want  Status
	}{{"a", Created}, {"a", Unchanged}, {"b", Updated}, {"", Updated}} {
		got, err := h.Put("k", []byte(step.value))
		if err != nil || got.Status != step.want {
			t.Fatalf("put %q: %v, %v; want %s", step.value, got, err, step.want)
		}
		e, err := h.Get("k")
		if err != nil || string(e.Value) != step.value || e.Version != got.Version {
			t.Fatalf("get after put %q: %v, %v", step.value, e, err)
		}
	}
	if w, err := h.Remove("k"); err != nil || w.Status != Deleted {
		t.Fatalf("remove: %v, %v", w, err)
	}
	if _, err := h.Get("k"); !errors.Is(err, ErrNotFound) {
		t.Fatalf("get of a removed key: %v", err)
	}
	if _, err := h.Remove("k"); !errors.Is(err, ErrNotFound) {
		t.Fatalf("remove of a removed key: %v", err)
	}
}

func TestPutRefusesWhatDoesNotFit(t *testing.T) {
	h := open(t, dag.NewMemDisk(), memory(t))
	defer h.close(t)
	for name, put := range map[string]func() (Written, error){
		"empty key":   func() (Written, error) { return h.Put("", nil) },
		"long key":    func() (Written, error) { return h.Put(strings.Repeat("k", MaxKey+1), nil) },
		"large value": func() (Written, error) { return h.Put("k", make([]byte, MaxValue+1)) },
	} {
		if _, err := put(); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	for range 2 { // the second names the first
		value := bytes.Repeat([]byte{0xff}, MaxValue)
		if _, err := h.Put(strings.Repeat("k", MaxKey), value); err != nil {
			t.Errorf("the greatest value under the greatest key: %v", err)
		}
		if _, err := h.Put(strings.Repeat("k", MaxKey), nil); err != nil {
			t.Error(err)
		}
	}
}

// DATA 3.1: what was answered is there after a crash, and the store is the fold of the log.
func TestRule3_1_AnsweredIsThereAfterACrash(t *testing.T) {
	disk := dag.NewMemDisk()
	h := open(t, disk, memory(t))
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 20 {
				if _, err := h.Put(fmt.Sprintf("%d/%02d", w, i), []byte(fmt.Sprint(w, i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	before := all(t, h.KV, "")
	disk.Crash()
	again := open(t, disk, memory(t))
	defer again.close(t)
	after := all(t, again.KV, "")
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
	h := open(t, disk, memory(t))
	if _, err := h.Put("a", []byte("1")); err != nil {
		t.Fatal(err)
	}
	disk.FailSync(1, errors.New("the disk is gone"))
	if _, err := h.Put("a", []byte("2")); !errors.Is(err, dag.ErrUnknownOutcome) {
		t.Fatalf("a write whose sync failed: %v", err)
	}
	if e, err := h.Get("a"); err != nil || string(e.Value) != "1" {
		t.Fatalf("what was not synced shows: %q, %v", e.Value, err)
	}
	for what, write := range map[string]func() (Written, error){
		"another value":          func() (Written, error) { return h.Put("a", []byte("3")) },
		"the value that shows":   func() (Written, error) { return h.Put("a", []byte("1")) },
		"the value that may be":  func() (Written, error) { return h.Put("a", []byte("2")) },
		"a removal":              func() (Written, error) { return h.Remove("a") },
		"a removal of no entry":  func() (Written, error) { return h.Remove("b") },
		"an entry of a new name": func() (Written, error) { return h.Put("b", nil) },
	} {
		if w, err := write(); !errors.Is(err, dag.ErrStopped) {
			t.Errorf("%s after a failed sync: %+v, %v", what, w, err)
		}
	}
	if h.store.Err() == nil {
		t.Fatal("the store was not told")
	}
	_ = h.journal.Close() // it may fail: nothing more is promised
	disk = disk.Backup()  // what was written reached the disk after all
	again := open(t, disk, memory(t))
	defer again.close(t)
	if e, err := again.Get("a"); err != nil || string(e.Value) != "2" {
		t.Errorf("the write whose outcome was unknown: %q, %v", e.Value, err)
	}
}

func TestListByPrefix(t *testing.T) {
	h := open(t, dag.NewMemDisk(), memory(t))
	defer h.close(t)
	for _, k := range []string{"b/2", "a", "b/1", "b", "c"} {
		if _, err := h.Put(k, []byte(k)); err != nil {
			t.Fatal(err)
		}
	}
	var keys []string
	for _, e := range all(t, h.KV, "b") {
		keys = append(keys, e.Key)
	}
	if got := strings.Join(keys, " "); got != "b b/1 b/2" {
		t.Fatalf("got %q", got)
	}
}

// The index of the store and the one in memory answer alike, also after it was closed and opened.
func TestIndexOnDisk(t *testing.T) {
	dir := t.TempDir()
	x := on(t, dir)
	ref := dag.NewMemIndex()
	mark := dag.Mark{Start: 7, End: 900, CRC: 0xdeadbeef, Sequence: 41}
	copy(mark.Log[:], "sixteen bytes ok")
	var ids []dag.ID
	for i := range 300 {
		var id dag.ID
		id[0], id[1], id[31] = byte(i), byte(i>>8), 0xff
		ids = append(ids, id)
		for _, ix := range []dag.Index{x, ref} {
			if err := ix.Put([]dag.Located{{ID: id, Place: dag.Place{Offset: int64(i) << 33, Size: i + 1}}}, mark); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	x = on(t, dir)
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

// on opens the store in a directory.
func on(t testing.TB, dir string) *Store {
	t.Helper()
	s, lost, err := Open(filepath.Join(dir, "store"))
	if err != nil || lost != nil {
		t.Fatal(lost, err)
	}
	return s
}

func TestJournalOverStoreOnDisk(t *testing.T) {
	dir := t.TempDir()
	for round := range 3 {
		h := open(t, dag.OSDisk(filepath.Join(dir, "log")), on(t, dir))
		if got := size(h); got != round {
			t.Fatalf("round %d: %d entries", round, got)
		}
		w, err := h.Put(fmt.Sprint(round), nil)
		if err != nil {
			t.Fatal(err)
		}
		if e, ok, err := h.journal.Get(w.Version); err != nil || !ok || e.ID != w.Version {
			t.Fatalf("the delta of a write: %v, %v", ok, err)
		}
		h.close(t)
	}
}

// DATA 3.1: that nothing changed is an answer too, and waits for what it stands on.
func TestRule3_1_UnchangedWaitsForWhatItStandsOn(t *testing.T) {
	disk := dag.NewMemDisk()
	h := open(t, disk, memory(t))
	payload, err := crdt.EncodeOps([]crdt.Op{crdt.Put{Key: "k", Value: []byte("v")}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.journal.Write(h.ctx, signer(1), dag.Edit{Kind: dag.KindData, Payload: payload}); err != nil {
		t.Fatal(err) // nobody waits for it
	}
	disk.FailSync(1, errors.New("the disk is gone"))
	if w, err := h.Put("k", []byte("v")); !errors.Is(err, dag.ErrUnknownOutcome) {
		t.Fatalf("%v, %v", w, err)
	}
}
