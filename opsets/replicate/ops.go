package replicate

import (
	"slices"
	"time"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/ops"
)

// Ops is the opset of replication.
var Ops = graph.NewOpset("replicate")

type rounds = graph.Rows[graph.Peer, Round]

const (
	roundTTL = 90 * time.Second // ends a round whatever becomes of its calls

	// maxRounds is how many go on at once. What others bring about leaves room for this node's own, and new neighbours are
	// greeted a few at a time: the first of them bring what the rest would bring again.
	maxRounds  = 64
	mostAsked  = 48
	mostGreets = 4

	maxIdle = 2

	// muchNews is how many deltas a turn brings, at least, of a round that those who wait do not go before.
	muchNews = 1024

	// fewTips is how many tips are told without looking for those that differ.
	fewTips = 1000
)

// Tell is what the node asks to be published.
var Tell = graph.Op1(Ops, "tell", 1, func(_ *graph.Tick, r *graph.Request[Batch, graph.Done]) (Batch, error) { return r.Value, nil })

// Room is a change after which there may be room for another round.
var Room = graph.Op1(Ops, "room", 1, func(x *graph.Tick, _ Round) (graph.Time, error) { return x.Now(), nil })

// Greet begins a round with each neighbour that is new since it looked last. Those for whom there is no room yet stay new.
var Greet = graph.Op4(Ops, "greet", 1, func(_ *graph.Tick, _ graph.Time, now []graph.Peer, met *graph.One[[]graph.Peer], t *rounds) (graph.Done, error) {
	before, _ := met.Get()
	after := make([]graph.Peer, 0, len(now))
	for _, p := range now {
		if _, known := slices.BinarySearch(before, p); !known {
			if _, goesOn := t.Get(p); !goesOn && t.Len() >= mostGreets {
				continue
			}
			if err := open(t, p, Own, mostGreets); err != nil {
				return graph.Done{}, err
			}
		}
		after = append(after, p)
	}
	if slices.Sort(after); slices.Equal(before, after) {
		return graph.Done{}, nil
	}
	return graph.Done{}, met.Set(after)
})

// Tour begins a round with one neighbour, drawn evenly.
var Tour = graph.Op3(Ops, "tour", 1, func(x *graph.Tick, _ graph.Time, neighbours []graph.Peer, t *rounds) (graph.Done, error) {
	if len(neighbours) == 0 {
		return graph.Done{}, nil
	}
	return graph.Done{}, open(t, neighbours[ops.Below(x, len(neighbours))], Own, maxRounds)
})

// open begins a round unless there are so many already, or has the one that goes on take one more turn: when there is no
// room there is enough to do, and this peer's turn comes with a later tour.
func open(t *rounds, p graph.Peer, why Cause, most int) error {
	r, goesOn := t.Get(p)
	switch {
	case !goesOn && t.Len() >= most, goesOn && r.Again >= why:
		return nil
	case goesOn:
		r.Again = why
	default:
		r = Round{Peer: p, Cause: why}
	}
	if r.Waits {
		return t.Put(r, overtakeAfter)
	}
	return t.Put(r, roundTTL)
}

// Turn tells the changes that begin a turn from the others.
var Turn = graph.Branch(Ops, "turn", 1, func(_ *graph.Tick, c graph.Change[Round]) (Round, bool, error) {
	return c.New, !c.New.Waits && (c.Kind == graph.Inserted || c.Kind == graph.Updated && c.New.Turn != c.Old.Turn), nil
})

// With is the peer of a turn.
var With = graph.Op1(Ops, "with", 1, func(_ *graph.Tick, r Round) (graph.Peer, error) { return r.Peer, nil })

// Compare asks whether the other holds the same.
var Compare = graph.Op2(Ops, "compare", 1, func(_ *graph.Tick, _ Round, l Log) (Digest, error) { return Digest{l.Digest()}, nil })

// Judge compares the two digests.
var Judge = graph.Op2(Ops, "judge", 1, func(_ *graph.Tick, r *graph.Request[Digest, Verdict], l Log) (Verdict, error) {
	return Verdict{Equal: r.Value.Digest == l.Digest()}, nil
})

