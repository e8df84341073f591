package replicate

import (
	"slices"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
)

// The bounds of a reconciliation. One request costs who answers it one hash for each chain held and one search for each span.
const (
	// spanFan is into how many a differing span is split.
	spanFan = 16
	// spanLeaf is how many chains a span may have to be told whole.
	spanLeaf = 32
	// maxSpans is of one message.
	maxSpans = 1024
	// maxToldChains is of one answer.
	maxToldChains = 4096
	// maxOpenSpans and maxDiffering are of one reconciliation, maxSifts its requests.
	maxOpenSpans = 16 * maxSpans
	maxDiffering = 16384
	maxSifts     = 64
)

// A Span is the chains from From on and before To, which are the first bytes of a chain's id; an empty To is the end. Sum is
// over what the sender holds there: who holds the same has the same sum.
type Span struct {
	From []byte `cbor:"from"`
	To   []byte `cbor:"to"`
	Sum  uint64 `cbor:"sum"`
}

// Spans asks which of some spans differ. They do not overlap, and stand in order but for one jump back. The salt is drawn for
// each reconciliation, so nobody can prepare deltas whose sums collide.
type Spans struct {
	Salt  dag.ID `cbor:"salt"`
	Spans []Span `cbor:"spans"`
}

// Narrowed answers for the first Done spans of a request. One that has the same sum is left out; of another the chains are
// told when they are few, else it is split.
type Narrowed struct {
	Done  int    `cbor:"done"`
	Spans []Span `cbor:"spans"`
	Told  []Told `cbor:"told"`
}

// Told is all chains of a span, each with its sum.
type Told struct {
	From   []byte   `cbor:"from"`
	To     []byte   `cbor:"to"`
	Chains []dag.ID `cbor:"chains"`
	Sums   []uint64 `cbor:"sums"`
}

// sums is what a node holds, as one reconciliation sees it. The sum of a span is that of its chains, modulo 2⁶⁴.
type sums struct {
	chains []dag.ID
	each   []uint64
	before []uint64 // of the chains before each, and of all
}

func sumsOf(tips []dag.Tip, salt dag.ID) sums {
	s := sums{before: []uint64{0}}
	s.chains, s.each = dag.Sums(tips, salt)
	for i, v := range s.each {
		s.before = append(s.before, s.before[i]+v)
	}
	return s
}

// bound is the least id that begins with b.
func bound(b []byte) (id dag.ID) {
	copy(id[:], b)
	return id
}

// within gives the places of the chains of a span.
func (s sums) within(from, to []byte) (lo, hi int) {
	lo, _ = slices.BinarySearchFunc(s.chains, bound(from), dag.ID.Compare)
	if hi = len(s.chains); len(to) > 0 {
		hi, _ = slices.BinarySearchFunc(s.chains, bound(to), dag.ID.Compare)
	}
	return lo, max(lo, hi)
}

func (s sums) of(lo, hi int) uint64 { return s.before[hi] - s.before[lo] }

// split gives the parts of a span, with as many chains in each as in another, and their sums.
func (s sums) split(from, to []byte) (parts []Span) {
	lo, hi := s.within(from, to)
	for k := range spanFan {
		a, b := lo+(hi-lo)*k/spanFan, lo+(hi-lo)*(k+1)/spanFan
		if a == b {
			continue
		}
		p := Span{From: from, To: to, Sum: s.of(a, b)}
		if len(parts) > 0 {
			p.From = parts[len(parts)-1].To
		}
		if b < hi {
			p.To = between(s.chains[b-1], s.chains[b])
		}
		parts = append(parts, p)
	}
	if len(parts) == 0 {
		return []Span{{From: from, To: to}}
	}
	return parts
}

// between gives the shortest beginning of b that is over a.
func between(a, b dag.ID) []byte {
	n := 0
	for a[n] == b[n] {
		n++
	}
	return b[:n+1]
}

// narrow answers a request.
func (s sums) narrow(asked []Span) (out Narrowed) {
	told := 0
	for _, p := range asked {
		lo, hi := s.within(p.From, p.To)
		switch {
		case s.of(lo, hi) == p.Sum:
		case hi-lo <= spanLeaf:
			if told += hi - lo; told > maxToldChains || len(out.Told) == maxSpans {
				return out
			}
			out.Told = append(out.Told, Told{p.From, p.To, s.chains[lo:hi], s.each[lo:hi]})
		case len(out.Spans)+spanFan > maxSpans:
			return out
		default:
			out.Spans = append(out.Spans, s.split(p.From, p.To)...)
		}
		out.Done++
	}
	return out
}

