package replicate

import (
	"slices"
	"time"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/ops"
)

type deliveries = graph.Rows[graph.Peer, Delivery]

// A Sight is what a look at the outbox looks at.
type Sight struct {
	Near  []graph.Peer // the neighbours, sorted
	Mine  []dag.Tip
	Now   bool // by hand: whatever was tried before
	Prune bool
}

// AtTimes is the sight of the clock.
var AtTimes = graph.Op3(Ops, "at_times", 1, func(_ *graph.Tick, _ graph.Time, near []graph.Peer, o Outbox) (Sight, error) {
	return Sight{Near: near, Mine: o.Mine()}, nil
})

// ByHand is the sight of who asks for one step.
var ByHand = graph.Op3(Ops, "by_hand", 1, func(_ *graph.Tick, r *graph.Request[Step, Stepped], near []graph.Peer, o Outbox) (Sight, error) {
	return Sight{Near: near, Mine: o.Mine(), Now: true, Prune: r.Value.Prune}, nil
})

// Look begins a delivery to each neighbour that has not acknowledged in time what it had been told at an earlier look. One
// that is away costs nothing and fails nothing; when it is back, what it lacks is new to it.
var Look = graph.Op3(Ops, "look", 1, func(x *graph.Tick, s Sight, pace Pace, t *deliveries) (Stepped, error) {
	pace = pace.Whole()
	out := Stepped{Batch: pace.Batch}
	near := make(map[graph.Peer]bool, len(s.Near))
	for _, p := range s.Near {
		near[p] = true
		d, known := t.Get(p)
		before := d
		if !known || d.Away {
			d = Delivery{Peer: p, Acknowledged: d.Acknowledged, Since: x.Now(), Seen: s.Mine, Turn: d.Turn, Retries: d.Retries, Back: d.Back}
		}
		if n := min(pace.Batch, Behind(d.Acknowledged, s.Mine)); n > 0 && d.Open == 0 && (s.Now || d.due(x.Now(), pace)) {
			d.Turn, d.Open, d.Tries, d.Retries = d.Turn+1, n, d.Tries+1, d.Retries+1
			d.Next = x.Now().Add(ops.Jitter(x, pace.Timeout/10<<min(d.Tries, 16), pace.Timeout/40<<min(d.Tries, 16)))
			out.Retried, out.Sent = out.Retried+1, out.Sent+n
		}
		if short(d.Acknowledged, d.Seen) == 0 && Behind(d.Seen, s.Mine) > 0 {
			d.Seen, d.Since = s.Mine, x.Now()
		}
		if err := d.put(before, known, t); err != nil {
			return out, err
		}
	}
	return out, leave(s, near, t, &out)
})

// due tells whether an acknowledgement is overdue and a delivery may be tried.
func (d Delivery) due(now graph.Time, pace Pace) bool {
	return d.Tries < pace.Retries && d.Refused == "" && now >= d.Next && now.Sub(d.Since) >= pace.Timeout && short(d.Acknowledged, d.Seen) > 0
}

func (d Delivery) put(before Delivery, known bool, t *deliveries) error {
	if known && d.same(before) {
		return nil
	}
	return t.Put(d, graph.Forever)
}

func (d Delivery) same(o Delivery) bool {
	return d.Peer == o.Peer && d.Since == o.Since && d.Next == o.Next && d.Turn == o.Turn && d.Open == o.Open && d.Tries == o.Tries &&
		d.Retries == o.Retries && d.Refused == o.Refused && d.Away == o.Away && d.Back == o.Back && slices.Equal(d.Acknowledged, o.Acknowledged) && slices.Equal(d.Seen, o.Seen)
}

// leave notes who is away, and prunes.
func leave(s Sight, near map[graph.Peer]bool, t *deliveries, out *Stepped) error {
	for _, d := range t.View().All() {
		before := d
		switch {
		case !near[d.Peer] && s.Prune:
			t.Remove(d.Peer)
			out.Pruned++
			continue
		case !near[d.Peer]:
			d.Away, d.Back = true, true
		case s.Prune && d.Refused != "":
			d.Refused, d.Tries = "", 0
			out.Pruned++
		}
		if err := d.put(before, true, t); err != nil {
			return err
		}
	}
	return nil
}