// Learn begins a round with who fetches and tells of a tip that is not held here. It begins none when the other's round was
// brought about by one of this node's: two that differ and cannot help each other must come to rest. Who merely lags is not
// asked for what it is being sent.
var Learn = graph.Op3(Ops, "learn", 1, func(_ *graph.Tick, r *graph.Request[Have, Pages], l Log, t *rounds) (graph.Done, error) {
	if r.Value.Asked || r.Value.places() > MaxPlaces || !l.Lacks(r.Value.Held) {
		return graph.Done{}, nil
	}
	return graph.Done{}, open(t, r.From, Asked, mostAsked)
})

// Equal tells verdicts apart.
var Equal = graph.Branch(Ops, "equal", 1, func(_ *graph.Tick, v Verdict) (Verdict, bool, error) { return v, v.Equal, nil })

// Want tells where this node's branches end: of the chains that have changed since it agreed with the peer, of those that
// differ, else of all.
var Want = graph.Op3(Ops, "want", 1, func(x *graph.Tick, r Round, l Log, t *agreements) (Have, error) {
	h, ok := since(r, l, t)
	switch {
	case ok:
	case r.Sifting.Asked > 0 && !r.Sifting.Dense:
		h = differing(r.Sifting.Differ, l, ops.Below(x, max(1, len(r.Sifting.Differ))))
	default:
		h = Have{Held: places(l.Tips(), l.Have())}
	}
	h.Asked = r.Cause == Asked
	return h, nil
})

// differing asks for chains, from one of them on and around, for as many as fit.
func differing(chains []dag.ID, l Log, at int) (h Have) {
	all, some := l.Tips(), l.Have()
	var tips, more []dag.Tip
	for _, c := range slices.Concat(chains[at:], chains[:at]) {
		ends := chainOf(all, c)
		if len(h.Chains)+len(tips)+1+min(len(ends), MaxPlaces/4) > MaxPlaces {
			break
		}
		h.Chains = append(h.Chains, c)
		tips, more = append(tips, ends[:min(len(ends), MaxPlaces/4)]...), append(more, chainOf(some, c)...)
	}
	h.Held = places(tips, more)
	h.Held = h.Held[:min(len(h.Held), MaxPlaces-len(h.Chains))]
	return h
}

// places gives the ids of tips, and then of what else is named, each once, as many as fit.
func places(tips, more []dag.Tip) (ids []dag.ID) {
	named := make(map[dag.ID]bool, len(more))
	for _, t := range slices.Concat(tips, more) {
		if !named[t.ID] && len(ids) < MaxPlaces {
			named[t.ID], ids = true, append(ids, t.ID)
		}
	}
	return ids
}

func (h Have) places() int { return len(h.Chains) + len(h.Held) }

// Wanted is what another node asks for, when what it counts from is known here.
var Wanted = graph.Branch2(Ops, "wanted", 1, func(_ *graph.Tick, r *graph.Request[Have, Pages], t *agreements) (Have, bool, error) {
	h := r.Value
	if h.places() > MaxPlaces {
		return Have{}, false, graph.Fail(graph.TooLarge, "%d chains and deltas are named, the bound is %d", h.places(), MaxPlaces)
	}
	if h.Base.IsZero() {
		return h, true, nil
	}
	a, ok := t.Get(r.From)
	return Have{Held: append(idsOf(a.Tips), h.Held...)}, ok && a.Digest == h.Base, nil
})

// Forgot answers who counts from what is not known here.
var Forgot = graph.Op1(Ops, "forgot", 1, func(_ *graph.Tick, _ Have) (Pages, error) { return Pages{Forgot: true}, nil })

// Page is a fetched page, to be taken in.
var Page = graph.Op1(Ops, "page", 1, func(_ *graph.Tick, p Pages) (Batch, error) { return Batch{p.Page}, nil })

