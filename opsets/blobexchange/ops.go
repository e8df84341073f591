package blobexchange

import (
	"slices"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/ops"
)

// Ops is the opset of the exchange.
var Ops = graph.NewOpset("blobexchange")

type (
	wants     = graph.Rows[string, Want]
	questions = graph.Rows[string, Question]
)

const (
	questionTTL = 10 * time.Second
	maxWithin   = 24 * time.Hour
)

func isMember(p graph.Peer, members []graph.Peer) bool {
	_, ok := slices.BinarySearch(members, p)
	return ok
}

// Begin wants a blob that is not here, or wants it for longer.
var Begin = graph.Op3(Ops, "begin", 1, func(x *graph.Tick, r *graph.Request[Fetch, graph.Done], b Blobs, t *wants) (graph.Done, error) {
	within := r.Value.Within
	if within <= 0 || within > maxWithin {
		return graph.Done{}, graph.Fail(graph.Malformed, "a blob is wanted within %v: give more than nothing and at most %v", within, maxWithin)
	}
	if _, held := b.Size(r.Value.ID); held {
		return graph.Done{}, nil
	}
	ends := x.Now().Add(within)
	w, ok := t.Get(string(r.Value.ID[:]))
	switch {
	case ok && w.Ends >= ends:
		return graph.Done{}, nil
	case !ok:
		w = Want{ID: r.Value.ID, Step: x.Rand() >> 1} // what is still under way for an earlier want is not taken for this one's
	}
	w.Ends = ends
	return graph.Done{}, t.Put(w, within)
})

// Seeking tells a want that needs a source from the other changes.
var Seeking = graph.Branch(Ops, "seeking", 1, func(_ *graph.Tick, c graph.Change[Want]) (graph.Change[Want], bool, error) {
	return c, (c.Kind == graph.Inserted || c.Kind == graph.Updated) && c.New.Source == "", nil
})

// Spread asks every member.
var Spread = graph.Op3(Ops, "spread", 1, func(x *graph.Tick, c graph.Change[Want], members []graph.Peer, t *questions) (graph.Done, error) {
	return graph.Done{}, spread(x, c.New, members, t)
})

// SpreadAgain asks again for what nobody had, those too that failed.
var SpreadAgain = graph.Op4(Ops, "spread_again", 1, func(x *graph.Tick, _ graph.Time, open graph.View[string, Want], members []graph.Peer, t *questions) (graph.Done, error) {
	for i := range open.Len() {
		if w := open.At(i); w.Source == "" {
			w.Bad = nil
			if err := spread(x, w, members, t); err != nil {
				return graph.Done{}, err
			}
		}
	}
	return graph.Done{}, nil
})

// spread asks each member that did not just fail. It begins anywhere among them: when the table is full the rest is asked
// another time.
func spread(x *graph.Tick, w Want, members []graph.Peer, t *questions) error {
	if len(members) == 0 {
		return nil
	}
	first := ops.Below(x, len(members))
	for i := range members {
		p := members[(first+i)%len(members)]
		if p == x.Self() || slices.Contains(w.Bad, p) {
			continue
		}
		q := Question{w.ID, p}
		if _, open := t.Get(q.Key()); open {
			continue
		}
		switch err := t.Put(q, questionTTL); graph.ReasonOf(err) {
		case graph.None:
		case graph.Busy:
			return nil
		default:
			return err
		}
	}
	return nil
}

// Asking tells a new question from one that is over.
var Asking = graph.Branch(Ops, "asking", 1, func(_ *graph.Tick, c graph.Change[Question]) (Question, bool, error) {
	return c.New, c.Kind == graph.Inserted, nil
})

// Has asks for a blob.
var Has = graph.Op1(Ops, "has", 1, func(_ *graph.Tick, q Question) (Which, error) { return Which{q.ID}, nil })

// Of is whom a question is put to.
var Of = graph.Op1(Ops, "of", 1, func(_ *graph.Tick, q Question) (graph.Peer, error) { return q.Of, nil })

// Holds answers from what the node holds.
var Holds = graph.Op2(Ops, "holds", 1, func(_ *graph.Tick, r *graph.Request[Which, Held], b Blobs) (Held, error) {
	size, ok := b.Size(r.Value.ID)
	return Held{ok, size}, nil
})

