package dag

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
)

// TestRule3_1_Campaign drives journals over disks that crash, rot, fill up, fail, are set back and are cloned, one course of
// events for each seed, and holds them to done-when 1 and 2: what was acknowledged is there, or the damage is named with its
// place; nothing is applied that nobody wrote; no chain has a place twice; what any home holds comes back to all. DAG_SEEDS sets
// how many seeds (100), DAG_SEED tries one.
func TestRule3_1_Campaign(t *testing.T) {
	seeds := 100
	if testing.Short() {
		seeds = 20
	}
	if n, err := strconv.Atoi(os.Getenv("DAG_SEEDS")); err == nil {
		seeds = n
	}
	from := 0
	if n, err := strconv.Atoi(os.Getenv("DAG_SEED")); err == nil {
		from, seeds = n, 1
	}
	seen := map[string]int{}
	for seed := from; seed < from+seeds && !t.Failed(); seed++ {
		c := newCampaign(t, uint64(seed), seen)
		c.run()
	}
	if seeds < 100 {
		return
	}
	for _, probe := range []string{"acknowledged", "crash", "torn tail", "damage named", "lost and named", "failed sync", "failed write", "not written",
		"full disk", "second segment", "restored", "put back", "forked", "cloned", "copied", "copied in parts", "index rebuilt", "came back", "accepted", "not accepted"} {
		if seen[probe] == 0 && (probe != "forked" || seeds >= 1000) {
			t.Errorf("no seed reached %q: %v", probe, seen)
		}
	}
	t.Logf("%d seeds: %v", seeds, seen)
}

// campaign is one seed's course.
type campaign struct {
	t      *testing.T
	seed   uint64
	rnd    *rand.Rand
	mend   *rand.Rand // of what follows damage
	w      *world
	ctx    ID
	homes  []*lived
	made   map[ID]bool
	at     map[chainSeq]ID
	forks  bool // a disk was set back with its stamp, so a chain may have forked
	big    bool // payloads fill segments
	kinds  [kindsOfEvent]bool
	probes map[string]int
}

type chainSeq struct {
	chain ID
	seq   uint64
}

// lived is one home of a campaign.
type lived struct {
	name   string
	signer Signer
	disk   *MemDisk
	index  *memIndex
	j      *Journal
	acked  map[ID]bool
	pend   []*Pending
	rotten bool // something rotted here
	mended bool // and was accepted, and nothing rotted since
	ahead  bool // the index is of a later time than the log
	saved  []image
}

// image is a disk as it was.
type image struct {
	disk  *MemDisk
	index *memIndex
	acked map[ID]bool
}

func newCampaign(t *testing.T, seed uint64, probes map[string]int) *campaign {
	c := &campaign{t: t, seed: seed, rnd: rand.New(rand.NewPCG(seed, 1)), mend: rand.New(rand.NewPCG(seed, 2)), w: newWorld(seed), made: map[ID]bool{},
		at: map[chainSeq]ID{}, probes: probes}
	for k := range c.kinds {
		c.kinds[k] = k < faultsFrom || c.rnd.IntN(2) == 0
	}
	c.big = c.rnd.IntN(24) == 0
	for _, name := range []string{"alice", "bob"} {
		h := &lived{name: name, signer: person(name), disk: NewMemDisk(), index: NewMemIndex().(*memIndex), acked: map[ID]bool{}}
		c.homes = append(c.homes, h)
		h.j, _ = open(c, h.disk, c.options(h))
	}
	a, b := c.homes[0], c.homes[1]
	c.ctx = must(a.j.Found(a.signer, Grant{Keys: []Key{b.signer.Public()}}))
	c.made[c.ctx], a.acked[c.ctx] = true, true
	if err := b.j.Join(c.ctx); err != nil {
		c.Fatalf("join: %v", err)
	}
	c.pull(b, a)
	return c
}

func (c *campaign) Helper() { c.t.Helper() }

