package replicate

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/sim"
)

// Scenario is one context, which node 0 founds and in which every node has a grant. Each writes a few times, some writes
// being bursts; the journals are real, on disks that keep at a crash what was synced.
var Scenario = scenarioOf(6)

// ScenarioPrivate is Scenario in a context that is not public. A node has more neighbours than it pushes to.
var ScenarioPrivate = privateScenario()

func privateScenario() sim.Scenario {
	s := Scenario
	s.Name, s.Graph, s.Degree = private, Private, mostPushes+3
	s.Bind = func(n *sim.Node) []graph.Option {
		var members []graph.Peer
		for _, m := range n.World().Nodes() {
			members = append(members, m.ID())
		}
		slices.Sort(members)
		return append(bind(n), graph.Bind("members", graph.NewFeed(members)))
	}
	s.Hostile = func(n *sim.Node) sim.Program { return hostile(n, true) }
	s.Properties = slices.DeleteFunc(slices.Clone(s.Properties), func(p sim.Property) bool { return p.Name == sometimesRejected })
	s.Properties = append(s.Properties, sim.EachNode("nobody honest is shunned", shunsLiars),
		sim.Property{Name: sometimesShunned, Kind: sim.Sometimes, Check: shunned}, sim.Property{Name: sometimesNamed, Kind: sim.Sometimes})
	return s
}

// scenarioOf is the scenario with a number of writes for each node.
func scenarioOf(writes int) sim.Scenario {
	return sim.Scenario{
		Name:       "replicate",
		Graph:      Protocol,
		Bind:       bind,
		Script:     func(w *sim.World) { script(w, writes) },
		OnCrash:    func(n *sim.Node) { kept(n).disk.Crash(); kept(n).journal = nil },
		Hostile:    func(n *sim.Node) sim.Program { return hostile(n, false) },
		Sent:       sent,
		Received:   received,
		Properties: properties,
	}
}

// member is what a node of the scenario keeps, and what the properties ask about it.
type member struct {
	n       *sim.Node
	disk    *dag.MemDisk
	journal *dag.Journal // nil while the node is down
	ctx     dag.ID
	signer  dag.Signer
	near    map[graph.Peer]bool // who was ever a neighbour
	acked   []acked
	in      map[dag.ID]bool // what the journal that is open has admitted
	wrong   error           // the first thing that may not happen
	fetched int             // deltas in the answers to its fetches
}

// acked is an acknowledged write.
type acked struct {
	id dag.ID
	at graph.Time // of the world
}

var _ Log = (*member)(nil)

func kept(n *sim.Node) *member { return n.Kept.(*member) }

// honest gives the nodes that keep to the protocol.
func honest(w *sim.World) []*sim.Node {
	return slices.DeleteFunc(slices.Clone(w.Nodes()), (*sim.Node).Hostile)
}

// Admitted implements dag.Observer: each delta is admitted once, after its past.
func (m *member) Admitted(_ dag.ID, e *dag.Entry) {
	if m.in[e.ID] {
		m.blame(fmt.Errorf("%v is admitted twice", e.ID))
	}
	for _, p := range append(e.Delta.Parents[:len(e.Delta.Parents):len(e.Delta.Parents)], e.Delta.Prev) {
		if !p.IsZero() && !m.in[p] {
			m.blame(fmt.Errorf("%v is admitted before %v, which it stands on", e.ID, p))
		}
	}
	m.in[e.ID] = true
}

// Synced implements dag.Observer.
func (m *member) Synced(dag.ID, []*dag.Entry, dag.Mark) {}

// Failed implements dag.Observer.
func (m *member) Failed(err error) { m.blame(err) }

// blame keeps the first error.
func (m *member) blame(err error) {
	if m.wrong == nil && err != nil {
		m.wrong = err
	}
}

func bind(n *sim.Node) []graph.Option {
	first := n.Kept == nil
	if first {
		m := &member{n: n, disk: dag.NewMemDisk(), signer: dag.NewSigner(n.Key()), near: map[graph.Peer]bool{}}
		n.Kept = m
		n.Neighbours().Watch(m.meet)
		m.meet()
	}
	m := kept(n)
	m.open()
	if first {
		m.blame(m.join())
	}
	for _, a := range m.acked {
		if !m.journal.Has(a.id) {
			m.blame(fmt.Errorf("%v was acknowledged at %v and is gone after restart %d", a.id, time.Duration(a.at), n.Restarts()))
		}
	}
	return []graph.Option{graph.Bind("log", Log(m)), graph.Bind("neighbours", n.Neighbours()), graph.Bind("outbox", Outbox(m)), graph.Bind("pace", Pace{})}
}

