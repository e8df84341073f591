package dag

import (
	"bytes"
	"fmt"
)

// record replays one record.
func (r *replay) record(rd record) error {
	r.rec.Records++
	lost := func(reason string) {
		w := r.j.w
		r.rec.Damage = append(r.rec.Damage, Damage{
			Segment: int(rd.place.Offset / w.length), Offset: rd.place.Offset % w.length, Reason: reason,
		})
	}
	switch rd.kind {
	case recordReceived, recordWritten:
		e, err := entryOf(bytes.Clone(rd.body))
		if err != nil {
			lost("the record holds no delta: " + err.Error())
			return nil
		}
		if r.at = rd.place.Offset; r.at >= r.after {
			r.batch = append(r.batch, Located{ID: e.ID, Place: rd.place})
			r.size += rd.place.Size
		}
		r.delta(e, rd.kind == recordWritten, lost)
	case recordWitness:
		if len(rd.body) != 64+SigLen {
			lost("the record holds no witness")
			return nil
		}
		c := r.context(ID(rd.body[:32]))
		id := ID(rd.body[32:64])
		c.sigs[id] = bytes.Clone(rd.body[64:])
		if i, ok := c.g.byID[id]; ok {
			c.g.witnessed(i)
		}
	case recordJoined:
		if len(rd.body) != 32 {
			lost("the record holds no context")
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
	c := r.j.ctxs[id]
	if c == nil {
		c = newContext(id)
		r.j.ctxs[id] = c
	}
	return c
}

// delta admits a delta of the log. One whose past is lost to damage waits for it; one that is there twice is
// passed over.
func (r *replay) delta(e *Entry, local bool, lost func(string)) {
	c := r.context(e.Delta.ContextOf(e.ID))
	if c.g.Has(e.ID) || c.g.room.waiting[e.ID] != nil {
		return
	}
	c.g.offer(&waiter{e: e, logged: true, local: local}, sink{
		admitted: func(w *waiter) {
			i := uint32(len(c.g.nodes) - 1)
			c.note(i, w)
			if w.e.Sig != nil || c.sigs[w.e.ID] != nil {
				c.g.witnessed(i)
			}
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
			lost("the delta " + e.ID.String() + " is refused: " + string(reason))
		},
	})
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
func (c *context) note(i uint32, w *waiter) {
	if w.local {
		c.g.nodes[i].local = true
		c.own[w.e.Delta.Author] = &own{tip: i}
	}
}