// Delivers tells the changes that begin a delivery from the others.
var Delivers = graph.Branch(Ops, "delivers", 1, func(_ *graph.Tick, c graph.Change[Delivery]) (Delivery, bool, error) {
	return c.New, c.Kind != graph.Removed && c.Kind != graph.Evicted && c.New.Turn != c.Old.Turn && c.New.Open > 0, nil
})

// Unacknowledged asks for the oldest that the peer of a delivery has not acknowledged.
var Unacknowledged = graph.Op2(Ops, "unacknowledged", 1, func(_ *graph.Tick, d Delivery, p Pace) (Queued, error) {
	return Queued{d.Acknowledged, p.Whole().Batch}, nil
})

// To is the peer of a delivery.
var To = graph.Op1(Ops, "to", 1, func(_ *graph.Tick, d Delivery) (graph.Peer, error) { return d.Peer, nil })

// Delivered is what a peer delivers, to be taken in.
var Delivered = graph.Op1(Ops, "delivered", 1, func(_ *graph.Tick, r *graph.Request[Batch, Ack]) (Batch, error) { return r.Value, nil })

// Acknowledge answers a delivery, once it is synced: what is held of the chains of who delivers.
var Acknowledge = graph.Op3(Ops, "acknowledge", 1, func(_ *graph.Tick, in Intake, r *graph.Request[Batch, Ack], o Outbox) (Ack, error) {
	return Ack{clip(o.Theirs(r.From)), in.Refused}, nil
})

// Doubt begins a round with who delivers deltas whose past is unknown here.
var Doubt = graph.Op3(Ops, "doubt", 1, func(_ *graph.Tick, in Intake, r *graph.Request[Batch, Ack], t *rounds) (graph.Done, error) {
	if len(in.Missing) == 0 {
		return graph.Done{}, nil
	}
	return graph.Done{}, open(t, r.From, Asked, mostAsked)
})

func clip(tips []dag.Tip) []dag.Tip { return tips[:min(len(tips), maxAckTips)] }

// Settle ends a delivery with what its peer has acknowledged. A refusal alone is a failure; an acknowledgement that cannot be
// one is as good as a refusal.
var Settle = graph.Op3(Ops, "settle", 1, func(_ *graph.Tick, a Ack, was Delivery, t *deliveries) (graph.Done, error) {
	d, ok := t.Get(was.Peer)
	if !ok {
		return graph.Done{}, nil
	}
	if err := a.check(); err != nil {
		d.Refused = err.Error()
	} else {
		d.acknowledge(a.Tips)
		d.Refused = a.Refused
	}
	d.Open = 0
	return graph.Done{}, t.Put(d, graph.Forever)
})

// settle notes what a peer has acknowledged. A stranger gets no row.
func settle(t *deliveries, p graph.Peer, near bool, a Ack) error {
	if err := a.check(); err != nil {
		return err
	}
	d, known := t.Get(p)
	if !known && !near {
		return nil
	}
	before := d
	d.Peer = p
	d.acknowledge(a.Tips)
	return d.put(before, known, t)
}

func (a Ack) check() error {
	if len(a.Tips) > maxAckTips {
		return graph.Fail(graph.TooLarge, "%d tips acknowledged, the bound is %d", len(a.Tips), maxAckTips)
	}
	if !slices.IsSortedFunc(a.Tips, dag.Tip.Compare) {
		return graph.Fail(graph.Malformed, "%d tips acknowledged, not in their order", len(a.Tips))
	}
	return nil
}

// acknowledge adds to what is acknowledged. What was overtaken on its way takes nothing back.
func (d *Delivery) acknowledge(tips []dag.Tip) {
	if !d.Back {
		tips = latest(d.Acknowledged, tips)
	}
	if short(tips, d.Seen) < short(d.Acknowledged, d.Seen) {
		d.Tries, d.Refused = 0, ""
	}
	d.Acknowledged, d.Back = tips, false
}