// News leaves out the lots that are held: they cost a peer nothing to name, and this node and others a page each.
var News = graph.Op2(Ops, "news", 1, func(_ *graph.Tick, p Pages, l Log) (Pages, error) {
	if len(p.Lots) > maxLots {
		return p, graph.Fail(graph.Malformed, "%d lots, the bound is %d", len(p.Lots), maxLots)
	}
	var lots []Lot
	for _, lot := range p.Lots {
		if err := lot.check(); err != nil {
			return p, err
		}
		if l.Lacks(lot.Lasts) {
			lots = append(lots, lot)
		}
	}
	p.Lots = lots
	return p, nil
})

// Outcome is what a turn brought.
var Outcome = graph.Op4(Ops, "outcome", 1, func(_ *graph.Tick, in Intake, p Pages, h Have, r Round) (Brought, error) {
	return Brought{in.Admitted, p.More || 0 < len(h.Chains) && len(h.Chains) < len(r.Sifting.Differ), p.Forgot && !h.Base.IsZero(), p.Lots}, nil
})

// Again goes on to the portions that follow, or takes the next turn while turns bring news. One without news ends the round,
// unless there is more to come.
var Again = graph.Op4(Ops, "again", 1, func(x *graph.Tick, b Brought, was Round, near []graph.Peer, t *rounds) (graph.Done, error) {
	r, ok := t.Get(was.Peer)
	if !ok || r.Turn != was.Turn {
		return graph.Done{}, nil
	}
	if b.Admitted > 0 {
		r.Brought, r.Gained, r.Since = true, true, x.Now()
		r.News += b.Admitted
	}
	r.Whole = r.Whole || b.Forgot
	if len(b.Lots) == 0 || !r.Holds {
		return graph.Done{}, next(t, r, near, b.More || b.Forgot)
	}
	return graph.Done{}, t.Put(r, roundTTL)
})

// next takes the next turn, after the rounds that wait, or ends a round that gains nothing.
func next(t *rounds, r Round, near []graph.Peer, more bool) error {
	switch {
	case r.Gained:
		r.Idle = 0
	case more && r.Idle < maxIdle: // another peer brought it meanwhile
		r.Idle++
	default:
		return end(t, r.Peer, near)
	}
	r.Turn, r.Sifting, r.Gained, r.Unfit = r.Turn+1, Sifting{}, false, nil
	r.Cause, r.Again = max(r.Cause, r.Again), NoCause
	news := r.News
	if r.News = 0; !r.Holds || news >= muchNews || !waits(t) {
		return t.Put(r, roundTTL)
	}
	// Who has something new each time keeps nobody from fetching what others have. Who brings much goes on: those that wait may be silent.
	if err := wake(t); err != nil {
		return err
	}
	r.Holds, r.Waits = false, true
	return t.Put(r, overtakeAfter)
}

// End ends a round of two that agree.
var End = graph.Op4(Ops, "end", 1, func(_ *graph.Tick, _ Verdict, was Round, near []graph.Peer, t *rounds) (graph.Done, error) {
	return graph.Done{}, endOf(t, was, near)
})

// GiveUp ends a round that failed; the next one tries again.
var GiveUp = graph.Op4(Ops, "give_up", 1, func(_ *graph.Tick, _ graph.Failure, was Round, near []graph.Peer, t *rounds) (graph.Done, error) {
	return graph.Done{}, endOf(t, was, near)
})

// endOf ends a round unless it has gone on.
func endOf(t *rounds, was Round, near []graph.Peer) error {
	if r, ok := t.Get(was.Peer); !ok || r.Turn != was.Turn {
		return nil
	}
	return end(t, was.Peer, near)
}

// end takes one more turn when something new came up, or ends the round. What a round brought was not published to this node,
// so its other neighbours may lack it too: each is compared with, and news spread as fast as nodes answer.
func end(t *rounds, p graph.Peer, near []graph.Peer) error {
	r, ok := t.Get(p)
	if r.Holds {
		if err := wake(t); err != nil {
			return err
		}
	}
	if ok && r.Again != NoCause {
		return t.Put(Round{Peer: p, Turn: r.Turn + 1, Cause: r.Again, Brought: r.Brought}, roundTTL)
	}
	t.Remove(p)
	if !r.Brought {
		return nil
	}
	for _, q := range near {
		if q == p {
			continue
		}
		if err := open(t, q, Own, mostAsked); err != nil {
			return err
		}
	}
	return nil
}