// meet notes the neighbours.
func (m *member) meet() {
	for _, p := range m.n.Neighbours().Get() {
		m.near[p] = true
	}
}

// open opens the journal; when that fails, which it may not, the node goes on with an empty one.
func (m *member) open() {
	m.in = map[dag.ID]bool{}
	o := dag.Options{Wall: m.n.Wall, Rand: m.n.Entropy("journal"), SegmentBytes: 4 << 20, Observer: m}
	j, rec, err := dag.Open(m.disk, o)
	if err == nil && len(rec.Damage) > 0 {
		m.blame(fmt.Errorf("damage after a crash: %+v", rec.Damage))
	}
	if err != nil {
		m.blame(fmt.Errorf("the journal does not open: %w", err))
		m.disk = dag.NewMemDisk()
		if j, _, err = dag.Open(m.disk, o); err == nil {
			err = j.Join(m.ctx)
		}
		m.blame(err)
	}
	m.journal = j
}

// join founds the context on node 0, and makes it known on the others.
func (m *member) join() (err error) {
	w := m.n.World()
	if m.n.Index() > 0 {
		m.ctx = kept(w.Nodes()[0]).ctx
		return m.journal.Join(m.ctx)
	}
	keys := make([]dag.Key, len(w.Nodes()))
	for i := range keys {
		keys[i] = dag.Key(w.Nodes()[i].Key().Public().(ed25519.PublicKey))
	}
	for some := range slices.Chunk(keys, dag.MaxGrantKeys) {
		if m.ctx.IsZero() {
			m.ctx, err = m.journal.Found(m.signer, dag.Grant{Keys: some})
		} else {
			var payload []byte
			if payload, err = (dag.Grant{Keys: some}).Encode(); err == nil {
				_, err = m.journal.Write(m.ctx, m.signer, dag.Edit{Kind: dag.KindGrant, Payload: payload})
			}
		}
		if err != nil {
			return err
		}
	}
	return m.journal.Flush()
}

// Digest implements Log.
func (m *member) Digest() dag.ID { return m.journal.Digest(m.ctx) }

// Tips implements Log.
func (m *member) Tips() []dag.Tip { return m.journal.Tips(m.ctx) }

// Lacks implements Log.
func (m *member) Lacks(ids []dag.ID) bool {
	return slices.ContainsFunc(ids, func(id dag.ID) bool { return !m.journal.Has(id) })
}

// Have implements Log.
func (m *member) Have() []dag.Tip { return m.journal.Have(m.ctx) }

// Serve implements Log.
func (m *member) Serve(_ context.Context, h Have) (Pages, error) {
	p, err := ServeFrom(m.journal, m.ctx, h, 1+m.n.RandN("lot", 32))
	if len(p.Page) > 0 {
		m.n.World().Reached(sometimesPage)
	}
	return p, err
}

// Part implements Log.
func (m *member) Part(_ context.Context, l Lot) (Part, error) {
	p, err := PartFrom(m.journal, m.ctx, l)
	if len(p.Page) > 0 {
		m.n.World().Reached(sometimesPart)
	}
	return p, err
}

// Ingest implements Log.
func (m *member) Ingest(_ context.Context, b Batch) (Intake, error) {
	if len(b.Page) == 0 {
		return Intake{}, nil
	}
	in, err := m.journal.Ingest(m.ctx, b.Page)
	m.blame(err)
	for _, r := range in.Refused {
		if r.Reason != dag.WaitingFull && !m.n.World().Plan().Hostile {
			m.blame(fmt.Errorf("refused: %v", r))
		}
	}
	w := m.n.World()
	if t := w.State.(*told); in.Admitted > 0 && t.pages[sha256.Sum256(b.Page)] {
		w.Reached(sometimesGossip)
	}
	if len(in.Missing) > 0 {
		w.Reached(sometimesMissing)
	}
	if in.Admitted > 0 && w.Plan().Hostile && slices.ContainsFunc(m.journal.Stats().Contexts, func(c dag.ContextStats) bool { return c.Forks > 0 }) {
		w.Reached(sometimesFork)
	}
	return IntakeOf(in), err
}

// Recent implements Log.
func (m *member) Recent() []dag.ID { return m.journal.Recent(m.ctx, dag.MaxBack) }

// Back implements Log.
func (m *member) Back(_ context.Context, g Gap) (Batch, error) {
	page, err := m.journal.ServeBack(m.ctx, g.Missing, g.Known, dag.MaxBack, MaxPage)
	if len(page) > 0 {
		m.n.World().Reached(sometimesBack)
	}
	return Batch{page}, err
}

