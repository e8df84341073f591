package dag

import (
	"errors"
	"fmt"
	"sync/atomic"
)

// The greatest distance between two signatures of one chain, which a writer keeps and a reader demands (DATA 1.4).
const (
	// MaxRun is in deltas, the signed one included.
	MaxRun = 256
	// MaxRunBytes is in bytes of canonical encoding, the signed one not included.
	MaxRunBytes = 64 << 10
)

// commit is the group of records that one fdatasync makes durable.
type commit struct {
	items     []*item
	size      int64
	led       atomic.Bool   // one of those who wait leads, the others wait for done
	followers int           // of the others, those that came through wait
	done      chan struct{} // closed when it was delivered or dropped; err is set before
	wrote     bool          // some of it may be in the log
	ended     bool
	err       error
}

// item is one record on its way to the log.
type item struct {
	c      *context
	kind   recordKind
	e      *Entry   // of a delta
	id     ID       // of a witness, or a proof
	sig    []byte   // of a witness, or a proof
	rest   []*Entry // of a proof
	node   uint32   // of a delta
	signer Signer   // of one's own write, or of a witness to be made
	chain  uint32   // of one's own write
	logged bool     // its record is in the log already
	place  Place
}

func (it *item) size() int64 {
	switch {
	case it.logged:
		return 0
	case it.e != nil:
		return int64(recordHead + 1 + SigLen + len(it.e.Raw))
	default:
		return int64(recordHead + 64 + max(len(it.sig), SigLen))
	}
}

// enqueue puts an item in the youngest group; mu is held.
func (j *Journal) enqueue(it *item) *commit {
	var g *commit
	if n := len(j.groups); n > 0 && j.groups[n-1].size < maxGroup {
		g = j.groups[n-1]
	} else {
		g = &commit{size: groupHead, done: make(chan struct{})}
		j.groups = append(j.groups, g)
	}
	g.items = append(g.items, it)
	g.size += it.size()
	j.unsynced += int(it.size())
	return g
}

// wait returns when a group is delivered or dropped; mu is held, and let go of meanwhile. The first who waits for a group
// leads whatever has to be synced up to it; the others must not need mu to be told.
func (j *Journal) wait(g *commit) error {
	if g.ended || g.led.CompareAndSwap(false, true) {
		return j.steer(g)
	}
	g.followers++
	j.mu.Unlock()
	<-g.done
	j.mu.Lock()
	return g.err
}

// steer leads until a group is delivered or dropped; mu is held.
func (j *Journal) steer(g *commit) error {
	for !g.ended {
		if !j.syncing && len(j.groups) > 0 && j.failed == nil {
			j.lead()
		} else {
			j.turn.Wait()
		}
	}
	return g.err
}

// youngest gives the last group that is not delivered, or nil; mu is held.
func (j *Journal) youngest() *commit {
	if n := len(j.groups); n > 0 {
		return j.groups[n-1]
	}
	if n := len(j.flying); n > 0 {
		return j.flying[n-1]
	}
	return nil
}

// drain waits for all that is admitted; mu is held.
func (j *Journal) drain() error {
	if g := j.youngest(); g != nil {
		return j.wait(g)
	}
	return nil
}

// lead makes the oldest group durable and delivers it. mu is held, and let go of meanwhile: the next group may be collected
// while this one syncs, and sync while this one is delivered.
func (j *Journal) lead() {
	g := j.groups[0]
	j.groups = j.groups[1:]
	j.flying = append(j.flying, g)
	j.syncing = true
	j.mu.Unlock()
	mark, err := j.write(g)
	j.mu.Lock()
	j.syncing = false
	if err != nil && j.failed == nil {
		j.failed = err
	}
	j.turn.Broadcast()
	for j.flying[0] != g {
		j.turn.Wait()
	}
	if err == nil && !j.dropped {
		err = j.deliver(g, mark)
	}
	if err != nil && j.failed == nil {
		j.failed = err
	}
	if err != nil || j.dropped {
		j.drop()
	}
	j.end(g)
	j.flying = j.flying[1:]
	j.turn.Broadcast()
}

// write signs, appends and syncs a group. mu is not held; the log is this leader's.
func (j *Journal) write(g *commit) (Mark, error) {
	if err := sign(g.items); err != nil {
		return Mark{}, err
	}
	at, err := j.w.place(g.size)
	if err != nil {
		return Mark{}, err
	}
	b := newGroup(j.w.id, at, j.w.room)
	for _, it := range g.items {
		switch {
		case it.logged:
		case it.e != nil:
			it.place = b.add(it.kind, deltaParts(it.e)...)
		case it.kind == recordWitness, it.kind == recordProof:
			it.place = b.add(it.kind, it.c.id[:], it.id[:], it.sig)
		default:
			it.place = b.add(it.kind, it.c.id[:])
		}
	}
	if j.w.room = b.buf; cap(b.buf) > maxRoom {
		j.w.room = nil
	}
	if b.count == 0 {
		return j.w.last, nil
	}
	g.wrote = true
	return j.w.append(b, 0)
}

