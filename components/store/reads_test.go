package store

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/merograph/merograph/crdt"
	"github.com/merograph/merograph/dag"
)

func fakedPut(i int, key string, value []byte) *dag.Entry {
	return faked(i, []crdt.Op{crdt.Put{Key: key, Value: value}})
}

// heldDisk is a disk whose syncs wait while it is held.
type heldDisk struct {
	dag.Disk
	begun, held chan struct{} // of the next sync; nil when none is held
}

func (d *heldDisk) Create(name string, size int64) (dag.File, error) {
	f, err := d.Disk.Create(name, size)
	return heldFile{f, d}, err
}

type heldFile struct {
	dag.File
	d *heldDisk
}

func (f heldFile) Fdatasync() error {
	if f.d.held != nil {
		close(f.d.begun)
		<-f.d.held
		f.d.held = nil
	}
	return f.File.Fdatasync()
}

// DATA 3.1, DESIGN 3: reads are local and wait for no sync: while one hangs they give what is synced.
func TestRule3_1_ReadsWaitForNoSync(t *testing.T) {
	disk := &heldDisk{Disk: dag.NewMemDisk()}
	h := open(t, disk, memory(t))
	defer h.close(t)
	if _, err := h.Put("k", []byte("was")); err != nil {
		t.Fatal(err)
	}
	begun, held := make(chan struct{}), make(chan struct{})
	disk.begun, disk.held = begun, held
	done := make(chan error)
	go func() {
		_, err := h.Put("k", []byte("is"))
		done <- err
	}()
	<-begun
	if e, err := h.Get("k"); err != nil || string(e.Value) != "was" {
		t.Errorf("get while a sync hangs: %q, %v", e.Value, err)
	}
	if has, err := h.Contains("k"); !has || err != nil || size(h) != 1 || len(all(t, h.KV, "")) != 1 {
		t.Errorf("contains %v, %v; %d entries", has, err, size(h))
	}
	w := watch(t, h.KV, "", true)
	for e, err := range w.Present() {
		if err != nil || string(e.Value) != "was" {
			t.Errorf("the present while a sync hangs: %q, %v", e.Value, err)
		}
	}
	close(held)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if events, err := w.Next(t.Context()); err != nil || len(events) != 1 || string(events[0].Value) != "is" {
		t.Errorf("%v, %v", events, err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

// Keys are bytes: nothing is folded, cut or compared as text.
func TestKeysAreBytes(t *testing.T) {
	h := open(t, dag.NewMemDisk(), memory(t))
	defer h.close(t)
	for i, k := range oddKeys {
		if w, err := h.Put(k, fmt.Append(nil, i)); err != nil || w.Status != Created {
			t.Fatalf("%.20q: %v, %v", k, w.Status, err)
		}
	}
	for i, k := range oddKeys {
		if e, err := h.Get(k); err != nil || string(e.Value) != fmt.Sprint(i) || e.Key != k {
			t.Errorf("%.20q: %q, %v", k, e.Value, err)
		}
	}
	for _, prefix := range append(oddKeys, "", "k", "a/") {
		want := 0
		for _, k := range oddKeys {
			if strings.HasPrefix(k, prefix) {
				want++
			}
		}
		got := all(t, h.KV, prefix)
		for i := range got {
			if !strings.HasPrefix(got[i].Key, prefix) || i > 0 && got[i-1].Key >= got[i].Key {
				t.Errorf("under %.20q stands %.20q", prefix, got[i].Key)
			}
		}
		if len(got) != want {
			t.Errorf("under %.20q stand %d entries, want %d", prefix, len(got), want)
		}
	}
	for i, k := range oddKeys {
		if w, err := h.Remove(k); err != nil || w.Status != Deleted || size(h) != len(oddKeys)-1-i {
			t.Errorf("%.20q: %v, %v; %d entries left", k, w.Status, err, size(h))
		}
	}
}

// A list goes on after the last key of a page, whatever the page.
func TestListInPages(t *testing.T) {
	h := open(t, dag.NewMemDisk(), memory(t))
	defer h.close(t)
	for _, k := range oddKeys {
		if _, err := h.Put(k, nil); err != nil {
			t.Fatal(err)
		}
	}
	whole := all(t, h.KV, "a")
	for size := 1; size <= len(whole)+1; size++ {
		var got []Entry
		for after := ""; ; {
			n := 0
			for e, err := range h.List("a", after) {
				if err != nil {
					t.Fatal(err)
				}
				got, after = append(got, e), e.Key
				if n++; n == size {
					break
				}
			}
			if n < size {
				break
			}
		}
		if len(got) != len(whole) || got[len(got)-1].Key != whole[len(whole)-1].Key {
			t.Fatalf("pages of %d give %d entries of %d", size, len(got), len(whole))
		}
	}
}

// The contexts of a node share its store and do not see each other.
func TestContextsAreApart(t *testing.T) {
	s := memory(t)
	h := open(t, dag.NewMemDisk(), s)
	defer h.close(t)
	ctx, err := h.journal.Found(signer(2), dag.Grant{})
	if err != nil {
		t.Fatal(err)
	}
	other := s.KV(h.journal, signer(2), ctx)
	if _, err := h.Put("k", []byte("one")); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Put("k", []byte("two")); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Put("l", nil); err != nil {
		t.Fatal(err)
	}
	a, errA := h.Get("k")
	b, errB := other.Get("k")
	if errA != nil || errB != nil || string(a.Value) != "one" || string(b.Value) != "two" || size(h) != 1 || size(other) != 2 {
		t.Errorf("%q, %q, %v, %v, %d, %d", a.Value, b.Value, errA, errB, size(h), size(other))
	}
	if _, err := h.Remove("k"); err != nil {
		t.Fatal(err)
	}
	if has, err := other.Contains("k"); !has || err != nil {
		t.Errorf("a removal in one context: %v, %v", has, err)
	}
}

var errDiskFull = errors.New("no space left on the device")

// DATA 3.1: when the store's disk is full, what was answered is there, what was asked is told to be unknown, and the sentence says
// that the log has it; once there is room a start brings the store to where the log is.
func TestRule3_1_FullDiskUnderTheStore(t *testing.T) {
	files, full := vfs.NewMem(), make(chan struct{})
	refuse := errorfs.InjectorFunc(func(op errorfs.Op) error {
		select {
		case <-full:
		default:
			return nil
		}
		if op.Kind == errorfs.OpFileWrite || op.Kind == errorfs.OpCreate || op.Kind == errorfs.OpFileSync {
			return errDiskFull
		}
		return nil
	})
	b, err := openPebble(errorfs.Wrap(files, refuse), "store", 64<<10)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(b)
	if err != nil {
		t.Fatal(err)
	}
	disk := dag.NewMemDisk()
	h := open(t, disk, s)
	if _, err := h.Put("before", []byte("safe")); err != nil {
		t.Fatal(err)
	}
	close(full)
	answered := 0
	for err = nil; err == nil; answered++ {
		if answered > 10_000 {
			t.Fatal("a store that cannot be written was never noticed")
		}
		_, err = h.Put(fmt.Sprint("full", answered), bytes.Repeat([]byte{1}, 2000))
	}
	for _, part := range []string{"no space left", "the log holds", "nothing of it is lost", "start the node again"} {
		if !errors.Is(err, dag.ErrUnknownOutcome) || !strings.Contains(err.Error(), part) {
			t.Errorf("the sentence lacks %q: %v", part, err)
		}
	}
	if e, err := h.Get("before"); err != nil || string(e.Value) != "safe" {
		t.Errorf("a read while the disk is full: %q, %v", e.Value, err)
	}
	if _, err := h.Put("more", nil); !errors.Is(err, dag.ErrStopped) {
		t.Errorf("the next write: %v", err)
	}
	_ = h.journal.Close()
	_ = h.store.Close() // it says again that it could not write
	if s, _, err = openOn(files, "store"); err != nil {
		t.Fatal(err)
	}
	again := open(t, disk, s)
	defer again.close(t)
	if size(again) < answered { // those that were answered, one before, and perhaps the one whose outcome was unknown
		t.Errorf("%d writes were answered, %d are there", answered, size(again))
	}
	equals(t, again.KV, naive(entries(t, again)), oddKeys)
}

// DATA 7.2: of so many writes at once that no payload names them all, a put shows its own value, and a removal takes all away.
func TestRule7_2_MoreWritesAtOnceThanAPayloadNames(t *testing.T) {
	h := open(t, dag.NewMemDisk(), memory(t))
	defer h.close(t)
	var entries []*dag.Entry
	for i := range maxSeen + 100 {
		entries = append(entries, fakedPut(i, "k", fmt.Append(nil, i)))
	}
	batch, _ := batchOf(h.ctx, entries, 0)
	mark, err := h.store.Mark()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.store.Put(batch, mark); err != nil {
		t.Fatal(err)
	}
	if w, err := h.Put("k", bytes.Repeat([]byte{1}, MaxValue)); err != nil || w.Status != Updated {
		t.Fatalf("%v, %v", w.Status, err)
	}
	if e, err := h.Get("k"); err != nil || len(e.Value) != MaxValue || size(h) != 1 {
		t.Fatalf("%d bytes, %v, %d entries", len(e.Value), err, size(h))
	}
	if w, err := h.Remove("k"); err != nil || w.Status != Deleted || size(h) != 0 {
		t.Fatalf("%v, %v, %d entries", w.Status, err, size(h))
	}
	if left := dump(t, h.store, setAlone); left != "" {
		t.Errorf("of what was removed there is left:\n%s", left)
	}
}

// A put that comes again after it was removed stays removed, and so does one that the removal's author saw and this node did
// not yet: a removal is remembered by the names that it takes away.
func TestRemovedStaysRemoved(t *testing.T) {
	put := fakedPut(1, "k", []byte("v"))
	removal := faked(2, []crdt.Op{crdt.Remove{Key: "k", Seen: []crdt.Name{{Delta: put.ID}}}})
	unseen := fakedPut(3, "k", []byte("w"))
	for what, log := range map[string][]*dag.Entry{"again": {put, removal, put}, "late": {removal, put}, "late and again": {removal, put, put, removal}} {
		s, ctx := memory(t), dag.ID{1}
		for i, e := range append(log, unseen) {
			if i == len(log) {
				if has, err := s.KV(nil, nil, ctx).Contains("k"); has || err != nil {
					t.Errorf("%s: it is there, %v", what, err)
				}
			}
			batch, mark := batchOf(ctx, []*dag.Entry{e}, i)
			if err := s.Put(batch, mark); err != nil {
				t.Fatal(err)
			}
		}
		if e, err := s.KV(nil, nil, ctx).Get("k"); err != nil || string(e.Value) != "w" {
			t.Errorf("%s: a write that the removal did not see: %q, %v", what, e.Value, err)
		}
	}
}

// What is read from the store's files is checked: nothing of it makes a panic, and what is taken is what would be written.
func FuzzRecords(f *testing.F) {
	w := write{value: []byte("value"), wall: 7}
	f.Add(encodeEntry(&w, 3))
	f.Add(encodeUnder(&w))
	f.Add(placed{dag.Place{Offset: 1, Size: 2}, true}.encode())
	f.Add(encodeMark(dag.Mark{Start: 1, End: 2, CRC: 3, Sequence: 4}))
	f.Add(count{1, 2}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if w, under, err := decodeEntry(b); err == nil && !bytes.Equal(encodeEntry(&w, under), b) {
			t.Errorf("entry %x", b)
		}
		if w, err := decodeUnder(b); err == nil && !bytes.Equal(encodeUnder(&w), b) {
			t.Errorf("beneath %x", b)
		}
		if p, err := decodePlaced(b); err == nil && !bytes.Equal(p.encode(), b) && b[12] < 2 {
			t.Errorf("place %x", b)
		}
		if m, err := decodeMark(b); err == nil && !bytes.Equal(encodeMark(m), b) {
			t.Errorf("mark %x", b)
		}
		if c, err := decodeCount(b); err == nil && !bytes.Equal(c.encode(), b) {
			t.Errorf("count %x", b)
		}
	})
}
