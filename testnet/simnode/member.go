package simnode

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/merograph/merograph/components/store"
	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/opsets/replicate"
	"github.com/merograph/merograph/sim"
)

// member is an honest node: its home, and while it is up its journal and its store.
type member struct {
	home
	n       *sim.Node
	journal *dag.Journal // nil while the node is down, and when it did not open
	kv      *store.KV
	told    map[dag.ID]bool // admitted in this life
	shown   map[dag.ID]bool // chains of its own of which a peer has shown it what it lacked, in this life
	takes   bool            // in what others sent
	full    bool            // the disk
	live    bool            // the journal has opened, and what it tells is news
	wrong   [rules]error    // the first thing that may not happen, by rule
}

// A rule is one that a node is held to at every moment.
type rule uint8

const (
	durable rule = iota
	causal
	chained
	working
	rules
)

var (
	_ replicate.Log = (*member)(nil)
	_ store.View    = (*member)(nil)
)

func of(n *sim.Node) *member { return n.Kept.(*member) }

func newMember(n *sim.Node) *member {
	return &member{n: n, home: home{mem: memory{MemDisk: dag.NewMemDisk()}, signer: dag.NewSigner(n.Key()), held: map[dag.ID]bool{}}}
}

// blame keeps the first error against a rule.
func (m *member) blame(r rule, format string, args ...any) {
	if m.wrong[r] == nil {
		m.wrong[r] = fmt.Errorf(format, args...)
	}
}

// open opens the journal and folds the store. A journal that does not open has the node try again later.
func (m *member) open() {
	w := m.n.World()
	m.told, m.shown, m.live, m.journal, m.kv = map[dag.ID]bool{}, map[dag.ID]bool{}, false, nil, nil
	present, err := store.New(&table{})
	if err != nil {
		m.fails("open the store", err)
		return
	}
	m.ends = map[dag.ID]uint64{}
	j, rec, err := dag.Open(&m.mem, dag.Options{Index: present, Observer: present, Wall: m.n.Wall, Rand: m.n.Entropy("journal"), SegmentBytes: 4 << 20})
	if err != nil {
		if m.begun && errors.Is(err, errFull) {
			m.blame(working, "a full disk keeps the history from being read: %w", err)
		}
		m.fails("open the log", err)
		return
	}
	m.journal = j
	present.Opened(j.Contexts(), func(dag.ID) []store.View { return []store.View{m} })
	m.recall()
	r := shared(w)
	if !m.begun && m.n.Index() == 0 {
		err = m.found()
	} else if !slices.Contains(j.Contexts(), r.ctx) {
		err = j.Join(r.ctx)
	}
	m.begun = true
	m.kv = present.KV(j, m.signer, r.ctx)
	m.recovered(rec)
	m.live, m.stopped = true, false
	if err != nil {
		m.fails("begin", err)
	}
}

// recall takes note of what the log held when it opened, of which a view is not told.
func (m *member) recall() {
	for _, ctx := range m.journal.Contexts() {
		var all []*dag.Entry
		if err := m.journal.Each(ctx, func(e *dag.Entry) error {
			all = append(all, e)
			m.Admitted(e)
			return nil
		}); err != nil {
			m.fails("read the log", err)
		}
		m.Synced(all)
	}
}

// recovered holds what was found on the disk to what was there.
func (m *member) recovered(rec dag.Recovery) {
	w := m.n.World()
	named := rec.Cut || len(rec.Damage) > 0
	if len(rec.Damage) > 0 && !m.rotten {
		m.blame(durable, "damage where nothing rotted, after restart %d: %+v", m.n.Restarts(), rec.Damage)
	}
	if m.moved && rec.Clean && !rec.Copied {
		m.blame(chained, "a home that was copied or put back is taken for the one that was closed")
	}
	var gone []dag.ID
	for _, id := range sorted(m.held) {
		if m.journal.Has(id) {
			continue
		}
		if gone = append(gone, id); !m.rotting[id] || !named {
			m.blame(durable, "%v was synced here and is gone after restart %d: %+v", id, m.n.Restarts(), rec)
		}
	}
	m.rotting = nil
	for _, id := range gone {
		delete(m.held, id)
	}
	m.lose(gone)
	m.moved = false
	for name, reached := range map[string]bool{sometimesDamage: len(rec.Damage) > 0, sometimesCopied: rec.Copied, sometimesTorn: rec.Cut && !m.rotten} {
		if reached {
			w.Reached(name)
		}
	}
}

// lose notes what is on no disk of an honest node any more.
func (m *member) lose(gone []dag.ID) {
	w := m.n.World()
	for _, id := range gone {
		other := slices.ContainsFunc(w.Nodes(), func(n *sim.Node) bool {
			return !n.Hostile() && n.Kept != nil && of(n).held[id]
		})
		if !other {
			shared(w).lost[id] = true
		}
	}
}

// fails ends a program whose disk has failed; without a fault of disks none may.
func (m *member) fails(what string, err error) {
	if p := m.n.World().Plan(); p.Disk == 0 {
		m.blame(working, "%s: %w", what, err)
	}
	m.n.World().Reached(sometimesFailed)
	m.n.Quit()
}

// Digest implements replicate.Log.
func (m *member) Digest() dag.ID {
	if m.journal == nil {
		return dag.ID{}
	}
	return m.journal.Digest(shared(m.n.World()).ctx)
}

// Tips implements replicate.Log.
func (m *member) Tips() []dag.Tip {
	if m.journal == nil {
		return nil
	}
	return m.journal.Tips(shared(m.n.World()).ctx)
}

// Lacks implements replicate.Log.
func (m *member) Lacks(ids []dag.ID) bool {
	return m.journal != nil && slices.ContainsFunc(ids, func(id dag.ID) bool { return !m.journal.Has(id) })
}