// Mine implements Outbox.
func (m *member) Mine() []dag.Tip { return m.journal.TipsOf(m.ctx, m.signer.Public()) }

// Theirs implements Outbox.
func (m *member) Theirs(p graph.Peer) []dag.Tip {
	w := m.n.World()
	for _, n := range w.Nodes() {
		if n.ID() == p {
			return m.journal.TipsOf(m.ctx, dag.Key(n.Key().Public().(ed25519.PublicKey)))
		}
	}
	return nil
}

// Batch implements Outbox.
func (m *member) Batch(_ context.Context, q Queued) (Batch, error) {
	mine := m.Mine()
	have := slices.DeleteFunc(m.journal.Tips(m.ctx), func(t dag.Tip) bool { return slices.Contains(mine, t) })
	page, _, err := m.journal.ServeSome(m.ctx, append(have, q.Acknowledged...), MaxPage, q.Most)
	if len(page) > 0 {
		m.n.World().Reached(sometimesDelivery)
	}
	return Batch{page}, err
}

// told is what has been published, by its hash, and what was said after all was said.
type told struct {
	pages  map[[sha256.Size]byte]bool
	loud   error
	handed map[[2]graph.Peer]bool // to whom a publication was handed over, and by whom
	named  map[[2]graph.Peer]bool // to whom something was named, and by whom
	strays error                  // what was asked back of somebody else
	idle   map[graph.Peer]int     // comparisons of each node with honest ones since there was nothing to tell
}

// fetchedIn counts the deltas in an answer.
func fetchedIn(m *graph.Message) int {
	if m.Channel == "part" {
		p, _ := graph.Decode[Part](m.Payload) // of an honest node
		return dag.PageDeltas(p.Page)
	}
	p, _ := graph.Decode[Pages](m.Payload)
	return dag.PageDeltas(p.Page)
}

// sent notes what honest nodes say to each other when they should agree: nothing but comparisons.
func sent(from, to *sim.Node, m *graph.Message) {
	if m.Kind == graph.ReplyMsg && (m.Channel == "fetch" || m.Channel == "part") && !from.Hostile() && !to.Hostile() {
		kept(to).fetched += fetchedIn(m)
	}
	t, ok := from.World().State.(*told)
	if ok {
		t.note(from, to, m)
	}
	if !ok || t.loud != nil || from.Hostile() || to.Hostile() || m.Channel == "compare" || from.World().Plan() == (sim.Plan{}) || from.World().HealedFor() < silent {
		return
	}
	t.loud = fmt.Errorf("%s sends %s a %v of %s, %v after healing", from.ID(), to.ID(), m.Kind, m.Channel, from.World().HealedFor())
}

func script(w *sim.World, writes int) {
	w.State = &told{pages: map[[sha256.Size]byte]bool{}, handed: map[[2]graph.Peer]bool{}, named: map[[2]graph.Peer]bool{}, idle: map[graph.Peer]int{}}
	for _, n := range honest(w) {
		left := writes
		w.EveryOn(n, 30*time.Second, 20*time.Second, func(n *sim.Node) {
			m := kept(n)
			if left == 0 || w.Plan() != (sim.Plan{}) && w.Healed() || !m.journal.Member(m.ctx, m.signer.Public()) {
				return
			}
			left--
			m.blame(m.write(1))
			if n.RandN("burst", 4) == 0 { // one right after the other, so that they may overtake each other
				m.blame(m.write(2 + n.RandN("burst length", 20)))
			}
		})
	}
}

// write writes some deltas in one group, waits for the sync, and has them published.
func (m *member) write(many int) error {
	var entries []*dag.Entry
	var last *dag.Pending
	for range many {
		payload := make([]byte, 8+m.n.RandN("size", 500))
		binary.BigEndian.PutUint64(payload, m.n.Rand("payload"))
		p, err := m.journal.Write(m.ctx, m.signer, dag.Edit{Kind: dag.KindData, Payload: payload})
		if err != nil {
			return err
		}
		last, entries = p, append(entries, p.Entry())
	}
	if _, err := last.Wait(); err != nil {
		return err
	}
	w := m.n.World()
	for _, e := range entries {
		m.acked = append(m.acked, acked{e.ID, w.Now()})
	}
	for _, run := range dag.Runs(entries) {
		page, err := m.journal.Batch(run)
		if err != nil {
			return err
		}
		w.State.(*told).pages[sha256.Sum256(page)] = true
		graph.Submit(m.n.Instance(), "publish", Batch{page}, 10*time.Second, func(_ graph.Done, err error) {
			if graph.ReasonOf(err) != graph.Lost { // the node crashed
				m.blame(err)
			}
		})
	}
	return nil
}