// Fatalf names the seed.
func (c *campaign) Fatalf(format string, args ...any) {
	c.t.Helper()
	c.t.Fatalf("seed %d (DAG_SEED=%[1]d): %s", c.seed, fmt.Sprintf(format, args...))
}

func (c *campaign) options(h *lived) Options {
	o := c.w.options()
	o.Index = h.index
	return o
}

func (c *campaign) run() {
	for range 20 + c.rnd.IntN(40) {
		k := event(c.rnd.IntN(int(kindsOfEvent)))
		if c.kinds[k] {
			c.do(k, c.homes[c.rnd.IntN(len(c.homes))])
		}
	}
	c.converge()
}

// reopen opens a home whose journal is closed or dead, and holds it to what it owes.
func (c *campaign) reopen(h *lived) {
	h.pend = nil
	switch c.rnd.IntN(4) {
	case 0: // the index never reached the disk
		h.index = NewMemIndex().(*memIndex)
		h.ahead = false
	case 1: // or it stopped earlier
		if n := len(h.saved); n > 0 {
			h.index = h.saved[n-1].index.clone()
			h.ahead = false
		}
	}
	var rec Recovery
	h.j, rec = open(c, h.disk, c.options(h))
	if os.Getenv("DAG_SEED") != "" {
		c.t.Logf("%s opens: %+v", h.name, rec)
	}
	c.probe("index rebuilt", rec.Rebuilt)
	c.probe("copied", rec.Copied)
	c.probe("torn tail", rec.Cut)
	c.probe("damage named", len(rec.Damage) > 0)
	if len(rec.Damage) > 0 && (!h.rotten || h.mended) && !h.ahead {
		c.Fatalf("%s has damage and nothing rotted: %+v", h.name, rec)
	}
	if rec.Cut && rec.Reason == "" || slices.ContainsFunc(rec.Damage, func(d Damage) bool { return d.Reason == "" || d.Segment < 0 || d.Offset < 0 }) {
		c.Fatalf("%s does not say what is damaged: %+v", h.name, rec)
	}
	lost := 0
	for _, id := range sorted(slices.Collect(maps.Keys(h.acked))) {
		if e, ok, err := h.j.Get(id); err != nil || !ok || HashID(e.Raw) != id {
			lost++
			delete(h.acked, id)
		}
	}
	c.probe("lost and named", lost > 0)
	if lost > 0 && (!h.rotten || !rec.Cut && len(rec.Damage) == 0) {
		c.Fatalf("%s lost %d acknowledged deltas (rotten %v): %+v", h.name, lost, h.rotten, rec)
	}
	if !slices.Contains(h.j.Contexts(), c.ctx) {
		if err := h.j.Join(c.ctx); err != nil {
			c.Fatalf("join: %v", err)
		}
	}
	err := h.j.Each(c.ctx, func(e *Entry) error {
		if !c.made[e.ID] {
			c.Fatalf("%s holds %v, which nobody wrote", h.name, e.ID)
		}
		c.owe(h, e)
		return nil
	})
	if err != nil {
		c.Fatalf("%s: %v", h.name, err)
	}
	if h.ahead = false; c.rnd.IntN(2) == 0 {
		c.write(h)
		c.flush(h)
	}
}

// write admits one delta.
func (c *campaign) write(h *lived) {
	size := c.rnd.IntN(3 * Sector)
	if c.big {
		size = c.rnd.IntN(MaxPayload - 20)
	}
	payload := strconv.AppendInt(make([]byte, size), int64(len(c.made)), 10)
	p, err := h.j.Write(c.ctx, h.signer, Edit{Kind: KindData, Payload: payload})
	switch {
	case errors.Is(err, ErrNotMember), errors.Is(err, ErrNoGenesis): // the grant, or more, is lost here and not back yet
		return
	case err != nil && p == nil:
		c.Fatalf("%s cannot write: %v", h.name, err)
	}
	e := p.Entry()
	c.made[e.ID] = true
	h.pend = append(h.pend, p)
}

