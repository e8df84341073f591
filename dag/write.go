package dag

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// Pending is a write that is admitted and perhaps not yet durable.
type Pending struct {
	j *Journal
	g *commit
	e *Entry
}

// Entry gives the delta at once. Its Sig must not be read before Wait returned.
func (p *Pending) Entry() *Entry { return p.e }

// Wait returns when the write is durable and its observers were told. Callers that wait together share one fdatasync; a
// write nobody waits for is synced with the next that somebody waits for. It may be called more than once and from any
// goroutine. The error wraps ErrUnknownOutcome when the sync
// failed, and ErrNotWritten when nothing of the write reached the log.
func (p *Pending) Wait() (*Entry, error) {
	if p.g.led.CompareAndSwap(false, true) {
		p.j.mu.Lock()
		defer p.j.mu.Unlock()
		return p.e, p.j.steer(p.g)
	}
	<-p.g.done
	return p.e, p.g.err
}

// Flush returns when all that is admitted is durable.
func (j *Journal) Flush() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return ErrClosed
	}
	if err := j.drain(); err != nil {
		return err
	}
	if j.failed != nil {
		return fmt.Errorf("%w: %w", ErrStopped, j.failed)
	}
	return nil
}

// Found makes a context: it writes and syncs a genesis, whose author is the founder and an admin, and which grants the
// keys of g. The context is the id of that delta.
func (j *Journal) Found(s Signer, g Grant) (ID, error) {
	payload, err := g.Encode()
	if err != nil {
		return ID{}, err
	}
	if smallOrder(s.Public()) {
		return ID{}, fmt.Errorf("dag: found: the key is of small order")
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err := j.usable(ID{}); j.closed || j.failed != nil {
		return ID{}, err
	}
	wall := j.o.Wall().UnixMilli()
	d := &Delta{Version: Version1, Author: s.Public(), Wall: wall, Kind: KindGenesis, Payload: payload}
	var ok bool
	if d.Ms, d.N, ok = step(0, 0, wall); !ok {
		return ID{}, fmt.Errorf("dag: found: %w", ErrClock)
	}
	if d.Nonce, err = j.nonce(); err != nil {
		return ID{}, err
	}
	raw := d.Encode()
	e := &Entry{ID: HashID(raw), Delta: d, Raw: raw}
	c := newContext(e.ID)
	if err := j.admitOwn(c, s, e); err != nil {
		return ID{}, err
	}
	j.ctxs[e.ID] = c
	return e.ID, j.wait(j.groups[len(j.groups)-1])
}

// Join makes a context known by its id, durably; its genesis and all the rest arrive by Ingest. A known context is left as it is.
func (j *Journal) Join(ctx ID) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if ctx.IsZero() {
		return fmt.Errorf("dag: join: %w: the id is empty", ErrUnknownContext)
	}
	if c, err := j.usable(ctx); c != nil || j.closed || j.failed != nil {
		return err
	}
	c := newContext(ctx)
	j.ctxs[ctx] = c
	return j.wait(j.enqueue(&item{c: c, kind: recordJoined}))
}

func (j *Journal) nonce() ([]byte, error) {
	b := make([]byte, NonceLen)
	if _, err := io.ReadFull(j.o.Rand, b); err != nil {
		return nil, fmt.Errorf("dag: randomness for a nonce: %w", err)
	}
	return b, nil
}

// Write makes a delta of the author on the version of the edit, admits it in memory, and returns before it is durable:
// the next write of the context is made on it. It never waits for the network; it waits for a sync only when more than
// Options.MaxUnsynced bytes are not durable. Errors: ErrUnknownContext, ErrNoGenesis, ErrNotMember, ErrNotAllowed,
// ErrTooLarge, ErrUnknownParent, ErrClock, ErrStopped, ErrClosed; then nothing was written. ErrUnknownOutcome and ErrNotWritten come
// with a Pending, from such a sync.
func (j *Journal) Write(ctx ID, s Signer, e Edit) (*Pending, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	c, err := j.usable(ctx)
	if err != nil {
		return nil, fmt.Errorf("dag: write: %w", err)
	}
	if c.g.Len() == 0 {
		return nil, fmt.Errorf("dag: write to %v: %w", ctx, ErrNoGenesis)
	}
	j.prove(c, s)
	d, err := j.draft(c, s.Public(), e)
	if err != nil {
		return nil, fmt.Errorf("dag: write to %v: %w", ctx, err)
	}
	raw := d.Encode()
	entry := &Entry{ID: HashID(raw), Delta: d, Raw: raw}
	if err := j.admitOwn(c, s, entry); err != nil {
		return nil, err
	}
	p := &Pending{j: j, g: j.groups[len(j.groups)-1], e: entry}
	if j.unsynced > j.o.MaxUnsynced {
		return p, j.wait(p.g)
	}
	return p, nil
}