// differing gives the chains of a told span that are held otherwise here, or not at all, or here alone.
func (s sums) differing(t Told) (out []dag.ID) {
	lo, hi := s.within(t.From, t.To)
	theirs := make(map[dag.ID]uint64, len(t.Chains))
	for i, c := range t.Chains {
		theirs[c] = t.Sums[i]
		if k, held := slices.BinarySearchFunc(s.chains, c, dag.ID.Compare); !held || s.each[k] != t.Sums[i] {
			out = append(out, c)
		}
	}
	for _, c := range s.chains[lo:hi] {
		if _, told := theirs[c]; !told {
			out = append(out, c)
		}
	}
	return out
}

// ask gives the first open spans with what is held in them now.
func (s sums) ask(open []Span) []Span {
	out := slices.Clone(open[:min(len(open), maxSpans)])
	for i, p := range out {
		out[i].Sum = s.of(s.within(p.From, p.To))
	}
	return out
}

// apart tells whether spans are in order but for one jump back, and none overlaps another.
func apart(spans []Span) bool {
	jumps := 0
	for i, p := range spans {
		if len(p.From) > len(dag.ID{}) || len(p.To) > len(dag.ID{}) || len(p.To) > 0 && bound(p.From).Compare(bound(p.To)) >= 0 {
			return false
		}
		if i == 0 {
			continue
		}
		before := spans[i-1]
		if len(before.To) == 0 || bound(p.From).Compare(bound(before.To)) < 0 {
			jumps++
		}
		if jumps > 0 && (len(p.To) == 0 || bound(p.To).Compare(bound(spans[0].From)) > 0) {
			return false
		}
	}
	return jumps <= 1
}

// A Sifting is how far a round has come in finding the chains in which two nodes differ.
type Sifting struct {
	Salt   dag.ID
	Asked  int
	Open   []Span   // what is still to be asked, in the order of asking
	Differ []dag.ID // the chains found
	Dense  bool     // so many differ that telling all tips is less
}

// check tells whether an answer is one that narrow may give. A span that is told twice would find each chain in it twice.
func (a Narrowed) check() error {
	chains, told := 0, make([]Span, len(a.Told))
	for i, t := range a.Told {
		if len(t.Chains) != len(t.Sums) {
			return graph.Fail(graph.Malformed, "%d chains with %d sums", len(t.Chains), len(t.Sums))
		}
		chains += len(t.Chains)
		told[i] = Span{From: t.From, To: t.To}
	}
	if chains > maxToldChains || !apart(a.Spans) || !apart(told) {
		return graph.Fail(graph.Malformed, "%d chains, at most %d are told, of spans that do not overlap", chains, maxToldChains)
	}
	return nil
}

// take goes on with an answer.
func (f Sifting) take(a Narrowed, s sums) (Sifting, error) {
	if a.Done < 1 || a.Done > min(len(f.Open), maxSpans) || len(a.Spans) > maxSpans || len(a.Told) > maxSpans {
		return f, graph.Fail(graph.Malformed, "an answer for %d of %d spans", a.Done, len(f.Open))
	}
	if err := a.check(); err != nil {
		return f, err
	}
	var open []Span
	differing := 0
	for _, p := range a.Spans {
		lo, hi := s.within(p.From, p.To)
		if s.of(lo, hi) != p.Sum {
			differing++
		}
		switch {
		case s.of(lo, hi) == p.Sum:
		case hi-lo <= spanLeaf:
			open = append(open, Span{From: p.From, To: p.To})
		default:
			open = append(open, s.split(p.From, p.To)...)
		}
	}
	differ := slices.Clone(f.Differ)
	for _, t := range a.Told {
		differ = append(differ, s.differing(t)...)
	}
	f.Dense = f.Asked == 1 && len(s.chains) <= MaxPlaces && len(a.Spans) == spanFan*spanFan && differing*8 > len(a.Spans)*7
	f.Open, f.Differ = append(open, f.Open[a.Done:]...), differ
	if len(f.Open) > maxOpenSpans {
		return f, graph.Fail(graph.TooLarge, "%d spans are open, the bound is %d", len(f.Open), maxOpenSpans)
	}
	return f, nil
}

// over tells whether nothing more is to be asked. What is not found yet, a later round finds.
func (f Sifting) over() bool {
	return f.Dense || len(f.Open) == 0 || len(f.Differ) >= maxDiffering || f.Asked >= maxSifts
}
