package store

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/merograph/merograph/dag"
	"pgregory.net/rapid"
)

// pictured is a store that remembers its bytes at each mark.
type pictured struct {
	*Store
	t  *testing.T
	mu sync.Mutex
	at map[uint64]string // by the mark's sequence
}

func (p *pictured) Put(batch []dag.Located, m dag.Mark) error {
	err := p.Store.Put(batch, m)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at[m.Sequence] = dump(p.t, p.Store, everything)
	return err
}

// fill makes n writes and removals of a few keys with some weight, many at once.
func fill(t testing.TB, k *KV, n int) {
	t.Helper()
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 5))
			for i := range n / 4 {
				key := oddKeys[rng.IntN(len(oddKeys))]
				if rng.IntN(4) == 0 {
					_, _ = k.Remove(key) // it may not be there
					continue
				}
				if _, err := k.Put(key, bytes.Repeat([]byte{byte(i)}, rng.IntN(3000))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// openWith opens a journal over a store that is seen through x.
func openWith(t testing.TB, disk dag.Disk, s *Store, x dag.Index) *home {
	t.Helper()
	j, _, err := dag.Open(disk, dag.Options{Index: x, Observer: s, Wall: time.Now, Rand: rand.NewChaCha8([32]byte{})})
	if err != nil {
		t.Fatal(err)
	}
	h := &home{store: s, journal: j}
	if known := j.Contexts(); len(known) > 0 {
		h.ctx = known[0]
	} else if h.ctx, err = j.Found(signer(1), dag.Grant{}); err != nil {
		t.Fatal(err)
	}
	h.KV = s.KV(j, signer(1), h.ctx)
	return h
}

// DATA 3.3: cut the power at any operation on the store's files: what is left is the fold of the log up to its mark, and
// the journal brings it to where it was.
func TestRule3_3_EveryCutPoint(t *testing.T) {
	files := vfs.NewCrashableMem()
	var mu sync.Mutex
	var cuts []*vfs.MemFS
	ops := 0
	cut := errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			mu.Lock()
			defer mu.Unlock()
			if ops++; ops%7 == 0 {
				cuts = append(cuts, files.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: ops * 29 % 101, RNG: rand.New(rand.NewPCG(uint64(ops), 0))}))
			}
		}
		return nil
	})
	b, err := openPebble(errorfs.Wrap(files, cut), "store", 64<<10)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(b)
	if err != nil {
		t.Fatal(err)
	}
	disk := dag.NewMemDisk()
	p := &pictured{Store: s, t: t, at: map[uint64]string{0: ""}}
	h := openWith(t, disk, s, p)
	fill(t, h.KV, 400)
	final := dump(t, s, everything)
	h.close(t)
	marks := map[uint64]bool{}
	for _, files := range cuts {
		b, err := openPebble(files, "store", 64<<10)
		if err != nil {
			t.Fatalf("a cut makes the store unreadable: %v", err)
		}
		s, err := New(b)
		if err != nil {
			t.Fatal(err)
		}
		m, err := s.Mark()
		if err != nil {
			t.Fatal(err)
		}
		marks[m.Sequence] = true
		if want := p.at[m.Sequence]; m.Sequence != 0 && dump(t, s, everything) != want {
			t.Fatalf("at the mark %+v the store is not the fold up to there", m)
		}
		again := open(t, disk.Backup(), s)
		if dump(t, s, everything) != final {
			t.Fatalf("from the mark %+v the journal does not bring the store to where it was", m)
		}
		again.close(t)
	}
	if len(cuts) < 20 || len(marks) < 3 {
		t.Fatalf("%d cuts at %d marks say little", len(cuts), len(marks))
	}
	t.Logf("%d cuts of %d operations, at %d marks", len(cuts), ops, len(marks))
}

// DATA 3.3: recovery is the same code as running: the same log gives the same bytes, whether they grew with it or were
// built of it at once.
func TestRule3_3_SameLogSameBytes(t *testing.T) {
	disk := dag.NewMemDisk()
	h := open(t, disk, memory(t))
	fill(t, h.KV, 200)
	want := dump(t, h.store, everything)
	h.close(t)
	again := open(t, disk, memory(t))
	defer again.close(t)
	if got := dump(t, again.store, everything); got != want {
		t.Errorf("grown:\n%s\nbuilt:\n%s", want, got)
	}
	equals(t, again.KV, naive(entries(t, again)), oddKeys)
}

