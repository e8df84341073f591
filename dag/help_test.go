package dag

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(killDir); dir != "" {
		load(dir)
	}
	goleak.VerifyTestMain(m)
}

// person gives the signer of a name; the same name is the same key.
func person(name string) Signer {
	return NewSigner(ed25519.NewKeyFromSeed(bytes.Repeat([]byte(fmt.Sprintf("%-8.8s", name)), 4)))
}

// world gives journals a clock and randomness of a seed.
type world struct {
	mu  sync.Mutex
	now time.Time
	rnd *rand.ChaCha8
}

func newWorld(seed uint64) *world {
	var s [32]byte
	binary.LittleEndian.PutUint64(s[:], seed)
	return &world{now: time.UnixMilli(1_700_000_000_000), rnd: rand.NewChaCha8(s)}
}

func (w *world) wall() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(time.Millisecond)
	return w.now
}

func (w *world) Read(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rnd.Read(p)
}

func (w *world) options() Options {
	return Options{Wall: w.wall, Rand: w, SegmentBytes: minSegment}
}

type tb interface {
	Helper()
	Fatalf(string, ...any)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func open(t tb, d Disk, o Options) (*Journal, Recovery) {
	t.Helper()
	j, rec, err := Open(d, o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return j, rec
}

func closeJ(t tb, j *Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

// put writes and waits.
func put(t tb, j *Journal, ctx ID, s Signer, text string, parents ...ID) *Entry {
	t.Helper()
	p, err := j.Write(ctx, s, Edit{Kind: KindData, Payload: []byte(text), Parents: parents})
	if err != nil {
		t.Fatalf("write %q: %v", text, err)
	}
	e, err := p.Wait()
	if err != nil {
		t.Fatalf("wait %q: %v", text, err)
	}
	return e
}

func feed(t tb, j *Journal, ctx ID, page []byte) Ingested {
	t.Helper()
	got, err := j.Ingest(ctx, page)
	if err != nil {
		t.Fatalf("ingest: %v", err)
	}
	return got
}

// pull brings everything that from has to to, in pages of at most size bytes.
func pull(t tb, from, to *Journal, ctx ID, size int) (pages int) {
	t.Helper()
	for {
		page, more, err := from.Serve(ctx, to.Have(ctx), size)
		if err != nil {
			t.Fatalf("serve: %v", err)
		}
		if len(page) == 0 {
			return pages
		}
		if len(page) > min(size, MaxPage) {
			t.Fatalf("serve: a page of %d bytes, not %d", len(page), size)
		}
		got := feed(t, to, ctx, page)
		for _, r := range got.Refused {
			t.Fatalf("pull: refused %v", r)
		}
		if pages++; !more {
			return pages
		}
		if got.Admitted+got.Waiting == 0 {
			t.Fatalf("pull: page %d brought nothing", pages)
		}
	}
}

func all(t tb, j *Journal, ctx ID) (ids []ID) {
	t.Helper()
	if err := j.Each(ctx, func(e *Entry) error { ids = append(ids, e.ID); return nil }); err != nil {
		t.Fatalf("each: %v", err)
	}
	return ids
}

func sorted(ids []ID) []ID {
	ids = slices.Clone(ids)
	slices.SortFunc(ids, ID.Compare)
	return ids
}

// same fails unless two journals hold the same deltas of a context, and tell of the same tips and heads.
func same(t tb, a, b *Journal, ctx ID) {
	t.Helper()
	if x, y := sorted(all(t, a, ctx)), sorted(all(t, b, ctx)); !slices.Equal(x, y) {
		t.Fatalf("sets differ: %d and %d deltas", len(x), len(y))
	}
	if x, y := a.Tips(ctx), b.Tips(ctx); !slices.Equal(x, y) || Digest(x) != Digest(y) {
		t.Fatalf("tips differ:\n%v\n%v", x, y)
	}
	if x, y := a.Heads(ctx), b.Heads(ctx); !slices.Equal(x, y) {
		t.Fatalf("heads differ: %v and %v", x, y)
	}
}

// page makes a page of one run, signed at its end.
func page(s Signer, entries ...*Entry) []byte {
	run := unsigned(entries)
	last := run[len(run)-1]
	last.Sig = must(signID(s, last.ID))
	return EncodePage(run[0].Delta.ContextOf(run[0].ID), [][]*Entry{run})
}

// unsigned gives copies without signatures.
func unsigned(entries []*Entry) []*Entry {
	run := make([]*Entry, len(entries))
	for i, e := range entries {
		run[i] = &Entry{ID: e.ID, Delta: e.Delta, Raw: e.Raw}
	}
	return run
}

// forge makes an entry of any fields; nothing is checked.
func forge(d Delta) *Entry {
	if d.Version == 0 {
		d.Version = Version1
	}
	raw := d.Encode()
	return &Entry{ID: HashID(raw), Delta: &d, Raw: raw}
}

// next makes the delta that an author would write after e, changed by edit.
func next(e *Entry, edit func(*Delta)) *Entry {
	d := Delta{
		Context: e.Delta.ContextOf(e.ID), Author: e.Delta.Author, Chain: e.Delta.ChainOf(e.ID), Seq: e.Delta.Seq + 1, Prev: e.ID,
		Ms: e.Delta.Ms, N: e.Delta.N + 1, Credential: e.Delta.ContextOf(e.ID), Kind: KindData, Payload: []byte("forged"),
	}
	if edit != nil {
		edit(&d)
	}
	return forge(d)
}

// start makes the first delta of another chain on e.
func start(e *Entry, author Key, edit func(*Delta)) *Entry {
	return next(e, func(d *Delta) {
		d.Author, d.Chain, d.Seq, d.Prev = author, ID{}, 0, ID{}
		d.Nonce, d.Parents = bytes.Repeat([]byte{7}, NonceLen), []ID{e.ID}
		if edit != nil {
			edit(d)
		}
	})
}

func reasons(got Ingested) map[RefuseReason]int {
	m := make(map[RefuseReason]int)
	for _, r := range got.Refused {
		m[r.Reason] = r.Count
	}
	return m
}

// golden compares with a file of testdata; UPDATE=1 writes it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := "testdata/" + name
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs:\n%s\nwant:\n%s", path, got, want)
	}
}

var errBroken = errors.New("the disk broke")
