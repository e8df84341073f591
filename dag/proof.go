package dag

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// A run is admitted delta by delta, as its past comes. When the past of one does not come, or one breaks a rule, those before it
// are admitted and no delta that is admitted bears their signature. What follows in the run up to the signature is their proof
// then: it is kept in the log, as a witness that comes later is, and goes into pages behind them, so that whoever holds them can
// show whose they are (DATA 1.4, 4.1).

// run is a run of a page that was verified, while some of it is admitted.
type run struct {
	entries []*Entry // in order; the last is signed
	last    int      // the last that is admitted, -1 for none
	noted   bool     // by the page that is taken in
}

// rest gives what proves the last admitted delta of a run, when no admitted one does.
func (r *run) rest() []*Entry { return r.entries[r.last+1:] }

// maxProof is how long a proof is at most: the deltas before the signed one are MaxRunBytes at most.
const maxProof = MaxRun*binary.MaxVarintLen32 + MaxRunBytes + MaxEncoded + SigLen

// appendProof writes what follows a delta in its run: each delta with its length before it, then the signature on the last.
func appendProof(b []byte, rest []*Entry) []byte {
	for _, e := range rest {
		b = append(binary.AppendUvarint(b, uint64(len(e.Raw))), e.Raw...)
	}
	return append(b, rest[len(rest)-1].Sig...)
}

// readProof reads what appendProof has written.
func readProof(b []byte) (rest []*Entry, err error) {
	for len(b) > SigLen {
		n, w := binary.Uvarint(b)
		if w <= 0 || n > MaxEncoded || int(n) > len(b)-w-SigLen {
			return nil, fmt.Errorf("dag: a proof ends within a delta: %w", ErrDamaged)
		}
		e, err := NewEntry(b[w:w+int(n):w+int(n)], nil)
		if err != nil {
			return nil, fmt.Errorf("dag: a proof holds no delta: %w: %w", err, ErrDamaged)
		}
		rest, b = append(rest, e), b[w+int(n):]
	}
	if len(b) != SigLen || len(rest) == 0 {
		return nil, fmt.Errorf("dag: a proof of %d deltas has no signature: %w", len(rest), ErrDamaged)
	}
	rest[len(rest)-1].Sig = b
	return rest, nil
}

// Proof gives what proves a delta that no admitted one proves: what follows it in its run, which is not admitted, up to the
// signature. It is empty for one that was never so, and for what is not held. The error wraps ErrDamaged when the record is.
func (j *Journal) Proof(id ID) ([]*Entry, error) {
	j.mu.Lock()
	var at Place
	for _, c := range j.ctxs { //lint:unordered a delta is of one context alone
		if i, ok := c.g.number(id); ok && c.g.half[i] {
			at = c.proofs[id]
		}
	}
	j.mu.Unlock()
	if at == (Place{}) {
		return nil, nil
	}
	return new(proofs).of(j, id, at)
}

// proofs reads proofs, and keeps the last: the deltas of a run have one.
type proofs struct {
	at   Place
	whom ID
	rest []*Entry
}

// of gives what the proof at a place has behind a delta.
func (p *proofs) of(j *Journal, id ID, at Place) ([]*Entry, error) {
	if p.at != at {
		r, err := j.w.read(at)
		if err != nil {
			return nil, err
		}
		if p.whom, p.rest, err = proofIn(r.body); err != nil || r.kind != recordProof {
			return nil, fmt.Errorf("dag: log: no proof of %v stands at its place: %w", id, errors.Join(err, ErrDamaged))
		}
		p.at = at
	}
	if p.whom == id {
		return p.rest, nil
	}
	for i, e := range p.rest {
		if e.ID == id {
			return p.rest[i+1:], nil
		}
	}
	return nil, fmt.Errorf("dag: log: the proof of another than %v stands at its place: %w", id, ErrDamaged)
}

// proofIn reads the body of a proof's record.
func proofIn(body []byte) (id ID, rest []*Entry, err error) {
	if len(body) <= 64+SigLen {
		return id, nil, fmt.Errorf("dag: a proof of %d bytes: %w", len(body), ErrDamaged)
	}
	rest, err = readProof(body[64:])
	return ID(body[32:64]), rest, err
}

// noteProof notes where the proof of a delta stands: it proves those that it has, too, as they are admitted.
func (c *context) noteProof(id ID, rest []*Entry, at Place) {
	c.proofs[id] = at
	for _, e := range rest[:len(rest)-1] {
		c.proofs[e.ID] = at
	}
}

// reaches notes how far a run is admitted.
func (in *ingest) reaches(r *run, at int) {
	if r == nil {
		return
	}
	if !r.noted {
		r.noted = true
		in.runs = append(in.runs, r)
	}
	r.last = max(r.last, at)
}

// keep keeps, for each run of which some was admitted by a page, what proves the last of it; mu is held.
func (in *ingest) keep(c *context) {
	for _, r := range in.runs {
		r.noted = false
		clear(r.entries[:max(0, r.last)]) // what waits of it pins the rest alone
		rest := r.rest()
		if len(rest) == 0 {
			continue
		}
		id := r.entries[r.last].ID
		i, ok := c.g.number(id)
		if !ok {
			continue
		}
		if nd := c.g.node(i); !nd.witness && !nd.signed && !c.late(id) && !c.g.Has(rest[0].ID) {
			in.last = in.j.enqueue(&item{c: c, kind: recordProof, id: id, sig: appendProof(nil, rest), rest: slices.Clone(rest), node: i})
		}
	}
}
