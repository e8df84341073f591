package replicate

import (
	"cmp"
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
	return t.Put(r, roundTTL)
}

// Turn tells the changes that begin a turn from the others.
var Turn = graph.Branch(Ops, "turn", 1, func(_ *graph.Tick, c graph.Change[Round]) (Round, bool, error) {
	return c.New, c.Kind == graph.Inserted || c.Kind == graph.Updated && c.New.Turn != c.Old.Turn, nil
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
	if r.Value.Asked || len(r.Value.Tips) > MaxTips || !l.Lacks(r.Value.Tips) {
		return graph.Done{}, nil
	}
	return graph.Done{}, open(t, r.From, Asked, mostAsked)
})

// Equal tells verdicts apart.
var Equal = graph.Branch(Ops, "equal", 1, func(_ *graph.Tick, v Verdict) (Verdict, bool, error) { return v, v.Equal, nil })

// Want tells where this node's branches end: of the chains that have changed since it agreed with the peer, else of all, or of
// as many from the round's place on as fit. A chain is not torn, but one that fills a request alone.
var Want = graph.Op4(Ops, "want", 1, func(_ *graph.Tick, _ Verdict, r Round, l Log, t *agreements) (Have, error) {
	h, ok := since(r, l, t)
	if !ok {
		h = part(r, l.Have())
	}
	h.Asked = r.Cause == Asked
	return h, nil
})

// part gives all tips, or those of the round's part when they do not fit.
func part(r Round, tips []dag.Tip) Have {
	if len(tips) <= MaxTips {
		return Have{Tips: tips}
	}
	at, _ := slices.BinarySearchFunc(tips, r.From, func(t dag.Tip, from dag.ID) int { return t.Chain.Compare(from) })
	tips = tips[at:]
	h := Have{From: r.From, Tips: tips}
	if len(tips) > MaxTips {
		end := MaxTips
		for end > 0 && tips[end-1].Chain == tips[end].Chain {
			end--
		}
		if end > 0 {
			h.To, h.Tips = tips[end].Chain, tips[:end]
			return h
		}
		end, _ = slices.BinarySearchFunc(tips, tips[0].Chain, func(t dag.Tip, c dag.ID) int { return cmp.Or(t.Chain.Compare(c), -1) })
		if h.Tips = tips[:MaxTips]; end < len(tips) {
			h.To = tips[end].Chain
		}
	}
	return h
}

// Wanted is what another node asks for, when what it counts from is known here.
var Wanted = graph.Branch2(Ops, "wanted", 1, func(_ *graph.Tick, r *graph.Request[Have, Pages], t *agreements) (Have, bool, error) {
	h := r.Value
	if len(h.Tips) > MaxTips {
		return Have{}, false, graph.Fail(graph.TooLarge, "%d tips, the bound is %d", len(h.Tips), MaxTips)
	}
	if h.Base.IsZero() {
		return h, true, nil
	}
	a, ok := t.Get(r.From)
	return Have{Tips: slices.Concat(a.Tips, h.Tips)}, ok && a.Digest == h.Base, nil
})

// Forgot answers who counts from what is not known here.
var Forgot = graph.Op1(Ops, "forgot", 1, func(_ *graph.Tick, _ Have) (Pages, error) { return Pages{Forgot: true}, nil })

// Page is a fetched page, to be taken in.
var Page = graph.Op1(Ops, "page", 1, func(_ *graph.Tick, p Pages) (Batch, error) { return Batch{p.Page}, nil })

// Outcome is what a turn brought.
var Outcome = graph.Op3(Ops, "outcome", 1, func(_ *graph.Tick, in Intake, p Pages, h Have) (Brought, error) {
	return Brought{in.Admitted, p.More, h.To, p.Forgot && !h.Base.IsZero()}, nil
})

// Again takes the next turn: with the same part of the chains while it brings news, then with the next part, and once more
// from the first when something was admitted meanwhile. A turn without news in the last part ends the round.
var Again = graph.Op4(Ops, "again", 1, func(_ *graph.Tick, b Brought, was Round, near []graph.Peer, t *rounds) (graph.Done, error) {
	r, ok := t.Get(was.Peer)
	if !ok {
		return graph.Done{}, nil
	}
	switch {
	case b.Forgot:
		r.Whole = true
	case b.Admitted > 0:
		r.News, r.Brought, r.Idle = true, true, 0
	case b.More && r.Idle < maxIdle: // another peer brought it meanwhile
		r.Idle++
	case !b.To.IsZero():
		r.From, r.Idle = b.To, 0
	case !r.From.IsZero() && r.News:
		r.From, r.Idle, r.News = dag.ID{}, 0, false
	default:
		return graph.Done{}, end(t, r.Peer, near)
	}
	r.Turn++
	if r.From.IsZero() { // else what came up may be in a part that is over
		r.Cause, r.Again = max(r.Cause, r.Again), NoCause
	}
	return graph.Done{}, t.Put(r, roundTTL)
})

// End ends a round of two that agree.
var End = graph.Op4(Ops, "end", 1, func(_ *graph.Tick, _ Verdict, was Round, near []graph.Peer, t *rounds) (graph.Done, error) {
	return graph.Done{}, end(t, was.Peer, near)
})

// GiveUp ends a round that failed; the next one tries again.
var GiveUp = graph.Op4(Ops, "give_up", 1, func(_ *graph.Tick, _ graph.Failure, was Round, near []graph.Peer, t *rounds) (graph.Done, error) {
	return graph.Done{}, end(t, was.Peer, near)
})

// end takes one more turn when something new came up, or ends the round. What a round brought was not published to this node,
// so its other neighbours may lack it too: each is compared with, and news spread as fast as nodes answer.
func end(t *rounds, p graph.Peer, near []graph.Peer) error {
	r, ok := t.Get(p)
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
