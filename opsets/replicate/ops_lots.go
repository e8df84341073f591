package replicate

import (
	"slices"
	"time"

	"github.com/merograph/merograph/graph"
)

// overtakeAfter is how long a round waits for another that brings nothing.
const overtakeAfter = 5 * time.Second

// Follow begins with the portions that follow a fetched page.
var Follow = graph.Op4(Ops, "follow", 1, func(_ *graph.Tick, b Brought, was Round, t *rounds, lots *portions) (graph.Done, error) {
	if r, ok := t.Get(was.Peer); !ok || r.Turn != was.Turn || !r.Holds {
		return graph.Done{}, nil
	}
	for i, l := range b.Lots {
		if err := lots.Put(Portion{No: uint64(i), Lot: l}, graph.Forever); err != nil {
			return graph.Done{}, err
		}
	}
	return graph.Done{}, nil
})

// Steer keeps a transfer going after each change of a portion: the first that has come is taken in, and those that nobody has
// in flight are asked for, the oldest first, of peers that are free.
var Steer = graph.Op4(Ops, "steer", 1, func(x *graph.Tick, _ graph.Change[Portion], near []graph.Peer, t *rounds, lots *portions) (graph.Done, error) {
	all := lots.View().All()
	r, ok := holder(t)
	if !ok || len(all) == 0 {
		return graph.Done{}, nil
	}
	all = all[:min(len(all), maxAhead)]
	busy := make(map[graph.Peer]bool, len(all))
	for _, p := range all {
		if p.Peer != "" && !p.Came {
			busy[p.Peer] = true
		}
	}
	free, some := fit(r, near, busy)
	if !some && all[0].Peer == "" {
		drop(lots)
		return graph.Done{}, end(t, r.Peer, near)
	}
	if head := all[0]; head.Came && !head.Taking {
		head.Taking = true
		if err := lots.Put(head, graph.Forever); err != nil {
			return graph.Done{}, err
		}
	}
	for _, p := range all {
		if p.Peer != "" || len(free) == 0 {
			continue
		}
		p.Peer, free = free[0], free[1:]
		p.Ticket = x.Rand() | 1
		if err := lots.Put(p, graph.Forever); err != nil {
			return graph.Done{}, err
		}
	}
	return graph.Done{}, nil
})

// drop ends a transfer.
func drop(lots *portions) {
	for _, p := range lots.View().All() {
		lots.Remove(p.No)
	}
}

// HandsOut tells the changes with which a portion is asked of a peer from the others.
var HandsOut = graph.Branch(Ops, "hands_out", 1, func(_ *graph.Tick, c graph.Change[Portion]) (Portion, bool, error) {
	return c.New, c.New.Peer != "" && c.New.Ticket != c.Old.Ticket, nil
})

// Name is what is asked for.
var Name = graph.Op1(Ops, "name", 1, func(_ *graph.Tick, p Portion) (Lot, error) { return p.Lot, nil })

// From is who is asked.
var From = graph.Op1(Ops, "from", 1, func(_ *graph.Tick, p Portion) (graph.Peer, error) { return p.Peer, nil })

// Named is a lot that another asks for.
var Named = graph.Op1(Ops, "named", 1, func(_ *graph.Tick, r *graph.Request[Lot, Part]) (Lot, error) { return r.Value, nil })

// Arrive keeps a page until those before it are taken in. Who has not all of it is not asked again in this turn.
var Arrive = graph.Op4(Ops, "arrive", 1, func(_ *graph.Tick, a Part, was Portion, t *rounds, lots *portions) (graph.Done, error) {
	p, ok := lots.Get(was.No)
	if !ok || p.Ticket != was.Ticket || p.Came {
		return graph.Done{}, nil
	}
	if a.Lacks || len(a.Page) == 0 {
		return graph.Done{}, another(p, t, lots)
	}
	p.Came, p.Page = true, a.Page
	return graph.Done{}, lots.Put(p, graph.Forever)
})

// Miss gives a portion to another when who was asked does not answer in time.
var Miss = graph.Op4(Ops, "miss", 1, func(_ *graph.Tick, _ graph.Failure, was Portion, t *rounds, lots *portions) (graph.Done, error) {
	p, ok := lots.Get(was.No)
	if !ok || p.Ticket != was.Ticket || p.Came {
		return graph.Done{}, nil
	}
	return graph.Done{}, another(p, t, lots)
})

