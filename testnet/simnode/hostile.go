package simnode

import (
	"bytes"
	"slices"
	"time"

	"github.com/merograph/merograph/crdt"
	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/opsets/replicate"
	"github.com/merograph/merograph/sim"
)

// crowded is the least number of nodes of which some are hostile.
const crowded = 8

// hostile gives one node in eight the program of a villain.
func hostile(n *sim.Node) sim.Program {
	if len(n.World().Nodes()) < crowded || n.Index()%8 != 5 {
		return nil
	}
	return &villain{}
}

// villain is a member with a valid key that keeps to nothing. Its journal is real, so that what it forges stands on what is held.
type villain struct {
	disk    *dag.MemDisk
	journal *dag.Journal
	signer  dag.Signer
	far     bool       // its calendar is in the year 9000
	pages   [][]byte   // heard or made lately
	last    *dag.Entry // that it wrote
	call    uint64
}

// Start implements sim.Program: it acts every few seconds until faults have ended.
func (v *villain) Start(n *sim.Node) {
	n.After(time.Duration(1+n.RandN("idle", int(16*time.Second))), func(n *sim.Node) {
		if v.journal == nil {
			v.begin(n)
		}
		others := n.World().Nodes()
		to := others[n.RandN("victim", len(others))].ID()
		v.ask(n, to, "fetch", replicate.Have{Held: ids(v.journal.Have(shared(n.World()).ctx))})
		if !n.World().Healed() {
			v.act(n, to, n.Fault("act", acts))
		}
		v.Start(n)
	})
}

func (v *villain) begin(n *sim.Node) {
	v.disk, v.signer = dag.NewMemDisk(), dag.NewSigner(n.Key())
	v.journal = v.open(n, v.disk)
}

func (v *villain) wall(n *sim.Node) func() time.Time {
	return func() time.Time {
		if v.far {
			return time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)
		}
		return n.Wall()
	}
}

// open opens a journal of the villain's, which has a disk without faults.
func (v *villain) open(n *sim.Node, d *dag.MemDisk) *dag.Journal {
	j, _, err := dag.Open(d, dag.Options{Wall: v.wall(n), Rand: n.Entropy("journal"), SegmentBytes: 4 << 20})
	if err == nil {
		err = j.Join(shared(n.World()).ctx)
	}
	if err != nil {
		panic("simnode: the journal of a villain: " + err.Error())
	}
	return j
}

// acts are what a villain does; some are allowed.
const acts = 20

func (v *villain) act(n *sim.Node, to graph.Peer, act int) {
	ctx := shared(n.World()).ctx
	switch act {
	case 1, 2: // a good write
		v.publish(n, v.write(n, v.journal, v.payload(n)))
	case 3:
		v.fork(n)
	case 4: // a bit is another
		if p := v.page(n); len(p) > 0 {
			p = bytes.Clone(p)
			p[n.RandN("bit", len(p))] ^= 1 << n.RandN("bit", 8)
			v.publish(n, p)
		}
	case 5: // again, and a part
		for range 4 {
			v.publish(n, v.page(n))
		}
		if p := v.page(n); len(p) > 0 {
			v.publish(n, p[:n.RandN("cut", len(p))])
		}
	case 6: // a bad payload in a good envelope
		v.publish(n, v.write(n, v.journal, bytes.Repeat([]byte{byte(n.Rand("garbage"))}, 1+n.RandN("length", 90))))
	case 7: // what stands on what nobody has seen
		v.write(n, v.journal, v.payload(n))
		v.publish(n, v.write(n, v.journal, v.payload(n)))
	case 8: // a clock of the year 9000, which is allowed
		v.far = true
		v.publish(n, v.write(n, v.journal, v.payload(n)))
		v.far = false
		n.World().Reached(sometimesFuture)
	case 9, 10, 11, 12, 17, 18, 19:
		v.forge(n, act)
	case 20:
		v.half(n, to)
	case 13: // false tips, many of them
		h := replicate.Have{}
		for range 200 {
			var id dag.ID
			_, _ = n.Entropy("journal").Read(id[:])
			h.Held = append(h.Held, id)
		}
		v.ask(n, to, "fetch", h)
	case 14: // chains that are none, and spans that are none
		v.ask(n, to, "fetch", replicate.Have{Chains: []dag.ID{{9}, {9}}, Held: ids(v.journal.Tips(ctx))})
		v.ask(n, to, "reconcile", replicate.Spans{Spans: []replicate.Span{{From: []byte{9}, To: []byte{1}}}})
		v.ask(n, to, "reconcile", replicate.Spans{Spans: []replicate.Span{{Sum: n.Rand("sum")}}})
	case 15: // differs from everybody, again and again
		for range 20 {
			v.ask(n, to, "compare", replicate.Digest{Digest: dag.ID{byte(n.Rand("digest"))}})
		}
	case 16: // garbage, everywhere
		for _, channel := range []string{"compare", "fetch", "nowhere"} {
			v.call++
			n.Send(graph.Message{Kind: graph.RequestMsg, Channel: channel, Peer: to, Call: v.call, Remaining: time.Second, Payload: []byte("garbage")})
		}
		n.Send(graph.Message{Kind: graph.TopicMsg, Channel: "deltas", Payload: []byte("garbage")})
	}
}

func ids(tips []dag.Tip) (ids []dag.ID) {
	for _, t := range tips {
		ids = append(ids, t.ID)
	}
	return ids
}