// entries are the deltas that a journal holds.
func entries(t interface{ Fatalf(string, ...any) }, h *home) (out []*dag.Entry) {
	err := h.journal.Each(h.ctx, func(e *dag.Entry) error {
		out = append(out, e)
		return nil
	})
	if err != nil {
		t.Fatalf("each: %v", err)
	}
	return out
}

// DATA 3.3: restart costs the frontier: after a clean stop nothing is folded again, after a crash what lies beyond the mark,
// and everything when the mark is not in the log.
func TestRule3_3_RestartFoldsTheFrontierAlone(t *testing.T) {
	disk, files := dag.NewMemDisk(), vfs.NewCrashableMem()
	small := func() *Store {
		t.Helper()
		s, err := openSmall(files)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	h := open(t, disk, small())
	for i := range 1000 {
		if _, err := h.Put(fmt.Sprint(i), nil); err != nil {
			t.Fatal(err)
		}
	}
	h.close(t)
	h = open(t, disk, small())
	if got := h.store.Folded(); got != 0 || size(h) != 1000 {
		t.Fatalf("after a clean stop %d deltas are folded again, %d entries", got, size(h))
	}
	for i := range 10 {
		if _, err := h.Put(fmt.Sprint("after", i), nil); err != nil {
			t.Fatal(err)
		}
	}
	files = files.CrashClone(vfs.CrashCloneCfg{})
	disk.Crash()
	_ = h.store.Close()
	h = open(t, disk, small())
	if got := h.store.Folded(); got != 10 || size(h) != 1010 {
		t.Fatalf("after a crash %d deltas are folded again, %d entries", got, size(h))
	}
	h.close(t)
	other := open(t, dag.NewMemDisk(), small()) // another log under the same store
	if got := other.store.Folded(); got != 1 || size(other) != 0 {
		t.Fatalf("of another log %d deltas are folded, %d entries", got, size(other))
	}
	other.close(t)
	h = open(t, disk, small())
	defer h.close(t)
	if got := h.store.Folded(); got != 1011 || size(h) != 1010 {
		t.Fatalf("when the mark is not in the log %d deltas are folded, %d entries", got, size(h))
	}
}

// A store that cannot be read is built again, and says why.
func TestUnreadableStoreIsBuiltAgain(t *testing.T) {
	disk, files := dag.NewMemDisk(), vfs.NewMem()
	s, _, err := openOn(files, "store")
	if err != nil {
		t.Fatal(err)
	}
	h := open(t, disk, s)
	fill(t, h.KV, 40)
	want := dump(t, s, everything)
	h.close(t)
	names, err := files.List("store")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if bytes.HasPrefix([]byte(n), []byte("MANIFEST")) {
			if f, err := files.Create("store/"+n, vfs.WriteCategoryUnspecified); err != nil || f.Close() != nil {
				t.Fatal(err)
			}
		}
	}
	s, lost, err := openOn(files, "store")
	if err != nil || lost == nil {
		t.Fatalf("lost %v, %v", lost, err)
	}
	h = open(t, disk, s)
	defer h.close(t)
	if dump(t, s, everything) != want {
		t.Error("it was built otherwise")
	}
}

// DATA 7.1: nodes that write, hear each other in any order and again, crash and start again, show the same in the end: the
// naive fold of what they hold.
func TestRule7_1_NodesInAnyOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		nodes := newNodes(t, rt, 3)
		for range rapid.IntRange(5, 40).Draw(rt, "steps") {
			n := nodes[rapid.IntRange(0, len(nodes)-1).Draw(rt, "node")]
			key := rapid.SampledFrom(oddKeys[:6]).Draw(rt, "key")
			switch rapid.IntRange(0, 6).Draw(rt, "does") {
			case 0, 1, 2:
				if _, err := n.Put(key, []byte(rapid.StringN(0, 3, -1).Draw(rt, "value"))); err != nil {
					rt.Fatalf("put: %v", err)
				}
			case 3:
				_, _ = n.Remove(key)
			case 4, 5:
				n.hear(rt, nodes[rapid.IntRange(0, len(nodes)-1).Draw(rt, "from")], rapid.IntRange(4000, 20000).Draw(rt, "bytes"))
			case 6:
				n.restart(t, rapid.Bool().Draw(rt, "crash"), rapid.IntRange(0, 100).Draw(rt, "kept"))
			}
		}
		for range 2 {
			for _, a := range nodes {
				for _, b := range nodes {
					a.hear(rt, b, 1<<20)
				}
			}
		}
		var want string
		for i, n := range nodes {
			equals(rt, n.KV, naive(entries(rt, n.home)), oddKeys)
			if got := dump(rt, n.store, setAlone); i == 0 {
				want = got
			} else if got != want {
				rt.Fatalf("the nodes keep\n%s\nand\n%s", want, got)
			}
			n.close(t)
		}
	})
}

