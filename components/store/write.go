package store

import (
	"encoding/binary"
	"slices"

	"github.com/merograph/merograph/crdt"
	"github.com/merograph/merograph/dag"
)

// A write is one put that nothing has replaced, as far as what is folded knows.
type write struct {
	stamp crdt.Stamp
	wall  int64 // milliseconds since 1970, of the author's clock
	value []byte
	kept  kept
}

// kept says where a write stands on disk.
type kept byte

const (
	nowhere kept = iota
	shown        // as the entry
	beneath      // under it; value is not loaded
)

const (
	stampLen = idLen + idLen + 8 + 8 + 4 + 8 // delta, author, ms, n, index, wall
	entryLen = stampLen + 4                  // and how many writes are beneath
)

func appendStamp(b []byte, w *write) []byte {
	d := &w.stamp.Delta
	b = append(b, d.ID[:]...)
	b = append(b, d.Author[:]...)
	b = binary.BigEndian.AppendUint64(b, d.Ms)
	b = binary.BigEndian.AppendUint64(b, d.N)
	b = binary.BigEndian.AppendUint32(b, w.stamp.Index)
	return binary.BigEndian.AppendUint64(b, uint64(w.wall))
}

func readStamp(b []byte, w *write) {
	d := &w.stamp.Delta
	copy(d.ID[:], b)
	copy(d.Author[:], b[idLen:])
	b = b[2*idLen:]
	d.Ms, d.N = binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
	w.stamp.Index = binary.BigEndian.Uint32(b[16:])
	w.wall = int64(binary.BigEndian.Uint64(b[20:]))
}

// encodeEntry is the record of the write that is shown, with under writes beneath it.
func encodeEntry(w *write, under int) []byte {
	b := appendStamp(make([]byte, 0, entryLen+len(w.value)), w)
	b = binary.BigEndian.AppendUint32(b, uint32(under))
	return append(b, w.value...)
}

func decodeEntry(b []byte) (w write, under int, err error) {
	if len(b) < entryLen {
		return w, 0, broken("an entry", len(b), entryLen)
	}
	readStamp(b, &w)
	w.value, w.kept = b[entryLen:], shown
	return w, int(binary.BigEndian.Uint32(b[stampLen:])), nil
}

func encodeUnder(w *write) []byte { return appendStamp(make([]byte, 0, stampLen), w) }

func decodeUnder(b []byte) (w write, err error) {
	if len(b) != stampLen {
		return w, broken("a write beneath another", len(b), stampLen)
	}
	readStamp(b, &w)
	w.kept = beneath
	return w, nil
}

// A slot is what is folded of one key: the writes that nothing has replaced, the greatest first. That one is shown. It is a
// function of the set of deltas: each of them adds and takes away names, whatever the order (see docs/formats/store.md).
type slot struct {
	live []write
	was  []crdt.Name // those beneath on disk when it was loaded
	had  bool        // there was an entry on disk
	hash *keySum     // of the key; nil until something asks for it
}

func (s *slot) clone() *slot {
	return &slot{live: slices.Clone(s.live), was: slices.Clone(s.was), had: s.had, hash: s.hash}
}

// sum gives the hash of the slot's key, made once: a key may be long, and named often.
func (s *slot) sum(key string) keySum {
	if s.hash == nil {
		h := sumOf(key)
		s.hash = &h
	}
	return *s.hash
}

// settle makes a slot that was kept what loadSlot would read.
func (s *slot) settle() {
	s.had, s.was = len(s.live) > 0, s.was[:0]
	for i := range s.live {
		w := &s.live[i]
		if w.kept = shown; i > 0 {
			w.kept, w.value = beneath, nil
			s.was = append(s.was, w.stamp.Name())
		}
	}
}

// top is the write that is shown, or nil.
func (s *slot) top() *write {
	if len(s.live) == 0 {
		return nil
	}
	return &s.live[0]
}

func (s *slot) add(w write) {
	at := 0
	for at < len(s.live) && s.live[at].stamp.Compare(w.stamp) > 0 {
		at++
	}
	s.live = slices.Insert(s.live, at, w)
}

// remove takes a write away; it is false when there is none of that name.
func (s *slot) remove(n crdt.Name) bool {
	for i := range s.live {
		if s.live[i].stamp.Name() == n {
			s.live = slices.Delete(s.live, i, i+1)
			return true
		}
	}
	return false
}

// rules are what folding an operation asks beyond its slot.
type rules interface {
	// folded tells whether a delta's operations are folded already, so that what it wrote comes no more.
	folded(delta dag.ID) bool
	// await notes that a write of the slot's key was replaced before it came.
	await(n crdt.Name, s *slot, key string)
	// awaited tells whether it was.
	awaited(n crdt.Name, s *slot, key string) bool
}

// fold takes operation i of a delta into its slot (DATA 7.2): the writes that its author saw go, whether they came before or
// come later; a put adds one.
func (s *slot) fold(r rules, d crdt.Delta, wall int64, i int, op crdt.Op) {
	key, seen := target(op)
	for _, n := range seen {
		own := n.Delta == [idLen]byte{}
		if own {
			n.Delta = d.ID
		}
		if !s.remove(n) && !own && !r.folded(n.Delta) {
			r.await(n, s, key)
		}
	}
	if put, ok := op.(crdt.Put); ok {
		w := write{stamp: crdt.Stamp{Delta: d, Index: uint32(i)}, wall: wall, value: put.Value}
		if w.value == nil {
			w.value = []byte{} // nil is what is not loaded
		}
		if !r.awaited(w.stamp.Name(), s, key) {
			s.add(w)
		}
	}
}

// target gives the key of an operation of a map, and the writes that it replaces.
func target(op crdt.Op) (key string, seen []crdt.Name) {
	switch op := op.(type) {
	case crdt.Put:
		return op.Key, op.Seen
	case crdt.Remove:
		return op.Key, op.Seen
	}
	return "", nil
}

// operations gives what a delta does to a map. A payload that is malformed, of a later format, or of another type has no
// effect, on any node (DATA 1.7).
func operations(e *dag.Entry) []crdt.Op {
	if e.Delta.Kind != dag.KindData || e.Delta.NeedsUpgrade() {
		return nil
	}
	ops, err := crdt.DecodeOps(e.Delta.Payload)
	if err != nil || len(ops) == 0 {
		return nil
	}
	switch ops[0].(type) {
	case crdt.Put, crdt.Remove:
		return ops
	}
	return nil
}

// StampOf gives what the conflict rules read of a delta.
func StampOf(e *dag.Entry) crdt.Delta {
	return crdt.Delta{ID: e.ID, Ms: e.Delta.Ms, N: e.Delta.N, Author: e.Delta.Author}
}
