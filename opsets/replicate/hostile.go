package replicate

import (
	"fmt"
	"slices"
	"time"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/sim"
)

// A villain is a member with a valid key that keeps to nothing. It has three journals of one chain, so what it writes forks.
type villain struct {
	call    uint64
	ctx     dag.ID
	signer  dag.Signer
	ones    [3]*dag.Journal // nil until it knows the genesis; of the last nobody else has the beginning
	written [][]byte        // pages, some of which it keeps from the others
	mood    int
	private bool // its context: it pushes what it would publish
}

// hostile makes one node in eight of a larger network a villain.
func hostile(n *sim.Node, private bool) sim.Program {
	if len(n.World().Nodes()) < 8 || n.Index()%8 != 5 {
		return nil
	}
	return &villain{signer: dag.NewSigner(n.Key()), private: private}
}

// Start implements sim.Program.
func (v *villain) Start(n *sim.Node) {
	n.After(time.Duration(1+n.RandN("idle", int(8*time.Second))), func(n *sim.Node) {
		all := n.World().Nodes()
		v.mood = n.Fault("mood", moody)
		v.act(n, all[n.RandN("victim", len(all))].ID())
		v.Start(n)
	})
}

// learn takes the genesis, and whatever else a founder would serve, from node 0, which is never hostile; then it copies its home.
func (v *villain) learn(n *sim.Node) error {
	founder := kept(n.World().Nodes()[0])
	if v.ones[0] != nil || founder.journal == nil {
		return nil
	}
	page, _, err := founder.journal.Serve(founder.ctx, nil, MaxPage)
	if err != nil {
		return err
	}
	v.ctx = founder.ctx
	disk := dag.NewMemDisk()
	o := dag.Options{Wall: n.Wall, Rand: n.Entropy("journal"), SegmentBytes: 4 << 20}
	first, _, err := dag.Open(disk, o)
	if err != nil {
		return err
	}
	if err := first.Join(v.ctx); err != nil {
		return err
	}
	if _, err := first.Ingest(v.ctx, page); err != nil || !first.Member(v.ctx, v.signer.Public()) {
		return err
	}
	if err := v.write(first, 1); err != nil { // the chain begins before the home is copied
		return err
	}
	if err := first.Close(); err != nil {
		return err
	}
	for i, d := range []*dag.MemDisk{disk.Backup(), disk, disk.Backup()} {
		if v.ones[i], _, err = dag.Open(d, o); err != nil {
			return err
		}
	}
	return nil
}

// write writes deltas in one journal.
func (v *villain) write(j *dag.Journal, many int) error {
	var entries []*dag.Entry
	for range many {
		p, err := j.Write(v.ctx, v.signer, dag.Edit{Kind: dag.KindData, Payload: []byte{byte(len(v.written))}})
		if err != nil {
			return err
		}
		if _, err := p.Wait(); err != nil {
			return err
		}
		entries = append(entries, p.Entry())
	}
	for _, run := range dag.Runs(entries) {
		page, err := j.Batch(run)
		if err != nil {
			return err
		}
		v.written = append(v.written, page)
	}
	return nil
}

// acts are what a villain does; some are allowed.
const acts = 12

func (v *villain) act(n *sim.Node, to graph.Peer) {
	form := n.Fault("act", acts)
	if form == 0 {
		return
	}
	if err := v.learn(n); err != nil {
		panic(fmt.Sprintf("replicate: the villain %s: %v", n.ID(), err))
	}
	switch form {
	case 1:
		v.tell(n, to, []byte("garbage"))
	case 2:
		if page := v.some(n); len(page) > 0 {
			page[n.RandN("bit", len(page))] ^= 1
			v.tell(n, to, page)
		}
	case 3:
		for range 30 {
			ask(v, n, to, "compare", Digest{Digest: dag.ID{byte(v.call)}})
		}
	case 4:
		ask(v, n, to, "fetch", Have{Chains: []dag.ID{{1}}, Held: []dag.ID{{2}}})
	case 5:
		ask(v, n, to, "reconcile", Spans{Spans: []Span{{From: []byte{9}, To: []byte{1}}, {Sum: 1}, {Sum: 2}}[n.RandN("spans", 3):]})
	case 6:
		ask(v, n, to, "deliver", Batch{v.some(n)})
	case 7:
		send(n, graph.Message{Kind: graph.OneWayMsg, Channel: "ack", Peer: to}, falseAck(n, to))
	case 8, 9: // a fork, each branch to some; what it stands on is kept back now and then
		for _, j := range v.ones[form-8 : 2] {
			if j == nil || n.World().Healed() || len(v.written) > 40 {
				break
			}
			if err := v.write(j, 1); err != nil {
				panic(fmt.Sprintf("replicate: the villain %s writes: %v", n.ID(), err))
			}
			if n.RandN("withheld", 3) > 0 {
				ask(v, n, to, "deliver", Batch{slices.Clone(v.written[len(v.written)-1])})
				v.tell(n, to, slices.Clone(v.written[len(v.written)-1]))
			}
		}
	case 10:
		ask(v, n, to, "deliver", Batch{slices.Repeat([]byte("x"), MaxPage)})
	case 11:
		ask(v, n, to, "back", Gap{Missing: make([]dag.ID, 200), Known: []dag.ID{{7}}})
	case 12:
		v.claim(n, to)
	}
}

