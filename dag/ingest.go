package dag

import (
	"bytes"
	"fmt"
	"slices"
)

// piece is a stretch of one branch that its last delta's signature proves.
type piece struct {
	first, last *Entry
	count, size int // size is of all but the last
	whole       bool
	run         *run
	reason      RefuseReason // why it is not taken, if it is not
	detail      string
}

// offered is a delta that is to be admitted when its piece is good.
type offered struct {
	e     *Entry
	piece int
}

// Ingest takes a page that Serve, ServeIDs or Batch of some node gave, or that somebody claims so: in any order, again,
// cut short, forged. It checks sizes before it takes memory, verifies each run, admits what its past allows, lets the
// rest wait, and returns when all of it is durable. What is wrong with the page is in Ingested.Refused; the error is
// a failure of this node: ErrUnknownContext, ErrStopped, ErrClosed, ErrUnknownOutcome. It keeps nothing of page.
func (j *Journal) Ingest(ctx ID, page []byte) (Ingested, error) {
	in := &ingest{j: j}
	in.read(ctx, page)
	if err := in.filter(ctx); err != nil {
		return Ingested{}, fmt.Errorf("dag: ingest: %w", err)
	}
	in.verify()
	j.mu.Lock()
	defer j.mu.Unlock()
	c, err := j.usable(ctx)
	if err != nil {
		return Ingested{}, fmt.Errorf("dag: ingest: %w", err)
	}
	s := sink{admitted: func(w *waiter) { in.admitted(c, w) }, refused: func(e *Entry, reason RefuseReason) {
		in.broken = append(in.broken, broken{e, reason})
	}}
	for _, n := range in.deltas { // in the page's order, which is causal when it is honest
		if in.pieces[n.piece].whole {
			in.admit(c, &in.pieces[n.piece], n.e, s)
		}
	}
	in.keep(c)
	in.blame()
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
	deltas  []offered
	pieces  []piece
	got     Ingested
	refused tally
	broken  []broken
	last    *commit
	runs    []*run // of which some was admitted
	unheld  []ID   // of the page, that were not held before
}

// read takes a page apart into pieces. Whatever no signature follows is refused.
func (in *ingest) read(ctx ID, page []byte) {
	list, ferr := decodePage(page)
	if ferr != nil {
		in.refused.add(ferr.Reason, 1, "a page: "+ferr.Detail)
		return
	}
	in.deltas = make([]offered, len(list))
	var open []int // by branch: one more than its piece that no signature has ended
	for i, a := range list {
		for a.branch >= len(open) {
			open = append(open, 0)
		}
		if open[a.branch] == 0 {
			in.pieces = append(in.pieces, piece{first: a.e})
			open[a.branch] = len(in.pieces)
		}
		at := open[a.branch] - 1
		in.deltas[i] = offered{a.e, at}
		if p := &in.pieces[at]; p.take(ctx, a.e) {
			open[a.branch] = 0
		}
	}
	for i := range in.pieces {
		p := &in.pieces[i]
		if !p.whole && p.reason == "" {
			p.reason, p.detail = NoWitness, "no signature ends the run of "+p.first.ID.String()
		}
		if p.reason != "" {
			in.refused.add(p.reason, p.count, p.detail)
		}
	}
}

// take adds a delta to its piece, and tells whether its signature ends it. A piece that is wrong takes in the rest of its branch.
func (p *piece) take(ctx ID, e *Entry) bool {
	switch {
	case p.reason != "":
	case e.Delta.ContextOf(e.ID) != ctx:
		p.reason, p.detail = WrongContext, fmt.Sprintf("%v is of context %v", e.ID, e.Delta.ContextOf(e.ID))
	case p.count+1 > MaxRun || p.size > MaxRunBytes:
		p.reason, p.detail = NoWitness, fmt.Sprintf("%d deltas and %d bytes come before a signature", p.count, p.size)
	}
	p.count++
	p.size += len(e.Raw)
	p.last = e
	p.whole = p.reason == "" && e.Sig != nil
	return p.whole
}

