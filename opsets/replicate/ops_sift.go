package replicate

import (
	"encoding/binary"
	"slices"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/ops"
)

// Differ is the round of two that differ. Known says that it is enough to tell what has come since they agreed.
var Differ = graph.Op4(Ops, "differ", 1, func(_ *graph.Tick, _ Verdict, r Round, l Log, agreed *agreements) (Round, error) {
	_, r.Known = since(r, l, agreed)
	return r, nil
})

// Begin waits while another round finds or fetches what lacks: it may bring the same. Else it chooses how to find what lacks: by what has come since the two agreed, by all tips while they are few, else by
// finding the chains that differ first.
var Begin = graph.Op4(Ops, "begin", 1, func(x *graph.Tick, was Round, l Log, few int, t *rounds) (graph.Done, error) {
	r, ok := t.Get(was.Peer)
	if !ok || r.Turn != was.Turn {
		return graph.Done{}, nil
	}
	if h, held := holder(t); held && h.Peer != r.Peer {
		r.Waits = true
		return graph.Done{}, t.Put(r, overtakeAfter)
	}
	if !r.Holds {
		r.Holds, r.Since = true, x.Now()
	}
	tips := l.Tips()
	if r.Known = was.Known; r.Known || len(tips) <= few {
		r.Sifting, r.Fetch = Sifting{}, r.Fetch+1
		return graph.Done{}, t.Put(r, roundTTL)
	}
	r.Sifting = Sifting{Asked: 1}
	for k := 0; k < len(r.Sifting.Salt); k += 8 {
		binary.BigEndian.PutUint64(r.Sifting.Salt[k:], x.Rand())
	}
	// It begins anywhere: when not all that differs fits, no chain is left for last time after time.
	parts := sumsOf(tips, r.Sifting.Salt).split(nil, nil)
	at := ops.Below(x, len(parts))
	r.Sifting.Open = slices.Concat(parts[at:], parts[:at])
	return graph.Done{}, t.Put(r, roundTTL)
})

// Sifts tells the changes with which a reconciliation goes on from the others.
var Sifts = graph.Branch(Ops, "sifts", 1, func(_ *graph.Tick, c graph.Change[Round]) (Round, bool, error) {
	return c.New, c.Kind == graph.Updated && c.New.Sifting.Asked > 0 && c.New.Sifting.Asked != c.Old.Sifting.Asked, nil
})

// Sift asks which of a round's spans differ.
var Sift = graph.Op2(Ops, "sift", 1, func(_ *graph.Tick, r Round, l Log) (Spans, error) {
	f := r.Sifting
	return Spans{f.Salt, sumsOf(l.Tips(), f.Salt).ask(f.Open)}, nil
})

// Narrow answers which spans differ, and where in them.
var Narrow = graph.Op2(Ops, "narrow", 1, func(_ *graph.Tick, r *graph.Request[Spans, Narrowed], l Log) (Narrowed, error) {
	q := r.Value
	if len(q.Spans) > maxSpans {
		return Narrowed{}, graph.Fail(graph.TooLarge, "%d spans, the bound is %d", len(q.Spans), maxSpans)
	}
	if !apart(q.Spans) {
		return Narrowed{}, graph.Fail(graph.Malformed, "the spans overlap")
	}
	return sumsOf(l.Tips(), q.Salt).narrow(q.Spans), nil
})

// Sifted goes on with the spans that differ, and fetches when the chains are found.
var Sifted = graph.Op4(Ops, "sifted", 1, func(_ *graph.Tick, a Narrowed, was Round, l Log, t *rounds) (graph.Done, error) {
	r, ok := t.Get(was.Peer)
	if !ok || r.Turn != was.Turn || r.Sifting.Asked != was.Sifting.Asked {
		return graph.Done{}, nil
	}
	f, err := r.Sifting.take(a, sumsOf(l.Tips(), r.Sifting.Salt))
	if err != nil {
		return graph.Done{}, err
	}
	if f.over() && !f.Dense && len(f.Differ) == 0 {
		return graph.Done{}, graph.Fail(graph.Expired, "no chain differs any more, or none is told")
	}
	if f.over() {
		slices.SortFunc(f.Differ, dag.ID.Compare) //lint:total-key equal ids are the same
		f.Differ = slices.Compact(f.Differ)
		f.Open, r.Fetch = nil, r.Fetch+1
	} else {
		f.Asked++
	}
	r.Sifting = f
	return graph.Done{}, t.Put(r, roundTTL)
})

// Fetches tells the changes with which a round fetches from the others.
var Fetches = graph.Branch(Ops, "fetches", 1, func(_ *graph.Tick, c graph.Change[Round]) (Round, bool, error) {
	return c.New, c.Kind == graph.Updated && c.New.Fetch > c.Old.Fetch, nil
})
