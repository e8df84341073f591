package crdt

import (
	"fmt"
	"iter"
	"maps"
	"slices"
)

// Map is a replicated map from keys to values. Each write names the writes of its key that its author saw and replaces
// them; a removal names those that its author saw and takes them away; a write that was not seen stays (DATA 7.2). Of the
// writes of a key that stay, the last writer by clock is shown (DATA 7.1); the others stay beneath it until a write or a
// removal has seen them. The zero Map is empty and ready to use.
//
// The names of writes that were replaced are kept for good, 36 bytes each and what a Go map needs, so that a write that
// comes after what replaced it stays replaced.
type Map struct {
	slots map[string]*slot
	keys  sortedKeys // of the slots that have a live write
}

// slot is what is known about one key.
type slot struct {
	live  map[Name]*liveWrite
	order []*liveWrite      // live, the greatest last
	gone  map[Name]struct{} // names that a write or removal has seen, held or not
}

type liveWrite struct {
	stamp Stamp
	value []byte
}

// Entry is a key of a map with the write that is shown.
type Entry struct {
	Key   string
	Value []byte // the map's own memory: not to be changed
	Stamp Stamp  // of the write; Stamp.Delta.ID is the version that people see
}

// Apply folds one delta. The payload is as [EncodeOps] makes it, with operations of a map. An error means that the delta
// has no effect, and wraps [ErrMalformed] or [ErrUnknown]. Applying a delta again changes nothing.
func (m *Map) Apply(d Delta, payload []byte) error {
	ops, err := DecodeOps(payload)
	if err != nil {
		return err
	}
	return m.apply(d, ops)
}

// ApplyOps is Apply for operations that are decoded already. It keeps the values; the caller must not change them.
func (m *Map) ApplyOps(d Delta, ops []Op) error {
	if err := checkOps(ops); err != nil {
		return err
	}
	return m.apply(d, ops)
}

func (m *Map) apply(d Delta, ops []Op) error {
	if err := checkDelta(d, ops, ofMap); err != nil {
		return err
	}
	for i, op := range ops {
		switch op := op.(type) {
		case Put:
			m.change(d.ID, op.Key, op.Seen, &liveWrite{Stamp{d, uint32(i)}, op.Value})
		case Remove:
			m.change(d.ID, op.Key, op.Seen, nil)
		}
	}
	return nil
}

// checkDelta refuses operations of another type, and the delta id that stands for "this delta".
func checkDelta(d Delta, ops []Op, want family) error {
	if d.ID == [32]byte{} {
		return fmt.Errorf("crdt: delta id of zeros: %w", ErrMalformed)
	}
	if len(ops) > 0 && ops[0].family() != want {
		return fmt.Errorf("crdt: operations of a %s applied to a %s: %w", ops[0].family(), want, ErrMalformed)
	}
	return nil
}

// change takes the seen writes of a key away and adds one, unless something that came before has seen it already.
func (m *Map) change(delta [32]byte, key string, seen []Name, add *liveWrite) {
	s := m.slots[key]
	if s == nil {
		s = &slot{live: map[Name]*liveWrite{}, gone: map[Name]struct{}{}}
		if m.slots == nil {
			m.slots = map[string]*slot{}
		}
		m.slots[key] = s
	}
	for _, n := range seen {
		n = n.in(delta)
		s.gone[n] = struct{}{}
		if w := s.live[n]; w != nil {
			at, _ := s.find(w.stamp)
			s.order = slices.Delete(s.order, at, at+1)
			delete(s.live, n)
		}
	}
	if add != nil {
		at, again := s.find(add.stamp)
		if _, gone := s.gone[add.stamp.Name()]; !gone && !again {
			s.order = slices.Insert(s.order, at, add)
			s.live[add.stamp.Name()] = add
		}
	}
	if len(s.live) > 0 {
		m.keys.add(key)
	} else {
		m.keys.remove(key)
	}
}

// find gives the place of a write in the order, or where it would stand.
func (s *slot) find(stamp Stamp) (int, bool) {
	return slices.BinarySearchFunc(s.order, stamp, func(w *liveWrite, o Stamp) int { return w.stamp.Compare(o) })
}

// Get returns the value of a key and the stamp of the write that made it; false when the map has no such key. The value
// is the map's own memory and must not be changed.
func (m *Map) Get(key string) ([]byte, Stamp, bool) {
	s := m.slots[key]
	if s == nil || len(s.order) == 0 {
		return nil, Stamp{}, false
	}
	top := s.order[len(s.order)-1]
	return top.value, top.stamp, true
}

// Len is the number of keys that Get would find.
func (m *Map) Len() int { return m.keys.count }

// List gives the entries whose keys begin with prefix, in the order of the keys' bytes. The empty prefix gives all. The
// map must not change while the sequence runs.
func (m *Map) List(prefix string) iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for key := range m.keys.from(prefix) {
			if len(key) < len(prefix) || key[:len(prefix)] != prefix {
				return
			}
			value, stamp, _ := m.Get(key)
			if !yield(Entry{key, value, stamp}) {
				return
			}
		}
	}
}

// Put gives the operation that writes a key on top of what this map holds. The map itself changes when the delta that
// carries the operation is applied.
func (m *Map) Put(key string, value []byte) Put {
	return Put{Key: key, Value: value, Seen: m.seen(key)}
}

// Remove gives the operation that removes a key as this map holds it; false when there is nothing to remove.
func (m *Map) Remove(key string) (Remove, bool) {
	seen := m.seen(key)
	return Remove{Key: key, Seen: seen}, len(seen) > 0
}

func (m *Map) seen(key string) []Name {
	s := m.slots[key]
	if s == nil {
		return nil
	}
	return slices.SortedFunc(maps.Keys(s.live), Name.Compare) //lint:total-key no two names are equal
}
