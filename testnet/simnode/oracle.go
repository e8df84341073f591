package simnode

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/merograph/merograph/components/store"
	"github.com/merograph/merograph/crdt"
	"github.com/merograph/merograph/dag"
)

// A judgment says what a set of deltas makes, by means as naive as can be: each rule is written out, over maps of everything.
type judgment struct {
	entries map[dag.ID]*dag.Entry
	grants  map[dag.ID]map[dag.ID]bool // in the past of a delta, itself included
	invalid error                      // the first delta that no node may hold
	forks   int                        // chains with several branches
	shown   map[string]write
}

// write is what is shown for a key.
type write struct {
	at    *dag.Entry
	index int
	value []byte
}

// Proof gives the deltas that follow one in its run, up to the signature, when no delta that is admitted proves it: Journal.Proof.
type Proof func(id dag.ID) ([]*dag.Entry, error)

// judgmentOf takes the deltas in an order in which each stands after its past, or names the one that does not.
func judgmentOf(ctx dag.ID, entries []*dag.Entry, proof Proof) *judgment {
	j := &judgment{entries: map[dag.ID]*dag.Entry{}, grants: map[dag.ID]map[dag.ID]bool{}}
	next, forked := map[dag.ID]bool{}, map[dag.ID]bool{}
	for _, e := range entries {
		if err := j.admissible(ctx, e); err != nil && j.invalid == nil {
			j.invalid = fmt.Errorf("%v is held: %w", e.ID, err)
		}
		j.entries[e.ID] = e
		if p := e.Delta.Prev; !p.IsZero() {
			if next[p] {
				forked[e.Delta.Chain] = true
			}
			next[p] = true
		}
	}
	j.forks = len(forked)
	if err := unproved(entries, proof); err != nil && j.invalid == nil {
		j.invalid = err
	}
	j.fold(entries)
	return j
}

// admissible applies DATA 1.2, 1.3, 1.8 and 2.3 to a delta on what is held.
func (j *judgment) admissible(ctx dag.ID, e *dag.Entry) error {
	d := e.Delta
	past := map[dag.ID]bool{}
	j.grants[e.ID] = past
	if dag.HashID(e.Raw) != e.ID || !bytes.Equal(d.Encode(), e.Raw) {
		return fmt.Errorf("its bytes are not its own")
	}
	if d.Kind == dag.KindGenesis {
		past[e.ID] = true
		if e.ID != ctx {
			return fmt.Errorf("it begins another context")
		}
		return nil
	}
	if d.Context != ctx || len(d.Parents) > dag.MaxParents || len(d.Payload) > dag.MaxPayload || !slices.IsSortedFunc(d.Parents, dag.ID.Compare) {
		return fmt.Errorf("a field is out of its bounds")
	}
	on := slices.Clone(d.Parents)
	if d.Prev.IsZero() {
		if d.Seq != 0 || len(d.Nonce) != dag.NonceLen || !d.Chain.IsZero() || len(on) == 0 {
			return fmt.Errorf("it begins no chain")
		}
	} else if on = append(on, d.Prev); len(d.Nonce) != 0 {
		return fmt.Errorf("it has a nonce and a prev")
	}
	var ms, n uint64
	for _, id := range on {
		p := j.entries[id]
		if p == nil {
			return fmt.Errorf("%v is in its past and not before it", id)
		}
		maps.Copy(past, j.grants[id])
		if c := cmp.Or(cmp.Compare(p.Delta.Ms, ms), cmp.Compare(p.Delta.N, n)); c > 0 {
			ms, n = p.Delta.Ms, p.Delta.N
		}
		if id == d.Prev && (p.Delta.Author != d.Author || p.Delta.ChainOf(id) != d.Chain || d.Seq != p.Delta.Seq+1) {
			return fmt.Errorf("it does not follow its prev")
		}
	}
	if d.Ms >= dag.MaxMs || (d.Ms <= ms || d.N != 0) && (d.Ms != ms || d.N != n+1) {
		return fmt.Errorf("its clock (%d, %d) is no step from (%d, %d)", d.Ms, d.N, ms, n)
	}
	if d.Kind == dag.KindGrant {
		defer func() { past[e.ID] = true }()
	}
	return j.allowed(d, past)
}