// machine is a node whose disks may lose power.
type machine struct {
	*home
	who   byte
	disk  *dag.MemDisk
	files *vfs.MemFS
}

func newNodes(t *testing.T, rt *rapid.T, n int) (out []*machine) {
	var keys []dag.Key
	for i := range n {
		keys = append(keys, signer(byte(i+1)).Public())
	}
	for i := range n {
		m := &machine{who: byte(i + 1), disk: dag.NewMemDisk(), files: vfs.NewCrashableMem()}
		out = append(out, m)
		m.open(t)
		if i > 0 {
			if err := m.journal.Join(out[0].ctx); err != nil {
				rt.Fatalf("join: %v", err)
			}
			m.ctx = out[0].ctx
			m.KV = m.store.KV(m.journal, signer(m.who), m.ctx)
			m.hear(rt, out[0], 1<<20)
			continue
		}
		ctx, err := m.journal.Found(signer(1), dag.Grant{Keys: keys[1:], Role: dag.RoleMember})
		if err != nil {
			rt.Fatalf("found: %v", err)
		}
		m.ctx = ctx
		m.KV = m.store.KV(m.journal, signer(1), ctx)
	}
	return out
}

func (m *machine) open(t *testing.T) {
	t.Helper()
	s, err := openSmall(m.files)
	if err != nil {
		t.Fatal(err)
	}
	was := m.home
	j, _, err := dag.Open(m.disk, dag.Options{Index: s, Observer: s, Wall: time.Now, Rand: rand.NewChaCha8([32]byte{m.who, byte(m.disk.Syncs())})})
	if err != nil {
		t.Fatal(err)
	}
	m.home = &home{store: s, journal: j}
	if was != nil {
		m.ctx = was.ctx
		m.KV = s.KV(j, signer(m.who), m.ctx)
	}
}

func (m *machine) restart(t *testing.T, crash bool, kept int) {
	if crash {
		m.files = m.files.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: kept, RNG: rand.New(rand.NewPCG(uint64(kept), 1))})
		m.disk.Crash()
		_ = m.store.Close()
	} else {
		m.close(t)
	}
	m.open(t)
}

// hear takes a page of what another node holds.
func (m *machine) hear(rt *rapid.T, from *machine, most int) {
	page, _, err := from.journal.Serve(m.ctx, m.journal.Have(m.ctx), most)
	if err != nil {
		rt.Fatalf("serve: %v", err)
	}
	if len(page) == 0 {
		return
	}
	for range 2 { // and again
		if _, err := m.journal.Ingest(m.ctx, page); err != nil {
			rt.Fatalf("ingest: %v", err)
		}
	}
}

// DATA 3.2, 3.3: deltas that wait for one lost to damage are folded when it comes again, once, and so is it.
func TestRule3_2_WhatWaitedForDamageIsFolded(t *testing.T) {
	disk := dag.NewMemDisk()
	h := open(t, disk, memory(t))
	var ids []dag.ID
	for i := range 5 {
		w, err := h.Put(fmt.Sprint("k", i%2), fmt.Append(nil, i))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, w.Version)
	}
	want := dump(t, h.store, setAlone)
	page, _, err := h.journal.ServeIDs(h.ctx, ids[1:2], 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	at, ok, err := h.store.Get(ids[1])
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	grown := h.store
	if err := h.journal.Close(); err != nil {
		t.Fatal(err)
	}
	disk.Corrupt("00000000.seg", at.Offset+int64(at.Size)/2, 1)
	for what, s := range map[string]*Store{"grown": grown, "built": memory(t)} {
		again := open(t, disk.Backup(), s)
		if what == "built" && size(again) != 1 {
			t.Errorf("%s: %d entries while a delta is lost", what, size(again))
		}
		if what == "grown" && dump(t, s, setAlone) != want {
			t.Errorf("%s: what was folded before the damage is gone", what)
		}
		if got, err := again.journal.Ingest(again.ctx, page); err != nil || got.Admitted != 4 {
			t.Fatalf("%s: %+v, %v", what, got, err)
		}
		if dump(t, s, setAlone) != want || size(again) != 2 {
			t.Errorf("%s: after the delta came again there are %d entries:\n%s\nwant\n%s", what, size(again), dump(t, s, setAlone), want)
		}
		again.close(t)
	}
}
