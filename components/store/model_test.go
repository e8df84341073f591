package store

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/merograph/merograph/crdt"
	"github.com/merograph/merograph/dag"
	"pgregory.net/rapid"
)

// oddKeys are keys that a store which takes keys for paths or for text would confuse.
var oddKeys = []string{"a", "a/b", "a//b", "a/b/", "/a/b", "x/../a/b", "a\x00", "a\x00b", "\x00", "\xff", "\xff\xff", "a\xff", "ä", "a\u0308",
	strings.Repeat("k", MaxKey), strings.Repeat("k", MaxKey-1) + "l"}

// faked is a delta that no journal made: its id is what the test says.
func faked(i int, ops []crdt.Op) *dag.Entry {
	d := &dag.Delta{Version: dag.Version1, Kind: dag.KindData, Ms: uint64(1000 + i*7%13), N: uint64(i % 3), Wall: int64(1e12 + i)}
	d.Author[0] = byte(1 + i%3)
	if ops == nil {
		d.Payload = []byte{0xff} // malformed
		return &dag.Entry{ID: fakedID(i), Delta: d}
	}
	var err error
	if d.Payload, err = crdt.EncodeOps(ops); err != nil {
		panic(err)
	}
	return &dag.Entry{ID: fakedID(i), Delta: d}
}

func fakedID(i int) (id dag.ID) {
	h := fnv.New64a()
	fmt.Fprint(h, i)
	copy(id[:], h.Sum(nil))
	id[31] = byte(1 + i)
	return id
}

// drawDeltas draws n deltas whose writes and removals name each other as no honest author would: ones that come later,
// ones of other keys, ones that are not there.
func drawDeltas(t *rapid.T, n int, keys []string) []*dag.Entry {
	out := make([]*dag.Entry, n)
	for i := range out {
		var ops []crdt.Op
		switch rapid.IntRange(0, 19).Draw(t, "what") {
		case 0:
			out[i] = faked(i, nil)
			continue
		case 1:
			out[i] = faked(i, []crdt.Op{crdt.Insert{Left: crdt.Edge, Right: crdt.Edge, Text: "x"}})
			continue
		}
		for o := range rapid.IntRange(1, 3).Draw(t, "operations") {
			seen := map[crdt.Name]bool{}
			for range rapid.IntRange(0, 4).Draw(t, "seen") {
				of := rapid.IntRange(0, n).Draw(t, "of")
				if of == i {
					of = n // no delta holds its own id, which is its hash
				}
				name := crdt.Name{Delta: fakedID(of), Index: rapid.Uint32Range(0, 2).Draw(t, "index")}
				if o > 0 && rapid.IntRange(0, 3).Draw(t, "own") == 0 {
					name = crdt.Name{Index: rapid.Uint32Range(0, uint32(o-1)).Draw(t, "own index")}
				}
				seen[name] = true
			}
			names := sortedNames(seen)
			key := rapid.SampledFrom(keys).Draw(t, "key")
			if len(names) > 0 && rapid.IntRange(0, 3).Draw(t, "removes") == 0 {
				ops = append(ops, crdt.Remove{Key: key, Seen: names})
				continue
			}
			ops = append(ops, crdt.Put{Key: key, Value: fmt.Appendf(nil, "%d.%d", i, o), Seen: names})
		}
		out[i] = faked(i, ops)
	}
	return out
}

func sortedNames(set map[crdt.Name]bool) (names []crdt.Name) {
	s := slot{}
	for n := range set {
		s.live = append(s.live, write{stamp: crdt.Stamp{Delta: crdt.Delta{ID: n.Delta}, Index: n.Index}})
	}
	return s.seen(0)
}

// batchOf makes the batch of a group: the log's position counts deltas.
func batchOf(ctx dag.ID, entries []*dag.Entry, from int) ([]dag.Located, dag.Mark) {
	var out []dag.Located
	for i, e := range entries {
		out = append(out, dag.Located{ID: e.ID, Place: dag.Place{Offset: int64(from + i), Size: 1}, Context: ctx, Entry: e})
	}
	return out, dag.Mark{Start: int64(from), End: int64(from + len(entries)), CRC: 1, Sequence: uint64(from + len(entries))}
}

// naive is the oracle: the fold of a list of deltas, one at a time, in memory.
func naive(entries []*dag.Entry) *crdt.Map {
	m := new(crdt.Map)
	for _, e := range entries {
		_ = m.Apply(StampOf(e), e.Delta.Payload) // an error is no effect
	}
	return m
}