// allowed tells whether the credential of a delta is in its past, grants its author, and lets it be made.
func (j *judgment) allowed(d *dag.Delta, past map[dag.ID]bool) error {
	c := j.entries[d.Credential]
	if c == nil || !past[d.Credential] {
		return fmt.Errorf("its credential is not in its past")
	}
	g, err := dag.DecodeGrant(c.Delta.Payload)
	role := cmp.Or(g.Role, dag.RoleMember)
	switch {
	case c.Delta.Kind == dag.KindGenesis && c.Delta.Author == d.Author:
		role = dag.RoleAdmin
	case err != nil || !slices.Contains(g.Keys, d.Author):
		return fmt.Errorf("its credential grants another")
	}
	if d.Kind == dag.KindGrant && role != dag.RoleAdmin || d.Kind == dag.KindData && role == dag.RoleReader {
		return fmt.Errorf("a %s may not make it", role)
	}
	return nil
}

// unproved names a delta that no signature of its author's reaches through prev alone, be it of a delta that is not admitted (DATA 1.4).
func unproved(entries []*dag.Entry, proof Proof) error {
	proved := map[dag.ID]bool{}
	signed := func(e *dag.Entry) bool { return len(e.Sig) > 0 && dag.Verify(e.Delta.Author, e.ID, e.Sig) }
	for _, e := range slices.Backward(entries) {
		if !proved[e.ID] && !signed(e) {
			rest, err := proof(e.ID)
			if err != nil {
				return fmt.Errorf("%v is held: the proof of it: %w", e.ID, err)
			}
			at := e.ID
			for _, r := range rest {
				if r.Delta.Prev != at || r.Delta.Author != e.Delta.Author {
					return fmt.Errorf("%v is held: its proof is not of its run", e.ID)
				}
				at = r.ID
			}
			if len(rest) == 0 || !signed(rest[len(rest)-1]) {
				return fmt.Errorf("%v is held: no signature proves it", e.ID)
			}
		}
		proved[e.Delta.Prev] = true
	}
	return nil
}

// fold finds what is shown for each key: of the writes that nobody has seen, the greatest.
func (j *judgment) fold(entries []*dag.Entry) {
	type name struct {
		key string
		at  crdt.Name
	}
	j.shown = map[string]write{}
	gone := map[name]bool{}
	opsOf := func(e *dag.Entry) []crdt.Op {
		ops, err := crdt.DecodeOps(e.Delta.Payload)
		if e.Delta.Kind != dag.KindData || e.Delta.NeedsUpgrade() || err != nil {
			return nil
		}
		return ops
	}
	see := func(e *dag.Entry, key string, seen []crdt.Name) {
		for _, n := range seen {
			if n.Delta == [32]byte{} {
				n.Delta = e.ID
			}
			gone[name{key, n}] = true
		}
	}
	for _, e := range entries {
		for _, op := range opsOf(e) {
			switch op := op.(type) {
			case crdt.Put:
				see(e, op.Key, op.Seen)
			case crdt.Remove:
				see(e, op.Key, op.Seen)
			}
		}
	}
	for _, e := range entries {
		for i, op := range opsOf(e) {
			put, ok := op.(crdt.Put)
			if !ok || gone[name{put.Key, crdt.Name{Delta: e.ID, Index: uint32(i)}}] {
				continue
			}
			w := write{e, i, put.Value}
			if was, ok := j.shown[put.Key]; !ok || was.before(w) {
				j.shown[put.Key] = w
			}
		}
	}
}

// before tells whether another write is the greater: by clock, then author, then delta (DATA 1.5).
func (w write) before(o write) bool {
	a, b := w.at.Delta, o.at.Delta
	return cmp.Or(cmp.Compare(a.Ms, b.Ms), cmp.Compare(a.N, b.N), a.Author.Compare(b.Author), w.at.ID.Compare(o.at.ID), cmp.Compare(w.index, o.index)) < 0
}

// shows compares a store with what is shown.
func (j *judgment) shows(list []store.Entry) error {
	if len(list) != len(j.shown) {
		return fmt.Errorf("%d keys are shown, the naive fold has %d", len(list), len(j.shown))
	}
	for _, e := range list {
		w, ok := j.shown[e.Key]
		if !ok || !bytes.Equal(w.value, e.Value) || w.at.ID != e.Version {
			return fmt.Errorf("key %q shows the write %v, which the naive fold does not", e.Key, e.Version)
		}
	}
	return nil
}
