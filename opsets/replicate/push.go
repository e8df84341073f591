package replicate

import (
	"slices"
	"time"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/ops"
)

// Gossip of contexts that are not public: DATA 5.1.
const (
	mostPushes = 6   // of one batch
	mostNames  = 256 // of one batch, to the rest

	// mostNamers is how many of those who name a delta are asked for it.
	mostNamers = 2
	mostNamed  = 4096

	// liarTTL is how long nobody listens to who handed over what is false for everyone.
	liarTTL  = time.Minute
	mostLies = 256

	mostTidings = 64
)

var (
	push = graph.OneWay[Batch]("push", graph.MaxRequest(MaxBatch+1<<10), graph.Rate(2000, 4000))
	name = graph.OneWay[Names]("name", graph.MaxRequest(4<<10), graph.Rate(2000, 4000))
)

// Names are deltas that the sender holds, at most dag.MaxBack.
type Names struct {
	IDs []dag.ID `cbor:"ids"`
}

// A Mention is a delta that is known by name, and how many of those who named it were asked for it.
type Mention struct {
	ID    dag.ID
	Asked int
}

// Key is the mention's place in its table.
func (m Mention) Key() string { return string(m.ID[:]) }

// A Liar is a peer that handed over what is false for everyone.
type Liar struct {
	Peer graph.Peer
}

// Key is the liar's place in its table.
func (l Liar) Key() graph.Peer { return l.Peer }

// A Tiding is what is to be told to the neighbours but for one, who has it: deltas by name, and their batch where it is to be pushed.
type Tiding struct {
	Names Names
	Batch Batch
	But   graph.Peer
}

// Key is the tiding's place in its table.
func (n Tiding) Key() string { return string(n.Names.IDs[0][:]) }

// Shares are who is told: to some the batch is pushed, the rest learns its name.
type Shares struct {
	Push, Name []graph.Peer
}

type (
	tidings  = graph.Rows[string, Tiding]
	mentions = graph.Rows[string, Mention]
	liars    = graph.Rows[graph.Peer, Liar]
)

// isMember is the rule of a context that is not public; the members are sorted.
func isMember(from graph.Peer, members []graph.Peer) bool {
	_, ok := slices.BinarySearch(members, from)
	return ok
}

// pushes records gossip over streams: what this node has written, and what was news to it, goes at once to six neighbours, and its
// name to the rest. Who lacks what is named asks for it.
func (c cells) pushes(fresh graph.Wire[*graph.Request[Batch, graph.Done]]) {
	tidings := graph.Table(c.peer, "tidings", Tiding.Key, graph.Capacity(mostTidings), graph.EvictOldest())
	mentions := graph.Table(c.peer, "mentions", Mention.Key, graph.Capacity(mostNamed), graph.EvictOldest(), graph.Quota(mostClaims))
	shunned := graph.Table(c.peer, "liars", Liar.Key, graph.Capacity(mostLies), graph.EvictOldest())
	shunned.Expose()

	graph.Reply(fresh, Spread(fresh, tidings))
	begun, other := Begun(tidings.Changes())
	ops.Ignore(other)
	shares := Share(begun, c.neighbours, tidings)
	batch, names := Pushed(begun), NamesOf(begun)
	heard, _ := graph.Send(batch, graph.ForEach(PushTo(shares), mostPushes), c.peer, push, c.may)
	learnt, _ := graph.Send(names, graph.ForEach(NameTo(shares), mostNames), c.peer, name, c.may)

	hint, lie := Heeded(graph.Merge(HeardPush(heard), HeardNames(learnt)), shunned)
	ops.Ignore(lie)
	handed, only := Carries(hint)
	whole, again, brought := c.gossip(hint, handed, Unheard(only, c.log, mentions))
	for _, v := range []graph.Wire[graph.Verdict]{Passed(whole), PassedLate(again), Passed(brought)} {
		PassOn(v, Known(hint, v, c.log), tidings, shunned)
	}
}

// Spread has what this node has written spread.
var Spread = graph.Op2(Ops, "spread", 1, func(_ *graph.Tick, r *graph.Request[Batch, graph.Done], t *tidings) (graph.Done, error) {
	return graph.Done{}, tell(t, Hint{Batch: r.Value})
})

// tell puts a batch, or what is known by name alone, among the tidings. They do not wait there: what a full table drops, catch-up brings.
func tell(t *tidings, h Hint) error {
	n := Tiding{Names{h.Names}, h.Batch, h.From}
	if len(h.Names) == 0 {
		id, ok := dag.PageLast(h.Batch.Page)
		if !ok {
			return graph.Fail(graph.Malformed, "%d bytes are no page of deltas", len(h.Batch.Page))
		}
		n.Names.IDs = []dag.ID{id}
	}
	return t.Put(n, claimTime)
}

