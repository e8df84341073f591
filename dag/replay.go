package dag

import (
	"bytes"
	"fmt"
)

// record replays one record.
func (r *replay) record(rd *record) error {
	r.rec.Records++
	switch rd.kind {
	case recordReceived, recordWritten:
		r.sealed(rd)
	case recordWitness:
		if len(rd.body) != 64+SigLen {
			r.lost(rd.place, "the record holds no witness")
			return nil
		}
		c := r.context(ID(rd.body[:32]))
		id := ID(rd.body[32:64])
		c.sigs[id] = bytes.Clone(rd.body[64:])
		if i, ok := c.g.number(id); ok {
			c.g.witnessed(i)
		}
	case recordProof:
		id, rest, err := proofIn(bytes.Clone(rd.body))
		if err != nil {
			r.lost(rd.place, "the record holds no proof: "+err.Error())
			return nil
		}
		c := r.context(ID(rd.body[:32]))
		c.noteProof(id, rest, rd.place)
		if i, ok := c.g.number(id); ok {
			c.g.halfWitnessed(i)
		}
	case recordJoined:
		if len(rd.body) != 32 {
			r.lost(rd.place, "the record holds no context")
			return nil
		}
		r.context(ID(rd.body))
	default:
		return fmt.Errorf("dag: log: %s holds a record of kind %d, which this program does not know: upgrade it",
			segmentName(rd.place.Offset/r.j.w.length), rd.kind)
	}
	return nil
}

func (r *replay) context(id ID) *context {
	if r.c != nil && r.c.id == id {
		return r.c
	}
	c := r.j.ctxs[id]
	if c == nil {
		c = newContext(id)
		r.j.ctxs[id] = c
	}
	r.c = c
	return c
}

func (r *replay) lost(at Place, reason string) {
	w := r.j.w
	r.rec.Damage = append(r.rec.Damage, Damage{Segment: int(at.Offset / w.length), Offset: at.Offset % w.length, Size: int64(at.Size), Reason: reason})
}

// sealed replays the record of a delta.
func (r *replay) sealed(rd *record) {
	s, ok := sealedOf(rd.body)
	if !ok {
		r.lost(rd.place, "the record holds no delta: its signature has neither 0 nor 64 bytes")
		return
	}
	r.at = rd.place.Offset
	if (r.quiet || r.at < r.after) && r.pass(rd, s) {
		return
	}
	e, err := entryOf(bytes.Clone(rd.body))
	if err != nil {
		r.lost(rd.place, "the record holds no delta: "+err.Error())
		return
	}
	if r.at >= r.after {
		r.batch = append(r.batch, Located{ID: e.ID, Place: rd.place})
		r.size += rd.place.Size
	}
	r.admit(&waiter{e: e, logged: true, local: rd.kind == recordWritten, place: rd.place})
}

// pass admits a delta that nobody is told of and nobody waits for, without taking memory. False: it did nothing.
func (r *replay) pass(rd *record, s sealed) bool {
	if rd.place.Offset >= r.after && r.j.indexed || r.delta.decode(s.raw) != nil {
		return false
	}
	id := HashID(s.raw)
	c := r.context(r.delta.ContextOf(id))
	if len(c.g.room.waiting) > 0 {
		return false
	}
	if outcome, _ := c.g.Add(id, &r.delta); outcome != Admitted {
		return outcome == Held
	}
	r.admitted(c, id, rd.place, rd.kind == recordWritten, len(s.sig) > 0, r.delta.Author)
	c.synced = uint32(c.g.Len())
	return true
}

// admit admits a delta of the log. One whose past is lost to damage waits for it; one that is there twice is
// passed over.
func (r *replay) admit(w *waiter) {
	c := r.context(w.e.Delta.ContextOf(w.e.ID))
	if c.g.Has(w.e.ID) || c.g.room.waiting[w.e.ID] != nil {
		return
	}
	c.g.offer(w, sink{
		admitted: func(w *waiter) {
			r.admitted(c, w.e.ID, w.place, w.local, w.e.Sig != nil, w.e.Delta.Author)
			if r.told[c] == nil {
				r.order = append(r.order, c)
			}
			r.told[c] = append(r.told[c], w.e)
			if r.at >= r.after {
				r.locate(c, w.e)
				r.j.o.Observer.Admitted(c.id, w.e)
			}
		},
		refused: func(e *Entry, reason RefuseReason) {
			r.lost(w.place, "the delta "+e.ID.String()+" is refused: "+string(reason))
		},
	})
}

// admitted notes what the log tells of the delta that was admitted last.
func (r *replay) admitted(c *context, id ID, at Place, local, signed bool, author Key) {
	i := uint32(c.g.Len() - 1)
	c.g.node(i).place = pack(at)
	c.note(i, local, author)
	if signed || c.sigs[id] != nil {
		c.g.witnessed(i)
	} else if _, ok := c.proofs[id]; ok {
		c.g.halfWitnessed(i)
	}
}

// locate gives the index a delta that is admitted: the one whose record was just read, or one that waited for it, whose
// place the index has.
func (r *replay) locate(c *context, e *Entry) {
	if last := &r.batch[len(r.batch)-1]; last.ID == e.ID && last.Place.Offset == r.at {
		last.Context, last.Entry = c.id, e
		return
	}
	r.batch = append(r.batch, Located{ID: e.ID, Context: c.id, Entry: e})
}

// note records that this node wrote delta i, and goes on from there.
func (c *context) note(i uint32, local bool, author Key) {
	if !local {
		return
	}
	c.g.node(i).local = true
	if o := c.own[author]; o != nil {
		o.tip = i
		return
	}
	c.own[author] = &own{tip: i}
}
