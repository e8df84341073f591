package store

import (
	"errors"
	"slices"

	"github.com/merograph/merograph/crdt"
	"github.com/merograph/merograph/dag"
)

// loadSlot reads what is folded of a key. Of the writes beneath the one that is shown it reads the stamps alone.
func loadSlot(b Backend, ctx dag.ID, key string) (*slot, error) {
	s := new(slot)
	v, ok, err := b.Get(entryKey(ctx, key))
	if err != nil || !ok {
		return s, err
	}
	w, under, err := decodeEntry(v)
	if err != nil {
		return nil, err
	}
	s.live, s.had = append(s.live, w), true
	if under == 0 {
		return s, nil
	}
	prefix := underPrefix(famUnder, ctx, s.sum(key))
	c, err := b.Scan(prefix, after(prefix))
	if err != nil {
		return nil, err
	}
	for err == nil && c.Next() {
		if w, err = decodeUnder(c.Value()); err == nil {
			s.was = append(s.was, w.stamp.Name())
			s.live = append(s.live, w)
		}
	}
	slices.SortFunc(s.live, func(a, b write) int { return b.stamp.Compare(a.stamp) }) //lint:total-key no two writes have one stamp
	return s, errors.Join(err, c.Close())
}

func (f *folding) slot(key string) *slot {
	s := f.slots[key]
	if s == nil {
		if s = f.d.base(f.ctx, key); s == nil {
			var err error
			if s, err = loadSlot(f.d.b, f.ctx, key); err != nil {
				f.d.fail(err)
				s = new(slot)
			}
		}
		f.slots[key] = s
		f.keys = append(f.keys, key)
	}
	return s
}

// load reads the value of a write that was beneath another.
func (f *folding) load(key string, s *slot, w *write) {
	if w.kept != beneath || w.value != nil {
		return
	}
	v, ok := f.d.get(underKey(famBody, f.ctx, s.sum(key), w.stamp.Name()))
	if !ok {
		f.d.fail(broken("the value of a write beneath another", 0, 1))
	}
	w.value = v
}

// finish gives what changes of a context.
func (f *folding) finish() {
	for _, key := range f.keys {
		s := f.slots[key]
		f.keep(key, s)
		switch {
		case s.top() != nil && !s.had:
			f.count.entries++
		case s.top() == nil && s.had:
			f.count.entries--
		}
	}
	for _, delta := range f.deltas {
		if a := f.waiting[delta]; a != nil {
			for _, w := range a.list {
				f.d.set(awaitedKey(f.ctx, crdt.Name{Delta: delta, Index: w.index}, w.key), []byte{})
			}
		}
	}
	switch {
	case f.count == f.was:
	case f.count == count{}:
		f.d.remove(countKey(f.ctx))
	default:
		f.d.set(countKey(f.ctx), f.count.encode())
	}
}

// keep gives what changes of one key: the entry, and what stands beneath it.
func (f *folding) keep(key string, s *slot) {
	w := s.top()
	switch {
	case w == nil && s.had:
		f.d.remove(entryKey(f.ctx, key))
	case w != nil && (w.kept != shown || len(s.live)-1 != len(s.was)):
		f.load(key, s, w)
		f.d.set(entryKey(f.ctx, key), encodeEntry(w, len(s.live)-1))
	}
	if len(s.was) == 0 && len(s.live) < 2 {
		return
	}
	sum, stay := s.sum(key), make(map[crdt.Name]bool, len(s.live))
	for i := 1; i < len(s.live); i++ {
		w := &s.live[i]
		n := w.stamp.Name()
		stay[n] = true
		if w.kept != beneath {
			f.d.set(underKey(famUnder, f.ctx, sum, n), encodeUnder(w))
			f.d.set(underKey(famBody, f.ctx, sum, n), w.value)
		}
	}
	for _, n := range s.was {
		if !stay[n] {
			f.d.remove(underKey(famUnder, f.ctx, sum, n))
			f.d.remove(underKey(famBody, f.ctx, sum, n))
		}
	}
}