// filter drops the pieces that are held and proved already, which need no verification.
func (in *ingest) filter(ctx ID) error {
	in.j.mu.Lock()
	defer in.j.mu.Unlock()
	c, err := in.j.usable(ctx)
	if err != nil {
		return err
	}
	for i := range in.pieces {
		p := &in.pieces[i]
		if n, ok := c.g.number(p.last.ID); p.whole && ok && c.g.node(n).witness { // then so is all that it reaches through prev
			in.got.Duplicate += p.count
			p.whole = false
		}
	}
	return nil
}

// verify checks the signatures that end pieces. A bad one spoils the rest of the message, never the ids: they may come again (DATA 1.4).
// What follows is not looked at: whoever sent it took none of it in, and each more would cost this node a check.
func (in *ingest) verify() {
	spoilt := ""
	for i := range in.pieces {
		p := &in.pieces[i]
		switch {
		case !p.whole:
			continue
		case spoilt == "" && Verify(p.last.Delta.Author, p.last.ID, p.last.Sig):
			continue
		case spoilt == "":
			spoilt = "the signature on " + p.last.ID.String() + " is not its author's"
		}
		in.refused.add(ForgedSignature, p.count, spoilt)
		p.whole = false
	}
}

// broken is a delta that breaks a rule, which may show only when what it waited for comes.
type broken struct {
	e      *Entry
	reason RefuseReason
}

// blame counts the broken deltas, against the page as far as it has them or what they stand on; mu is held.
func (in *ingest) blame() {
	if len(in.broken) == 0 {
		return
	}
	here := make(map[ID]bool, len(in.unheld))
	for _, id := range in.unheld {
		here[id] = true
	}
	faulty := make(map[ID]bool, len(in.broken))
	for _, b := range in.broken { // what stands on another comes after it
		to := &in.j.refused // who sends what others waited for is not to blame
		if d := b.e.Delta; here[b.e.ID] || faulty[d.Prev] || slices.ContainsFunc(d.Parents, func(p ID) bool { return faulty[p] }) {
			to, faulty[b.e.ID] = &in.refused, true
		}
		to.add(b.reason, 1, "the delta "+b.e.ID.String())
	}
}

// admit offers a delta of a verified piece; mu is held.
func (in *ingest) admit(c *context, p *piece, e *Entry, s sink) {
	at := 0
	if p.count > 1 {
		at = p.join(e)
	}
	if i, ok := c.g.number(e.ID); ok {
		in.got.Duplicate++
		if nd := c.g.node(i); e.Sig != nil && !nd.witness && !nd.signed {
			nd.signed = true
			in.last = in.j.enqueue(&item{c: c, kind: recordWitness, id: e.ID, sig: bytes.Clone(e.Sig), node: i})
		} else if i >= c.synced { // held and not durable yet: answer when it is
			in.last = in.j.youngest()
		}
		in.reaches(p.run, at)
		return
	}
	in.unheld = append(in.unheld, e.ID)
	in.j.lacked(c, e)
	if c.g.room.waiting[e.ID] != nil {
		in.got.Duplicate++
		return
	}
	c.g.offer(&waiter{e: e, run: p.run, at: at}, s)
}

// join puts a delta at the end of its piece's run, and gives its place there.
func (p *piece) join(e *Entry) int {
	if p.run == nil {
		p.run = &run{entries: make([]*Entry, 0, p.count), last: -1}
	}
	p.run.entries = append(p.run.entries, e)
	return len(p.run.entries) - 1
}

// admitted puts an admitted delta in the log's next group.
func (in *ingest) admitted(c *context, w *waiter) {
	i := uint32(c.g.Len() - 1)
	c.g.node(i).signed = w.e.Sig != nil
	c.g.node(i).local = w.local // one's own waits only after damage, which ended its chain
	in.got.NewIDs = append(in.got.NewIDs, w.e.ID)
	in.reaches(w.run, w.at)
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