// Begun tells the changes that are tidings from the others.
var Begun = graph.Branch(Ops, "begun", 1, func(_ *graph.Tick, c graph.Change[Tiding]) (Tiding, bool, error) {
	return c.New, c.Kind == graph.Inserted, nil
})

// Share draws six neighbours to push to, and leaves the rest for the name. What has no batch is told by name alone.
var Share = graph.Op3(Ops, "share", 1, func(x *graph.Tick, n Tiding, near []graph.Peer, t *tidings) (s Shares, err error) {
	t.Remove(n.Key())
	all := slices.DeleteFunc(slices.Clone(near), func(p graph.Peer) bool { return p == n.But })
	most := 0
	if len(n.Batch.Page) > 0 {
		most = min(mostPushes, len(all))
	}
	for i := range most {
		j := i + ops.Below(x, len(all)-i)
		all[i], all[j] = all[j], all[i]
	}
	return Shares{all[:most], all[most:min(len(all), most+mostNames)]}, nil
})

// Pushed is the batch of a tiding.
var Pushed = graph.Op1(Ops, "pushed", 1, func(_ *graph.Tick, n Tiding) (Batch, error) { return n.Batch, nil })

// NamesOf is what a tiding is called.
var NamesOf = graph.Op1(Ops, "names_of", 1, func(_ *graph.Tick, n Tiding) (Names, error) { return n.Names, nil })

// PushTo are those to whom the batch is pushed.
var PushTo = graph.Op1(Ops, "push_to", 1, func(_ *graph.Tick, s Shares) ([]graph.Peer, error) { return s.Push, nil })

// NameTo are those who learn the name.
var NameTo = graph.Op1(Ops, "name_to", 1, func(_ *graph.Tick, s Shares) ([]graph.Peer, error) { return s.Name, nil })

// HeardPush is a batch that was pushed.
var HeardPush = graph.Op1(Ops, "heard_push", 1, func(_ *graph.Tick, r *graph.Received[Batch]) (Hint, error) {
	return Hint{From: r.From, Batch: r.Value}, nil
})

// HeardNames is what somebody holds.
var HeardNames = graph.Op1(Ops, "heard_names", 1, func(_ *graph.Tick, r *graph.Received[Names]) (Hint, error) {
	if n := len(r.Value.IDs); n == 0 || n > dag.MaxBack {
		return Hint{}, graph.Fail(graph.Malformed, "%d names, the bounds are 1 and %d", n, dag.MaxBack)
	}
	return Hint{From: r.From, Names: r.Value.IDs}, nil
})

// Heeded leaves out what liars hand over.
var Heeded = graph.Branch2(Ops, "heeded", 1, func(_ *graph.Tick, h Hint, t *liars) (Hint, bool, error) {
	_, lies := t.Get(h.From)
	return h, !lies, nil
})

// Carries tells a batch from names.
var Carries = graph.Branch(Ops, "carries", 1, func(_ *graph.Tick, h Hint) (Hint, bool, error) { return h, len(h.Names) == 0, nil })

// Unheard is what is named and not held, unless enough of those who name it are asked already.
var Unheard = graph.Op3(Ops, "unheard", 1, func(_ *graph.Tick, h Hint, l Log, t *mentions) (Gap, error) {
	g := Gap{Known: l.Recent()}
	for _, id := range h.Names {
		n := Mention{ID: id}
		if was, ok := t.Get(n.Key()); ok {
			n = was
		}
		if n.Asked++; n.Asked > mostNamers || !l.Lacks([]dag.ID{id}) {
			continue
		}
		if err := t.Put(n, claimTime); err != nil {
			return Gap{}, err
		}
		g.Missing = append(g.Missing, id)
	}
	return g, nil
})

// Known leaves out, once there is a verdict, the names of what did not come: nobody may name what it does not hold.
var Known = graph.Op3(Ops, "known", 1, func(_ *graph.Tick, h Hint, _ graph.Verdict, l Log) (Hint, error) {
	h.Names = slices.DeleteFunc(slices.Clone(h.Names), func(id dag.ID) bool { return l.Lacks([]dag.ID{id}) })
	return h, nil
})

// PassOn has what is news here spread, and shuns who handed over what is false for everyone.
var PassOn = graph.Op4(Ops, "pass_on", 1, func(_ *graph.Tick, v graph.Verdict, h Hint, t *tidings, shunned *liars) (graph.Done, error) {
	switch {
	case v == graph.Accept && len(h.Batch.Page)+len(h.Names) > 0:
		return graph.Done{}, tell(t, h)
	case v == graph.Reject:
		return graph.Done{}, shunned.Put(Liar{h.From}, liarTTL)
	}
	return graph.Done{}, nil
})