// another has a portion asked of another peer.
func another(p Portion, t *rounds, lots *portions) error {
	if r, ok := holder(t); ok {
		r.Unfit = append(r.Unfit[:len(r.Unfit):len(r.Unfit)], p.Peer)
		if err := t.Put(r, roundTTL); err != nil {
			return err
		}
	}
	return lots.Put(p.open(), graph.Forever)
}

// Takes tells the changes with which a portion is taken in from the others.
var Takes = graph.Branch(Ops, "takes", 1, func(_ *graph.Tick, c graph.Change[Portion]) (Portion, bool, error) {
	return c.New, c.New.Taking && !c.Old.Taking, nil
})

// Came is the page of a portion.
var Came = graph.Op1(Ops, "came", 1, func(_ *graph.Tick, p Portion) (Batch, error) { return Batch{p.Page}, nil })

// A Gain is what became of a portion.
type Gain struct {
	Portion  Portion
	Admitted int
	Good     bool // it was what was asked for
}

// Weigh tells whether a page was what was asked for.
var Weigh = graph.Op3(Ops, "weigh", 1, func(_ *graph.Tick, in Intake, p Portion, l Log) (Gain, error) {
	return Gain{p, in.Admitted, in.Admitted > 0 && in.Refused == "" || !l.Lacks(p.Lot.Lasts)}, nil
})

// Taken goes on to the next portion, or after the last to the next turn. What was not what was asked for is asked of another.
var Taken = graph.Op4(Ops, "taken", 1, func(x *graph.Tick, g Gain, near []graph.Peer, t *rounds, lots *portions) (graph.Done, error) {
	p, ok := lots.Get(g.Portion.No)
	r, holds := holder(t)
	if !ok || p.Ticket != g.Portion.Ticket || !holds {
		return graph.Done{}, nil
	}
	if g.Admitted > 0 {
		r.Brought, r.Gained, r.Since = true, true, x.Now()
		r.News += g.Admitted
		if err := t.Put(r, roundTTL); err != nil {
			return graph.Done{}, err
		}
	}
	if !g.Good {
		return graph.Done{}, another(p, t, lots)
	}
	if lots.Remove(p.No); lots.Len() > 0 {
		return graph.Done{}, nil
	}
	return graph.Done{}, next(t, r, near, true)
})

// Stop ends a transfer, and its round, when this node fails to take in what came.
var Stop = graph.Op4(Ops, "stop", 1, func(_ *graph.Tick, _ graph.Failure, near []graph.Peer, t *rounds, lots *portions) (graph.Done, error) {
	drop(lots)
	if r, ok := holder(t); ok {
		return graph.Done{}, end(t, r.Peer, near)
	}
	return graph.Done{}, nil
})

// Lapse goes on after a round whose time is over. One that waited overtakes one that has brought nothing for a while, unless
// portions are on their way, which have a time of their own.
var Lapse = graph.Op3(Ops, "lapse", 1, func(x *graph.Tick, c Round, t *rounds, lots *portions) (graph.Done, error) {
	if c.Holds {
		drop(lots)
		return graph.Done{}, wake(t)
	}
	if _, again := t.Get(c.Peer); !c.Waits || again {
		return graph.Done{}, nil
	}
	h, held := holder(t)
	if held && (lots.Len() > 0 || x.Now().Sub(h.Since) < overtakeAfter) {
		return graph.Done{}, t.Put(c, overtakeAfter)
	}
	if held {
		h.Holds = false
		if err := t.Put(h, roundTTL); err != nil {
			return graph.Done{}, err
		}
	}
	c.Waits, c.Turn = false, c.Turn+1
	return graph.Done{}, t.Put(c, roundTTL)
})

// Lapsed tells the rounds whose time is over from the other changes.
var Lapsed = graph.Branch(Ops, "lapsed", 1, func(_ *graph.Tick, c graph.Change[Round]) (Round, bool, error) {
	return c.Old, c.Kind == graph.ExpiredRow, nil
})

// waits tells whether a round waits.
func waits(t *rounds) bool {
	return slices.ContainsFunc(t.View().All(), func(r Round) bool { return r.Waits })
}

// wake has the rounds that wait compare again.
func wake(t *rounds) error {
	for _, r := range t.View().All() {
		if !r.Waits {
			continue
		}
		r.Waits, r.Turn = false, r.Turn+1
		if err := t.Put(r, roundTTL); err != nil {
			return err
		}
	}
	return nil
}