func (e *Edit) check() error {
	switch {
	case len(e.Payload) > MaxPayload:
		return fmt.Errorf("dag: write: the payload has %d bytes, at most %d are allowed; put it in a blob: %w",
			len(e.Payload), MaxPayload, ErrTooLarge)
	case len(e.Parents) > MaxParents+1:
		return fmt.Errorf("dag: write: the version has %d deltas, at most %d are allowed: %w", len(e.Parents), MaxParents, ErrTooLarge)
	case e.Kind == KindGenesis:
		return fmt.Errorf("dag: write: a genesis is made by Found: %w", ErrNotAllowed)
	case e.Kind == KindGrant:
		if _, err := DecodeGrant(e.Payload); err != nil {
			return fmt.Errorf("dag: write: the grant's payload: %w", err)
		}
	}
	return nil
}

// draft fills in everything of a delta: its place in the author's chain, parents, clock and credential.
func (j *Journal) draft(c *context, author Key, e Edit) (*Delta, error) {
	g := c.g
	d := &Delta{Version: Version1, Context: c.id, Author: author, Kind: e.Kind, Payload: e.Payload}
	nd := node{prev: none}
	var ms, n uint64
	if o := c.own[author]; o != nil {
		p := g.node(o.tip)
		nd.prev, nd.grants, ms, n = o.tip, p.grants, p.ms, uint64(p.n)
		d.Prev, d.Chain, d.Seq = p.id, g.chains[p.chain].id, uint64(p.seq)+1
	}
	if err := j.parents(c, d, e.Parents, nd.prev); err != nil {
		return nil, err
	}
	for _, id := range d.Parents {
		p := g.node(g.held(id))
		ms, n = later(ms, n, p.ms, uint64(p.n))
		nd.grants = g.sets.union(nd.grants, p.grants)
	}
	cred, known, allowed := g.sets.credential(author, nd.grants, e.Kind)
	if !known {
		return nil, ErrNotMember
	}
	if !allowed {
		return nil, ErrNotAllowed
	}
	d.Credential = g.node(cred).id
	d.Wall = j.o.Wall().UnixMilli()
	var ok bool
	if d.Ms, d.N, ok = step(ms, n, d.Wall); !ok {
		return nil, fmt.Errorf("%w: it reads %v", ErrClock, time.UnixMilli(d.Wall).UTC())
	}
	if nd.prev == none {
		var err error
		if d.Nonce, err = j.nonce(); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// parents sets a draft's parents: the frontier, or the version that the edit names.
func (j *Journal) parents(c *context, d *Delta, version []ID, prev uint32) error {
	if version == nil {
		d.Parents = c.g.frontier(prev)
	} else {
		ids := slices.Clone(version)
		slices.SortFunc(ids, ID.Compare) //lint:total-key equal ids are the same
		ids = slices.Compact(ids)
		ids = slices.DeleteFunc(ids, func(id ID) bool { return prev != none && id == d.Prev })
		for _, id := range ids {
			if !c.g.Has(id) {
				return fmt.Errorf("%w: %v", ErrUnknownParent, id)
			}
		}
		d.Parents = ids
	}
	if len(d.Parents) > MaxParents {
		return fmt.Errorf("the version has %d deltas beside prev: %w", len(d.Parents), ErrTooLarge)
	}
	if prev == none && len(d.Parents) == 0 {
		return fmt.Errorf("%w: the first delta of a chain is made on a version, and it is empty", ErrUnknownParent)
	}
	return nil
}

// admitOwn admits one's own delta in memory and puts it in the youngest group.
func (j *Journal) admitOwn(c *context, s Signer, e *Entry) error {
	if outcome, reason := c.g.Add(e.ID, e.Delta); outcome != Admitted {
		return fmt.Errorf("dag: write: the delta is not admitted: %s", reason)
	}
	i := uint32(c.g.Len() - 1)
	c.note(i, true, e.Delta.Author)
	j.enqueue(&item{c: c, kind: recordWritten, e: e, node: i, signer: s, chain: c.g.node(i).chain})
	j.o.Observer.Admitted(c.id, e)
	return nil
}