func (v *villain) payload(n *sim.Node) []byte {
	b, err := crdt.EncodeOps([]crdt.Op{crdt.Put{Key: "key 00", Value: []byte{byte(n.Rand("value"))}}})
	if err != nil {
		panic("simnode: " + err.Error())
	}
	return b
}

// write makes a delta in a journal of the villain's, and gives the page that publishes it; nil when it has no grant yet.
func (v *villain) write(n *sim.Node, j *dag.Journal, payload []byte) []byte {
	p, err := j.Write(shared(n.World()).ctx, v.signer, dag.Edit{Kind: dag.KindData, Payload: payload})
	if err != nil {
		return nil
	}
	e, err := p.Wait()
	if err != nil {
		return nil
	}
	page, err := j.Batch([]*dag.Entry{e})
	if err != nil {
		return nil
	}
	v.keep(page)
	v.last = e
	return page
}

// fork writes two deltas at one place of its chain.
func (v *villain) fork(n *sim.Node) {
	if v.journal.Close() != nil {
		return
	}
	twin := v.open(n, v.disk.Backup())
	v.journal = v.open(n, v.disk)
	v.publish(n, v.write(n, twin, v.payload(n)))
	v.publish(n, v.write(n, v.journal, v.payload(n)))
}

// some gives the ids of so many deltas, ascending, or of all that it holds.
func (v *villain) some(ctx dag.ID, most int) (ids []dag.ID) {
	_ = v.journal.Each(ctx, func(e *dag.Entry) error { // its disk has no faults
		if len(ids) < most {
			ids = append(ids, e.ID)
		}
		return nil
	})
	slices.SortFunc(ids, dag.ID.Compare)
	return ids
}

// keep remembers a page.
func (v *villain) keep(page []byte) {
	if v.pages = append(v.pages, bytes.Clone(page)); len(v.pages) > 16 {
		v.pages = slices.Delete(v.pages, 0, 1)
	}
}

// page gives one that it remembers, or nothing.
func (v *villain) page(n *sim.Node) []byte {
	if len(v.pages) == 0 {
		return nil
	}
	return v.pages[n.RandN("page", len(v.pages))]
}

func (v *villain) publish(n *sim.Node, page []byte) {
	if b, err := graph.Encode(replicate.Batch{Page: page}); err == nil && page != nil {
		n.Send(graph.Message{Kind: graph.TopicMsg, Channel: "deltas", Payload: b})
	}
}

func (v *villain) ask(n *sim.Node, to graph.Peer, channel string, value any) {
	v.call++
	if b, err := graph.Encode(value); err == nil {
		n.Send(graph.Message{Kind: graph.RequestMsg, Channel: channel, Peer: to, Call: v.call, Remaining: 10 * time.Second, Payload: b})
	}
}

func (v *villain) reply(n *sim.Node, m graph.Message, value any) {
	if b, err := graph.Encode(value); err == nil {
		n.Send(graph.Message{Kind: graph.ReplyMsg, Channel: m.Channel, Peer: m.Peer, Call: m.Call, Payload: b})
	}
}

// Receive implements sim.Program: it takes in what it hears, and answers as it likes.
func (v *villain) Receive(n *sim.Node, m graph.Message) {
	if v.journal == nil {
		return
	}
	ctx := shared(n.World()).ctx
	switch {
	case m.Kind == graph.TopicMsg:
		if b, err := graph.Decode[replicate.Batch](m.Payload); err == nil {
			v.take(n, b.Page)
		}
	case m.Kind == graph.ReplyMsg && m.Channel == "fetch":
		if p, err := graph.Decode[replicate.Pages](m.Payload); err == nil {
			v.take(n, p.Page)
		}
	case m.Kind == graph.RequestMsg && m.Channel == "compare":
		d, err := graph.Decode[replicate.Digest](m.Payload)
		equal := err == nil && d.Digest == dag.Digest(v.journal.Tips(ctx))
		if mood := n.Fault("compare", 3); mood > 0 {
			equal = mood == 1
		}
		v.reply(n, m, replicate.Verdict{Equal: equal})
	case m.Kind == graph.RequestMsg && m.Channel == "fetch":
		h, err := graph.Decode[replicate.Have](m.Payload)
		if err != nil {
			return
		}
		p := replicate.Pages{}
		mood := n.Fault("fetch", 5)
		if n.World().Healed() && (mood == 0 || mood == 2) {
			mood = 5 // what it still withholds it keeps, or nobody could say when all hold the same
		}
		switch mood {
		case 0:
			p, _ = replicate.ServeFrom(v.journal, ctx, h, replicate.LotDeltas)
		case 1:
			p.Page = []byte("garbage")
		case 2:
			p.Page = v.page(n)
		case 3: // what nobody holds
			p.More, p.Lots = true, []replicate.Lot{{Lasts: []dag.ID{{byte(n.Rand("lot"))}}, Counts: []uint64{1 << 40}}, {Counts: []uint64{1}}}[:1+n.RandN("lots", 2)]
		case 4: // no answer
			return
		}
		v.reply(n, m, p)
	case m.Kind == graph.RequestMsg && m.Channel == "part":
		switch n.Fault("part", 3) {
		case 0:
			v.reply(n, m, replicate.Part{Lacks: true})
		case 1:
			v.reply(n, m, replicate.Part{Page: []byte("garbage")})
		case 2:
			v.reply(n, m, replicate.Part{})
		} // or no answer
	}
}

func (v *villain) take(n *sim.Node, page []byte) {
	if len(page) == 0 {
		return
	}
	if in, err := v.journal.Ingest(shared(n.World()).ctx, page); err == nil && in.Admitted > 0 {
		v.keep(page)
	}
}