// Choose takes the first that has the blob as the source.
var Choose = graph.Op4(Ops, "choose", 1, func(x *graph.Tick, h Held, q Question, t *wants, open *questions) (graph.Done, error) {
	open.Remove(q.Key())
	w, ok := t.Get(string(q.ID[:]))
	if !ok || !h.Held || w.Source != "" || h.Size < 0 {
		return graph.Done{}, nil
	}
	w.Source, w.Size, w.Open = q.Of, h.Size, false
	w.Step++
	return graph.Done{}, put(x, t, w)
})

// Forget drops a question that failed.
var Forget = graph.Op3(Ops, "forget", 1, func(_ *graph.Tick, _ graph.Failure, q Question, open *questions) (graph.Done, error) {
	open.Remove(q.Key())
	return graph.Done{}, nil
})

// Fetching tells a want that has a slice to ask for from the other changes.
var Fetching = graph.Branch(Ops, "fetching", 1, func(_ *graph.Tick, c graph.Change[Want]) (Want, bool, error) {
	return c.New, c.Kind == graph.Updated && c.New.Source != "" && c.New.Step != c.Old.Step, nil
})

// Opening tells a want whose source was just chosen from one that is under way.
var Opening = graph.Branch(Ops, "opening", 1, func(_ *graph.Tick, w Want) (Want, bool, error) { return w, !w.Open, nil })

// Offered is what the source says it has.
var Offered = graph.Op1(Ops, "offered", 1, func(_ *graph.Tick, w Want) (Offer, error) { return Offer{w.ID, w.Size}, nil })

// Next is the span to ask for.
var Next = graph.Op1(Ops, "next", 1, func(_ *graph.Tick, w Want) (Span, error) { return Span{w.ID, w.Offset, w.Length}, nil })

// Source is whom it is asked of.
var Source = graph.Op1(Ops, "source", 1, func(_ *graph.Tick, w Want) (graph.Peer, error) { return w.Source, nil })

// Cut is the span that another node asks for.
var Cut = graph.Op1(Ops, "cut", 1, func(_ *graph.Tick, r *graph.Request[Span, Slice]) (Span, error) {
	s := r.Value
	if s.Offset < 0 || s.Length < 0 || s.Length > MaxSlice {
		return s, graph.Fail(graph.Malformed, "a span of %d bytes at %d; at most %d are cut at a time", s.Length, s.Offset, MaxSlice)
	}
	return s, nil
})

// Keep is a slice that came, with what it is part of.
var Keep = graph.Op2(Ops, "keep", 1, func(_ *graph.Tick, s Slice, w Want) (Piece, error) {
	return Piece{Offer{w.ID, w.Size}, w.Offset, s.Data}, nil
})

// Advance asks for the next slice, or ends the want.
var Advance = graph.Op3(Ops, "advance", 1, func(x *graph.Tick, p Progress, was Want, t *wants) (graph.Done, error) {
	w, ok := t.Get(was.Key())
	if !ok || w.Step != was.Step {
		return graph.Done{}, nil
	}
	if p.Done {
		t.Remove(w.Key())
		return graph.Done{}, nil
	}
	w.Open, w.Offset, w.Length = true, p.Offset, p.Length
	w.Step++
	return graph.Done{}, put(x, t, w)
})

// Leave leaves a source that failed, and seeks another.
var Leave = graph.Op3(Ops, "leave", 1, func(x *graph.Tick, _ graph.Failure, was Want, t *wants) (graph.Done, error) {
	w, ok := t.Get(was.Key())
	if !ok || w.Step != was.Step {
		return graph.Done{}, nil
	}
	if !slices.Contains(w.Bad, w.Source) {
		w.Bad = append(slices.Clone(w.Bad), w.Source)
	}
	w.Source = ""
	w.Step++
	return graph.Done{}, put(x, t, w)
})

// put keeps the end of the want.
func put(x *graph.Tick, t *wants, w Want) error {
	left := w.Ends.Sub(x.Now())
	if left <= 0 {
		t.Remove(w.Key())
		return nil
	}
	return t.Put(w, left)
}