// Unsettled ends a delivery that brought no answer. It is tried again later, unless the peer said that it never takes it.
var Unsettled = graph.Op3(Ops, "unsettled", 1, func(_ *graph.Tick, f graph.Failure, was Delivery, t *deliveries) (graph.Done, error) {
	d, ok := t.Get(was.Peer)
	if !ok {
		return graph.Done{}, nil
	}
	d.Open = 0
	switch f.Reason {
	case graph.Denied, graph.TooLarge, graph.Malformed, graph.Mismatch:
		d.Refused = f.Error()
	}
	return graph.Done{}, t.Put(d, graph.Forever)
})

// Acknowledged notes what a peer has acknowledged of itself.
var Acknowledged = graph.Op3(Ops, "acknowledged", 1, func(_ *graph.Tick, r *graph.Received[Ack], near []graph.Peer, t *deliveries) (graph.Done, error) {
	return graph.Done{}, settle(t, r.From, slices.Contains(near, r.From), r.Value)
})

// Agreed notes that another holds all that is held here, unless something was synced here since they compared. What was
// written here is read first: what comes after it is in the digest.
var Agreed = graph.Op4(Ops, "agreed", 1, func(_ *graph.Tick, m Match, o Outbox, l Log, t *deliveries) (graph.Done, error) {
	if m.Digest.IsZero() {
		return graph.Done{}, nil
	}
	mine := o.Mine()
	if l.Digest() != m.Digest {
		return graph.Done{}, nil
	}
	return graph.Done{}, settle(t, m.Peer, m.Near, Ack{Tips: clip(mine)})
})

// Owing is when acknowledgements that are owed go out; zero when none is.
type Owing struct {
	At graph.Time
}

// A Receipt is the acknowledgement that a peer was sent last.
type Receipt struct {
	Peer   graph.Peer
	Digest dag.ID
}

// Key is the receipt's place in its table.
func (r Receipt) Key() graph.Peer { return r.Peer }

// Owe notes that something was taken in that is to be acknowledged.
var Owe = graph.Op2(Ops, "owe", 1, func(x *graph.Tick, in Intake, t *graph.One[Owing]) (graph.Done, error) {
	if o, _ := t.Get(); in.Admitted == 0 || o.At != 0 {
		return graph.Done{}, nil
	}
	return graph.Done{}, t.Set(Owing{x.Now().Add(ops.Jitter(x, acksEvery, acksEvery/4))})
})

// An Owed is an acknowledgement and whom it is for.
type Owed struct {
	To  graph.Peer
	Ack Ack
}

// Due is the time at which acknowledgements go out. From then on others are owed.
var Due = graph.Op2(Ops, "due", 1, func(_ *graph.Tick, at graph.Time, owing *graph.One[Owing]) (graph.Time, error) {
	owing.Remove()
	return at, nil
})

// Collect gives the acknowledgements of what is held of the neighbours' chains and was not acknowledged to them yet.
var Collect = graph.Op4(Ops, "collect", 1, func(_ *graph.Tick, _ graph.Time, near []graph.Peer, t *graph.Rows[graph.Peer, Receipt], o Outbox) ([]Owed, error) {
	var out []Owed
	for _, p := range near[:min(len(near), maxDeliveries)] {
		tips := clip(o.Theirs(p))
		if len(tips) == 0 {
			continue
		}
		digest := dag.Digest(tips)
		if was, _ := t.Get(p); was.Digest == digest {
			continue
		}
		if err := t.Put(Receipt{p, digest}, receiptTTL); err != nil {
			return nil, err
		}
		out = append(out, Owed{p, Ack{Tips: tips}})
	}
	return out, nil
})

// receiptTTL is after what time an acknowledgement that may have been lost is sent again, when something is owed.
const receiptTTL = time.Minute

// AckOf is what is owed.
var AckOf = graph.Op1(Ops, "ack_of", 1, func(_ *graph.Tick, o Owed) (Ack, error) { return o.Ack, nil })

// AckTo is whom it is owed to.
var AckTo = graph.Op1(Ops, "ack_to", 1, func(_ *graph.Tick, o Owed) (graph.Peer, error) { return o.To, nil })