// owe notes that a delta was answered or told of at a home; what never was may be gone, and its place taken by another.
func (c *campaign) owe(h *lived, e *Entry) {
	h.acked[e.ID] = true
	place := chainSeq{e.Delta.ChainOf(e.ID), e.Delta.Seq}
	if old, ok := c.at[place]; ok && old != e.ID && !c.forks {
		c.Fatalf("%s has %v at a place of its chain that %v has", h.name, e.ID, old)
	}
	c.at[place] = e.ID
}

// flush waits for all that is pending; what was answered is owed from then on.
func (c *campaign) flush(h *lived) error {
	for _, p := range h.pend {
		if _, err := p.Wait(); err != nil {
			if !errors.Is(err, ErrUnknownOutcome) && !errors.Is(err, ErrNotWritten) {
				c.Fatalf("%s: %v", h.name, err)
			}
			return err
		}
		c.owe(h, p.Entry())
		c.probe("acknowledged", true)
	}
	h.pend = nil
	c.probe("second segment", h.j.Stats().Segments > 1)
	return nil
}

func (c *campaign) pull(to, from *lived) {
	for {
		page, _, err := from.j.Serve(c.ctx, to.j.Have(c.ctx), MaxPage)
		if errors.Is(err, ErrDamaged) && from.rotten {
			return // it finds out at its next start
		}
		if err != nil {
			c.Fatalf("%s serves: %v", from.name, err)
		}
		if page == nil {
			return
		}
		got := feed(c, to.j, c.ctx, page)
		for _, id := range got.NewIDs {
			to.acked[id] = true
		}
		if len(got.Refused) > 0 && got.Refused[0].Reason != WaitingFull {
			c.Fatalf("%s refuses what %s serves: %v", to.name, from.name, got.Refused)
		}
		if got.Admitted == 0 {
			return
		}
	}
}

// converge starts every home once more, lets them exchange all they have, and compares. After rot the signature of a run may
// be lost wherever it was; what stands on it cannot be handed on, so only what some home can prove must be on all.
func (c *campaign) converge() {
	rotten := false
	for _, h := range c.homes {
		c.flush(h)
		closeJ(c, h.j)
		c.reopen(h)
		c.write(h) // after damage it signs again what it wrote
		c.flush(h)
		rotten = rotten || h.rotten
	}
	for range 3 {
		for _, to := range c.homes {
			for _, from := range c.homes {
				before := len(all(c, to.j, c.ctx))
				c.pull(to, from)
				c.probe("came back", to.rotten && len(all(c, to.j, c.ctx)) > before)
			}
		}
	}
	provable := map[ID]bool{}
	for _, h := range c.homes {
		for id := range c.provable(h) {
			provable[id] = true
		}
	}
	for _, h := range c.homes {
		for id := range provable {
			if !h.j.Has(id) {
				c.Fatalf("%s lacks %v, which another home holds with its proof", h.name, id)
			}
		}
		if !rotten {
			same(c, c.homes[0].j, h.j, c.ctx)
		}
		c.probe("forked", h.j.Stats().Contexts[0].Forks > 0)
	}
	for _, h := range c.homes {
		closeJ(c, h.j)
	}
}

// provable gives what a home holds with a witness, on a past that it can prove as well.
func (c *campaign) provable(h *lived) map[ID]bool {
	g := h.j.ctxs[c.ctx].g
	good := map[ID]bool{{}: true}
	err := h.j.Each(c.ctx, func(e *Entry) error {
		ok := g.node(g.held(e.ID)).witness && good[e.Delta.Prev]
		for _, p := range e.Delta.Parents {
			ok = ok && good[p]
		}
		good[e.ID] = ok
		return nil
	})
	if err != nil {
		c.Fatalf("%s: %v", h.name, err)
	}
	maps.DeleteFunc(good, func(id ID, ok bool) bool { return !ok || id.IsZero() })
	return good
}

func (c *campaign) probe(name string, reached bool) {
	if reached {
		c.probes[name]++
	}
}

func (x *memIndex) clone() *memIndex {
	return &memIndex{places: maps.Clone(x.places), mark: x.mark}
}