// tell publishes a page, or pushes it and names what there is not.
func (v *villain) tell(n *sim.Node, to graph.Peer, page []byte) {
	if !v.private {
		send(n, graph.Message{Kind: graph.TopicMsg, Channel: "deltas"}, Batch{page})
		return
	}
	send(n, graph.Message{Kind: graph.OneWayMsg, Channel: "push", Peer: to}, Batch{page})
	send(n, graph.Message{Kind: graph.OneWayMsg, Channel: "name", Peer: to}, Names{[]dag.ID{{8, byte(len(v.written))}}})
}

// falseAck acknowledges what there is not: on the chains of the one whom it tells, and on one of nobody.
func falseAck(n *sim.Node, of graph.Peer) Ack {
	tips := []dag.Tip{{Chain: dag.ID{3}, ID: dag.ID{4}, Seq: 1 << 63}}
	if victim := n.World().Node(of); !victim.Hostile() && victim.Up() {
		for _, t := range kept(victim).Mine() {
			tips = append(tips, dag.Tip{Chain: t.Chain, ID: dag.ID{4}, Seq: t.Seq + 1<<(8*n.RandN("claim", 8)+7)})
		}
	}
	slices.SortFunc(tips, dag.Tip.Compare) //lint:total-key equal tips are the same
	return Ack{Tips: tips}
}

// claim publishes what stands on something that nobody will ever have.
func (v *villain) claim(n *sim.Node, to graph.Peer) {
	if v.ones[2] == nil || n.World().Healed() || len(v.written) > 40 {
		return
	}
	for range 2 {
		if err := v.write(v.ones[2], 1); err != nil {
			panic(fmt.Sprintf("replicate: the villain %s writes: %v", n.ID(), err))
		}
	}
	v.tell(n, to, slices.Clone(v.written[len(v.written)-1]))
	v.written = slices.Delete(v.written, len(v.written)-2, len(v.written)-1)
}

// some gives a page that it wrote, to do as it likes with. After healing it gives nothing new away: others have to settle then.
func (v *villain) some(n *sim.Node) []byte {
	if len(v.written) == 0 || n.World().Healed() {
		return nil
	}
	return slices.Clone(v.written[n.RandN("which", len(v.written))])
}

// moods are how a villain answers; a moody one draws it for each answer.
const (
	moods = 8
	moody = moods + 1
)

// Receive implements sim.Program.
func (v *villain) Receive(n *sim.Node, m graph.Message) {
	if m.Kind != graph.RequestMsg {
		return
	}
	answer := graph.Message{Kind: graph.ReplyMsg, Channel: m.Channel, Peer: m.Peer, Call: m.Call}
	form := v.mood
	if form == moody {
		form = n.Fault("answer", moods)
	}
	switch {
	case form == 1:
		return
	case form == 2:
		answer.Payload = []byte("garbage")
		n.Send(answer)
	case form == 3:
		answer.Kind, answer.Reason, answer.Retry = graph.ErrorMsg, graph.Busy, 1000*time.Hour
		n.Send(answer)
	case m.Channel == "compare":
		send(n, answer, Verdict{Equal: form == 4})
	case m.Channel == "reconcile":
		send(n, answer, Narrowed{Done: form % 3, Spans: []Span{{Sum: 1}}, Told: []Told{{Chains: []dag.ID{{6}}, Sums: []uint64{1}}}})
	case m.Channel == "part":
		send(n, answer, Part{Page: []byte("garbage")[form%8:], Lacks: form == 6})
	case m.Channel == "back":
		send(n, answer, Batch{v.page(n, form).Page})
	case m.Channel == "deliver":
		a := falseAck(n, m.Peer)
		a.Refused = []string{"", "because"}[form%2]
		send(n, answer, a)
	default:
		send(n, answer, v.page(n, form))
	}
}

func (v *villain) page(n *sim.Node, form int) Pages {
	switch form {
	case 5:
		return Pages{More: true, Lots: []Lot{{Lasts: []dag.ID{{7}}, Counts: []uint64{1}}}}
	case 6:
		return Pages{Page: []byte("garbage"), More: true}
	case 7:
		if page := v.some(n); len(page) > 0 {
			page[len(page)-1] ^= 1
			return Pages{Page: page, More: true}
		}
	case 8:
		return Pages{Page: make([]byte, MaxPage+2<<10)}
	}
	return Pages{Page: v.some(n), More: true}
}

// ask asks q of a peer.
func ask[T any](v *villain, n *sim.Node, to graph.Peer, channel string, q T) {
	v.call++
	send(n, graph.Message{Kind: graph.RequestMsg, Channel: channel, Peer: to, Call: v.call, Remaining: 10 * time.Second}, q)
}

// send sends v.
func send[T any](n *sim.Node, m graph.Message, v T) {
	var err error
	if m.Payload, err = graph.Encode(v); err != nil {
		m.Payload = []byte("garbage")
	}
	n.Send(m)
}