// Have implements replicate.Log.
func (m *member) Have() []dag.Tip {
	if m.journal == nil {
		return nil
	}
	return m.journal.Have(shared(m.n.World()).ctx)
}

var errNoLog = errors.New("the log is not open")

// Serve implements replicate.Log.
func (m *member) Serve(_ context.Context, h replicate.Have) (replicate.Pages, error) {
	if m.journal == nil {
		return replicate.Pages{}, errNoLog
	}
	w := m.n.World()
	p, err := replicate.ServeFrom(m.journal, shared(w).ctx, h, 1+m.n.RandN("lot", 64))
	if len(p.Page) > 0 {
		w.Reached(sometimesPage)
	}
	if err != nil {
		m.blame(working, "serve: %w", err)
	}
	return p, err
}

// Part implements replicate.Log.
func (m *member) Part(_ context.Context, l replicate.Lot) (replicate.Part, error) {
	if m.journal == nil {
		return replicate.Part{}, errNoLog
	}
	p, err := replicate.PartFrom(m.journal, shared(m.n.World()).ctx, l)
	if err != nil && graph.ReasonOf(err) != graph.Malformed && !errors.Is(err, dag.ErrTooLarge) {
		m.blame(working, "part: %w", err)
	}
	return p, err
}

// Recent implements replicate.Log.
func (m *member) Recent() []dag.ID {
	if m.journal == nil {
		return nil
	}
	return m.journal.Recent(shared(m.n.World()).ctx, dag.MaxBack)
}

// Back implements replicate.Log.
func (m *member) Back(_ context.Context, g replicate.Gap) (replicate.Batch, error) {
	if m.journal == nil {
		return replicate.Batch{}, errNoLog
	}
	page, err := m.journal.ServeBack(shared(m.n.World()).ctx, g.Missing, g.Known, dag.MaxBack, replicate.MaxPage)
	if err != nil {
		m.blame(working, "serve back: %w", err)
	}
	return replicate.Batch{Page: page}, err
}

// Ingest implements replicate.Log.
func (m *member) Ingest(_ context.Context, b replicate.Batch) (replicate.Intake, error) {
	if len(b.Page) == 0 {
		return replicate.Intake{}, nil
	}
	if m.journal == nil {
		return replicate.Intake{}, errNoLog
	}
	w := m.n.World()
	m.takes = true
	in, err := m.journal.Ingest(shared(w).ctx, b.Page)
	m.takes = false
	if err != nil {
		m.fails("ingest", err)
		return replicate.Intake{}, err
	}
	took := replicate.IntakeOf(in)
	for _, r := range in.Refused {
		if r.Reason != dag.WaitingFull && !w.Plan().Hostile {
			m.blame(working, "refused where nobody is hostile: %v", r)
		}
		w.Reached(sometimesRefused)
	}
	if shared(w).pages[sha256.Sum256(b.Page)] && in.Admitted > 0 {
		w.Reached(sometimesGossip)
	}
	if len(took.Missing) > 0 {
		w.Reached(sometimesMissing)
	}
	return took, nil
}

// Admitted implements store.View: each delta once in a life, after its past.
func (m *member) Admitted(e *dag.Entry) {
	if m.told[e.ID] {
		m.blame(causal, "%v is applied twice", e.ID)
	}
	if d := e.Delta; !d.Prev.IsZero() && !m.told[d.Prev] {
		m.blame(causal, "%v is applied before its prev %v", e.ID, d.Prev)
	}
	for _, p := range e.Delta.Parents {
		if !m.told[p] {
			m.blame(causal, "%v is applied before its parent %v", e.ID, p)
		}
	}
	m.told[e.ID] = true
	if chain := e.Delta.ChainOf(e.ID); m.live && e.Delta.Author == m.signer.Public() {
		if m.shown[chain] = m.shown[chain] || m.takes; m.shown[chain] && !m.takes {
			m.blame(chained, "%v goes on with a chain of which a peer has shown what was lacked", e.ID)
		}
	}
}

// Synced implements store.View: it is on the disk from now on, has its place in its chain, and is published when it is one's own.
func (m *member) Synced(entries []*dag.Entry) {
	w := m.n.World()
	r := shared(w)
	var own []*dag.Entry
	for _, e := range entries {
		m.held[e.ID] = true
		at := place{e.Delta.ChainOf(e.ID), e.Delta.Seq}
		if other, ok := r.places[at]; ok && other != e.ID && r.honest[e.Delta.Author] {
			if w.Reached(sometimesFork); !r.mayFork(at) {
				m.blame(chained, "%v and %v have one place, %d of the chain %v of an honest author", other, e.ID, at.seq, at.chain)
			}
		}
		r.places[at] = e.ID
		if e.Delta.Author == m.signer.Public() {
			own = append(own, e)
			m.ends[at.chain] = max(m.ends[at.chain], at.seq)
		}
	}
	if !m.live || !m.n.Up() {
		return
	}
	for _, run := range dag.Runs(own) {
		page, err := m.journal.Batch(run)
		if err != nil || len(page) > replicate.MaxBatch {
			m.blame(working, "a run of %d deltas makes no batch: %v", len(run), err)
			continue
		}
		r.pages[sha256.Sum256(page)] = true
		graph.Submit(m.n.Instance(), "publish", replicate.Batch{Page: page}, 10*time.Second, func(graph.Done, error) {})
	}
}

// Failed implements store.View.
func (m *member) Failed(err error) { m.fails("sync", err) }

func sorted(ids map[dag.ID]bool) []dag.ID { return slices.SortedFunc(maps.Keys(ids), dag.ID.Compare) }