// sign signs the last delta of each chain that is written here, and at least one in MaxRun deltas or MaxRunBytes.
func sign(items []*item) error {
	type stretch struct {
		count, bytes int
		last         *item
	}
	open := make(map[uint64]*stretch, 1)
	var order []*stretch
	ctxs := make(map[*context]uint64, 1)
	put := func(it *item) error {
		sig, err := signID(it.signer, it.e.ID)
		it.e.Sig = sig
		return err
	}
	for _, it := range items {
		if it.signer == nil {
			continue
		}
		if it.kind == recordWitness {
			sig, err := signID(it.signer, it.id)
			if err != nil {
				return err
			}
			it.sig = sig
			continue
		}
		if _, ok := ctxs[it.c]; !ok {
			ctxs[it.c] = uint64(len(ctxs)) << 32
		}
		key := ctxs[it.c] | uint64(it.chain)
		s := open[key]
		if s == nil {
			s = new(stretch)
			open[key] = s
			order = append(order, s)
		}
		// The distance counts what stands before the signed delta, so the one before it is signed when this one is too far.
		if s.count > 0 && (s.count+1 > MaxRun || s.bytes > MaxRunBytes) {
			if err := put(s.last); err != nil {
				return err
			}
			s.count, s.bytes = 0, 0
		}
		s.count, s.bytes, s.last = s.count+1, s.bytes+len(it.e.Raw), it
	}
	for _, s := range order {
		if err := put(s.last); err != nil {
			return err
		}
	}
	return nil
}

// deliver tells of a synced group, in log order: index, graph, observer. mu is held, and let go of meanwhile.
func (j *Journal) deliver(g *commit, mark Mark) error {
	j.mu.Unlock()
	var batch []Located
	for _, it := range g.items {
		if it.e != nil && j.indexed { // one that waited is in the log already, and its place is in the index
			batch = append(batch, Located{ID: it.e.ID, Place: it.place, Context: it.c.id, Entry: it.e})
		}
	}
	var err error
	if len(batch) > 0 {
		err = j.o.Index.Put(batch, mark)
	}
	j.mu.Lock()
	if err != nil {
		return fmt.Errorf("dag: index: %w", err)
	}
	j.synced = mark
	for _, it := range g.items {
		if !it.logged {
			j.records++
		}
	}
	told := make(map[*context][]*Entry, 1)
	var order []*context
	for _, it := range g.items {
		c := it.c
		switch {
		case it.e != nil:
			c.synced = it.node + 1
			c.g.node(it.node).place = pack(it.place)
			if it.e.Sig != nil {
				c.g.witnessed(it.node)
			} else if _, ok := c.proofs[it.e.ID]; ok {
				c.g.halfWitnessed(it.node)
			}
			if told[c] == nil {
				order = append(order, c)
			}
			told[c] = append(told[c], it.e)
		case it.kind == recordWitness:
			c.sigs[it.id] = it.sig
			c.g.witnessed(it.node)
		case it.kind == recordProof:
			c.noteProof(it.id, it.rest, it.place)
			c.g.halfWitnessed(it.node)
		}
	}
	j.mu.Unlock()
	for _, c := range order {
		j.o.Observer.Synced(c.id, told[c], mark)
	}
	j.mu.Lock()
	return nil
}

// end lets the waiters of a group go; mu is held.
func (j *Journal) end(g *commit) {
	g.ended = true
	for _, it := range g.items {
		j.unsynced -= int(it.size())
	}
	if j.dropped && g.err == nil {
		g.err = fmt.Errorf("dag: %w: %w", ErrNotWritten, j.failed)
		if g.wrote {
			g.err = fmt.Errorf("dag: %w: %w", ErrUnknownOutcome, j.failed)
		}
	}
	close(g.done)
}

// drop takes everything that is admitted and not delivered out of memory; mu is held, and let go of meanwhile.
func (j *Journal) drop() {
	if j.dropped {
		return
	}
	j.dropped = true
	all := append(j.flying[:len(j.flying):len(j.flying)], j.groups...)
	for k := len(all) - 1; k >= 0; k-- {
		for i := len(all[k].items) - 1; i >= 0; i-- {
			if it := all[k].items[i]; it.e != nil {
				it.c.g.undo(it.e.Delta)
			}
		}
	}
	j.endChains()
	waiting := j.groups
	j.groups = nil
	failed := errors.Join(j.failed)
	j.mu.Unlock()
	j.o.Observer.Failed(failed)
	j.mu.Lock()
	for _, g := range waiting {
		j.end(g)
	}
}
