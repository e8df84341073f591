package dag

import (
	"fmt"
	"slices"
)

// Get gives a synced delta by its id, read from the log and checked; ok is false when it is not held. The error wraps
// ErrDamaged when the record is.
func (j *Journal) Get(id ID) (e *Entry, ok bool, err error) {
	p, sig, ok := j.find(id)
	if !ok {
		return nil, false, nil
	}
	if e, err = j.load(id, p); err != nil {
		return nil, false, err
	}
	if e.Sig == nil {
		e.Sig = sig
	}
	return e, true, nil
}

// find gives the place of a synced delta's record, and the witness that came after it or nil.
func (j *Journal) find(id ID) (p Place, sig []byte, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, c := range j.ctxs { //lint:unordered a delta is of one context alone
		if i, held := c.g.number(id); held {
			return c.g.node(i).place.unpack(), c.sigs[id], i < c.synced
		}
	}
	return p, nil, false
}

// late tells whether a witness of a delta, or a proof, came after it.
func (c *context) late(id ID) bool {
	_, proof := c.proofs[id]
	return proof || c.sigs[id] != nil
}

// load reads the record of a delta.
func (j *Journal) load(id ID, p Place) (*Entry, error) {
	r, err := j.w.read(p)
	if err != nil {
		return nil, err
	}
	e, err := entryOf(r.body)
	if err != nil {
		return nil, err
	}
	if e.ID != id {
		return nil, fmt.Errorf("dag: log: another delta stands at the place of %v: %w", id, ErrDamaged)
	}
	return e, nil
}

// Has tells whether a delta is held and synced.
func (j *Journal) Has(id ID) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, c := range j.ctxs { //lint:unordered a delta is of one context alone
		if i, ok := c.g.number(id); ok {
			return i < c.synced
		}
	}
	return false
}

// ids gives the synced deltas of a context with numbers from from, at most most.
func (j *Journal) ids(ctx ID, from, most int) ([]ID, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	c, err := j.known(ctx)
	if err != nil {
		return nil, err
	}
	to := min(from+most, int(c.synced))
	ids := make([]ID, 0, max(to-from, 0))
	for i := from; i < to; i++ {
		ids = append(ids, c.g.node(uint32(i)).id)
	}
	return ids, nil
}

// Each calls fn for each synced delta of a context, in log order: each after its past. Deltas that are synced meanwhile
// come too. It stops at the first error and returns it. fn may call the journal.
func (j *Journal) Each(ctx ID, fn func(*Entry) error) error {
	for from := 0; ; {
		ids, err := j.ids(ctx, from, 1024)
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, id := range ids {
			e, ok, err := j.Get(id)
			if err == nil && !ok {
				err = fmt.Errorf("dag: the journal stopped and %v is no longer held: %w", id, ErrStopped)
			}
			if err == nil {
				err = fn(e)
			}
			if err != nil {
				return err
			}
		}
		from += len(ids)
	}
}

// Heads gives the deltas of a context that no held delta names as prev or parent, ascending; what is not synced yet
// counts, so they are for this node's own use. An unknown context has none.
func (j *Journal) Heads(ctx ID) []ID {
	j.mu.Lock()
	defer j.mu.Unlock()
	if c := j.ctxs[ctx]; c != nil {
		return c.g.Heads()
	}
	return nil
}

// Member tells whether a key may write to a context: it is the founder's, or a held delta grants it as admin or member.
func (j *Journal) Member(ctx ID, k Key) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := j.ctxs[ctx]
	return c != nil && slices.ContainsFunc(c.g.sets.keys[k], func(g granted) bool { return allows(g.role, KindData) })
}

// Missing gives the deltas, at most 64 and ascending, that waiting ones name and this node has not seen: what to ask back for.
func (j *Journal) Missing(ctx ID) []ID {
	j.mu.Lock()
	defer j.mu.Unlock()
	if c := j.ctxs[ctx]; c != nil {
		return c.g.missing(MaxBack)
	}
	return nil
}

// Stats gives a picture of the journal.
func (j *Journal) Stats() Stats {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := Stats{LastSequence: j.synced.Sequence, Records: j.records, Bytes: j.synced.End, Segments: j.w.segments()}
	for _, c := range j.ctxs { //lint:unordered sorted below
		s.Contexts = append(s.Contexts, ContextStats{
			ID: c.id, Deltas: c.g.Len(), Heads: len(c.g.heads), Waiting: len(c.g.room.waiting),
			Chains: len(c.g.chains), Forks: c.g.forks, Founded: c.g.Len() > 0,
		})
	}
	slices.SortFunc(s.Contexts, func(a, b ContextStats) int { return a.ID.Compare(b.ID) }) //lint:total-key ids are unique
	return s
}
