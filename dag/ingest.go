package dag

import (
	"bytes"
	"fmt"
)

// piece is a stretch of one chain that its last delta's signature proves.
type piece struct {
	entries []*Entry
}

// Ingest takes a page that Serve, ServeIDs or Batch of some node gave, or that somebody claims so: in any order, again,
// cut short, forged. It checks sizes before it takes memory, verifies each run, admits what its past allows, lets the
// rest wait, and returns when all of it is durable. What is wrong with the page is in Ingested.Refused; the error is
// a failure of this node: ErrUnknownContext, ErrStopped, ErrClosed, ErrUnknownOutcome. It keeps nothing of page.
func (j *Journal) Ingest(ctx ID, page []byte) (Ingested, error) {
	in := &ingest{j: j}
	pieces := in.read(ctx, page)
	if err := in.filter(ctx, pieces); err != nil {
		return Ingested{}, fmt.Errorf("dag: ingest: %w", err)
	}
	for i := range pieces {
		in.verify(&pieces[i])
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	c, err := j.usable(ctx)
	if err != nil {
		return Ingested{}, fmt.Errorf("dag: ingest: %w", err)
	}
	for i := range pieces {
		in.admit(c, &pieces[i])
	}
	in.got.Missing = c.g.lacks(in.unheld, MaxBack)
	c.g.settle(j.o.MaxWaiting, j.o.MaxWaitingBytes, func(e *Entry) {
		in.refused.add(WaitingFull, 1, "the past of "+e.ID.String()+" is not held")
	})
	in.got.Waiting = c.g.waits(in.unheld)
	in.got.Refused = in.refused.sorted()
	in.got.Admitted = len(in.got.NewIDs)
	j.refused.merge(in.got.Refused)
	if in.last == nil {
		return in.got, nil
	}
	return in.got, j.wait(in.last)
}

// ingest is one page on its way in.
type ingest struct {
	j       *Journal
	got     Ingested
	refused tally
	last    *commit
	unheld  []ID // of the page, that were not held before
}

// read takes a page apart into pieces. Whatever no signature follows is refused.
func (in *ingest) read(ctx ID, page []byte) []piece {
	runs, ferr := decodePage(page)
	if ferr != nil {
		in.refused.add(ferr.Reason, 1, "a page: "+ferr.Detail)
		return nil
	}
	var pieces []piece
	for _, run := range runs {
		pieces = in.run(ctx, run, pieces)
	}
	return pieces
}

// run reads one run; at the first delta that is wrong, the rest of the run is refused for its reason.
func (in *ingest) run(ctx ID, run []sealed, pieces []piece) []piece {
	from, size := 0, 0
	entries := make([]*Entry, 0, len(run))
	for i, s := range run {
		e, reason, detail := in.entry(ctx, s, entries)
		if reason == "" && (i-from+1 > MaxRun || size > MaxRunBytes) {
			reason, detail = NoWitness, fmt.Sprintf("%d deltas and %d bytes come before a signature", i-from, size)
		}
		if reason != "" {
			in.refused.add(reason, len(run)-from, detail)
			return pieces
		}
		entries = append(entries, e)
		if size += len(s.raw); e.Sig != nil {
			pieces = append(pieces, piece{entries: entries[from : i+1]})
			from, size = i+1, 0
		}
	}
	if from < len(run) {
		in.refused.add(NoWitness, len(run)-from, "no signature ends the run of "+entries[from].ID.String())
	}
	return pieces
}

func (in *ingest) entry(ctx ID, s sealed, before []*Entry) (*Entry, RefuseReason, string) {
	e, err := NewEntry(s.raw, s.sig)
	if err != nil {
		ferr := err.(*FormatError) // Decode gives no other
		return nil, ferr.Reason, ferr.Detail
	}
	d := e.Delta
	if len(s.sig) == 0 {
		e.Sig = nil
	}
	if d.ContextOf(e.ID) != ctx {
		return nil, WrongContext, fmt.Sprintf("%v is of context %v", e.ID, d.ContextOf(e.ID))
	}
	if n := len(before); n > 0 {
		p := before[n-1]
		if d.Prev != p.ID || d.Author != p.Delta.Author {
			return nil, Malformed, fmt.Sprintf("%v does not follow %v in its run", e.ID, p.ID)
		}
	}
	return e, "", ""
}

// filter empties the pieces that are held and proved already, which need no verification.
func (in *ingest) filter(ctx ID, pieces []piece) error {
	in.j.mu.Lock()
	defer in.j.mu.Unlock()
	c, err := in.j.usable(ctx)
	if err != nil {
		return err
	}
	for i := range pieces {
		last := pieces[i].entries[len(pieces[i].entries)-1]
		if n, ok := c.g.number(last.ID); ok && c.g.node(n).witness { // then so is all that it reaches through prev
			in.got.Duplicate += len(pieces[i].entries)
			pieces[i].entries = nil
		}
	}
	return nil
}

// verify checks the signature that ends a piece. A bad one spoils the message, never the ids: they may come again (DATA 1.4).
func (in *ingest) verify(p *piece) {
	if len(p.entries) == 0 {
		return
	}
	last := p.entries[len(p.entries)-1]
	if !Verify(last.Delta.Author, last.ID, last.Sig) {
		in.refused.add(ForgedSignature, len(p.entries), "the signature on "+last.ID.String()+" is not its author's")
		p.entries = nil
	}
}

// admit offers the deltas of a verified piece; mu is held.
func (in *ingest) admit(c *context, p *piece) {
	s := sink{admitted: func(w *waiter) { in.admitted(c, w) }, refused: func(e *Entry, reason RefuseReason) {
		in.refused.add(reason, 1, "the delta "+e.ID.String())
	}}
	for _, e := range p.entries {
		if i, ok := c.g.number(e.ID); ok {
			in.got.Duplicate++
			if nd := c.g.node(i); e.Sig != nil && !nd.witness && !nd.signed {
				nd.signed = true
				in.last = in.j.enqueue(&item{c: c, kind: recordWitness, id: e.ID, sig: bytes.Clone(e.Sig), node: i})
			} else if i >= c.synced { // held and not durable yet: answer when it is
				in.last = in.j.youngest()
			}
			continue
		}
		in.unheld = append(in.unheld, e.ID)
		in.j.lacked(c, e)
		if c.g.room.waiting[e.ID] != nil {
			in.got.Duplicate++
			continue
		}
		// The page is the caller's and the delta points into it: keep a copy.
		own, err := decodeEntry(bytes.Clone(e.Raw), bytes.Clone(e.Sig))
		if err != nil {
			in.refused.add(Malformed, 1, err.Error())
			continue
		}
		own.ID = e.ID
		c.g.offer(&waiter{e: own}, s)
	}
}

// admitted puts an admitted delta in the log's next group.
func (in *ingest) admitted(c *context, w *waiter) {
	i := uint32(c.g.Len() - 1)
	c.g.node(i).signed = w.e.Sig != nil
	c.g.node(i).local = w.local // one's own waits only after damage, which ended its chain
	in.got.NewIDs = append(in.got.NewIDs, w.e.ID)
	in.last = in.j.enqueue(&item{c: c, kind: recordReceived, e: w.e, node: i, logged: w.logged, place: w.place})
	in.j.o.Observer.Admitted(c.id, w.e)
}

// lacked ends one's own chain when a peer shows a delta of it that is not held: the disk was rolled back (DATA 1.3).
func (j *Journal) lacked(c *context, e *Entry) {
	o := c.own[e.Delta.Author]
	if o == nil {
		return
	}
	if c.g.chains[c.g.node(o.tip).chain].id == e.Delta.ChainOf(e.ID) {
		delete(c.own, e.Delta.Author)
		j.fresh = true
	}
}