// equals compares what a store shows with the oracle.
func equals(t interface{ Fatalf(string, ...any) }, k *KV, m *crdt.Map, keys []string) {
	var got, want []string
	for e, err := range k.List("", "") {
		if err != nil {
			t.Fatalf("list: %v", err)
		}
		got = append(got, fmt.Sprintf("%.20q %d %q %s", e.Key, len(e.Key), e.Value, e.Version))
	}
	for e := range m.List("") {
		want = append(want, fmt.Sprintf("%.20q %d %q %s", e.Key, len(e.Key), e.Value, dag.ID(e.Stamp.Delta.ID)))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") || size(k) != len(want) {
		t.Fatalf("the store shows (%d)\n%s\nthe fold is\n%s", size(k), strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, key := range keys {
		v, _, ok := m.Get(key)
		e, err := k.Get(key)
		if ok != (err == nil) || !ok && !errors.Is(err, ErrNotFound) || !bytes.Equal(v, e.Value) {
			t.Fatalf("%.20q: %q, %v; want %q, %v", key, e.Value, err, v, ok)
		}
		if has, err := k.Contains(key); has != ok || err != nil {
			t.Fatalf("contains %.20q: %v, %v", key, has, err)
		}
	}
}

// dump is all that a store keeps in some families, in order: the canonical form by which stores are compared.
func dump(t interface{ Fatalf(string, ...any) }, s *Store, families string) string {
	var out strings.Builder
	c, err := s.b.Scan(nil, nil)
	if err != nil {
		t.Fatalf("dump: %v", err)
	}
	for c.Next() {
		if strings.IndexByte(families, c.Key()[0]) >= 0 {
			h := fnv.New64a()
			h.Write(c.Key()[1:])
			fmt.Fprintf(&out, "%c %x %d %s\n", c.Key()[0], h.Sum(nil), len(c.Key()), hex.EncodeToString(c.Value()[:min(len(c.Value()), 256)]))
		}
	}
	if err := c.Close(); err != nil {
		t.Fatalf("dump: %v", err)
	}
	return out.String()
}

const (
	everything = "abcefimu"
	setAlone   = "abceu" // what is a function of the set of deltas alone
)

// DATA 7.1, 3.3: whatever the order, the groups, the repetitions and the crashes, the store shows the naive fold of what it
// holds, and keeps the same bytes for it.
func TestRule7_1_StoreIsAFunctionOfTheSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfNDistinct(rapid.SampledFrom(oddKeys), 1, 4, rapid.ID).Draw(t, "keys")
		deltas := drawDeltas(t, rapid.IntRange(1, 12).Draw(t, "deltas"), keys)
		oracle := naive(deltas)
		ctx := dag.ID{9}
		var first string
		for range 2 {
			log := rapid.Permutation(deltas).Draw(t, "order")
			for range rapid.IntRange(0, 3).Draw(t, "repeats") {
				at := rapid.IntRange(0, len(log)).Draw(t, "at")
				log = append(log[:at:at], append([]*dag.Entry{rapid.SampledFrom(deltas).Draw(t, "again")}, log[at:]...)...)
			}
			s := replayWithCrashes(t, ctx, log)
			equals(t, s.KV(nil, nil, ctx), oracle, keys)
			got := dump(t, s, setAlone)
			if first == "" {
				first = got
			}
			if got != first {
				t.Fatalf("two orders keep\n%s\nand\n%s", first, got)
			}
			if err := s.Close(); err != nil {
				t.Fatalf("%v", err)
			}
		}
	})
}

// replayWithCrashes feeds a log in groups to a store, and cuts the power in between; after it the log is told from the mark.
func replayWithCrashes(t *rapid.T, ctx dag.ID, log []*dag.Entry) *Store {
	files := vfs.NewCrashableMem()
	s, err := openSmall(files)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	seed := rapid.Uint64().Draw(t, "seed")
	for at := 0; at < len(log); {
		n := rapid.IntRange(1, 4).Draw(t, "group")
		batch, mark := batchOf(ctx, log[at:min(at+n, len(log))], at)
		if err := s.Put(batch, mark); err != nil {
			t.Fatalf("put: %v", err)
		}
		at = int(mark.End)
		then := rapid.IntRange(0, 9).Draw(t, "then")
		switch then {
		case 0:
			if err := s.Close(); err != nil {
				t.Fatalf("close: %v", err)
			}
		case 1:
			files = files.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rapid.IntRange(0, 100).Draw(t, "kept"), RNG: rand.New(rand.NewPCG(seed, uint64(at)))})
			_ = s.Close()
		default:
			continue
		}
		if s, err = openSmall(files); err != nil {
			t.Fatalf("open again: %v", err)
		}
		m, err := s.Mark()
		if err != nil || m.End > int64(at) || then == 0 && m.End != int64(at) {
			t.Fatalf("at %d the mark is %+v, %v", at, m, err)
		}
		at = int(m.End)
	}
	return s
}

// openSmall opens a store that flushes often.
func openSmall(files vfs.FS) (*Store, error) {
	b, err := openPebble(files, "store", 256<<10)
	if err != nil {
		return nil, err
	}
	return New(b)
}
