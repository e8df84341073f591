package replicate

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"lukechampine.com/blake3"
	"pgregory.net/rapid"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/graph/graphtest"
)

// tip makes the tip of a chain, with an id for each seq.
func tipOf(chain, seq int) dag.Tip {
	c := dag.ID(blake3.Sum256(fmt.Append(nil, "chain", chain)))
	return dag.Tip{Chain: c, ID: blake3.Sum256(fmt.Append(nil, chain, seq)), Seq: uint64(seq)}
}

// sorted gives tips in their order.
func sorted(tips []dag.Tip) []dag.Tip {
	slices.SortFunc(tips, dag.Tip.Compare)
	return tips
}

// reconcileAll goes through a reconciliation as the protocol does, and gives the chains found and the requests made.
func reconcileAll(t interface{ Fatalf(string, ...any) }, a, b []dag.Tip, salt dag.ID, from int) ([]dag.ID, int) {
	mine, theirs := sumsOf(a, salt), sumsOf(b, salt)
	parts := mine.split(nil, nil)
	from %= len(parts)
	f := Sifting{Open: slices.Concat(parts[from:], parts[:from])}
	for !f.over() {
		f.Asked++
		q := mine.ask(f.Open)
		if !apart(q) {
			t.Fatalf("request %d: the spans overlap: %v", f.Asked, q)
		}
		var err error
		if f, err = f.take(theirs.narrow(q), mine); err != nil {
			t.Fatalf("request %d: %v", f.Asked, err)
		}
	}
	slices.SortFunc(f.Differ, dag.ID.Compare)
	return slices.Compact(f.Differ), f.Asked
}

// DATA 4.2, step 3: exactly the chains whose tips differ are found.
func TestRule4_2_RangesFindWhatDiffers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 3000).Draw(t, "chains")
		apartBy := rapid.SampledFrom([]int{1, 2, 10, 1000}).Draw(t, "one in")
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		var a, b []dag.Tip
		var want []dag.ID
		for c := range n {
			tip := tipOf(c, 1)
			how := 0
			if r.IntN(apartBy) == 0 {
				how = 1 + r.IntN(4)
				want = append(want, tip.Chain)
			}
			if how != 1 {
				a = append(a, tip)
			}
			switch how {
			case 0, 1:
				b = append(b, tip)
			case 3: // the other is ahead
				b = append(b, tipOf(c, 2))
			case 4: // it has a fork
				b = append(b, tip, tipOf(c, 3))
			}
		}
		slices.SortFunc(want, dag.ID.Compare)
		salt := dag.ID{byte(r.Uint64())}
		got, asked := reconcileAll(t, sorted(a), sorted(b), salt, r.IntN(spanFan))
		if apartBy < 10 && len(got) == 0 && asked == 1 {
			return // so many differ that all are told
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%d chains found, %d differ", len(got), len(want))
		}
	})
}

// The sums depend on the salt: what collides under one does not under another.
func TestRule4_2_SumsAreSalted(t *testing.T) {
	tips := sorted([]dag.Tip{tipOf(1, 1), tipOf(2, 1)})
	_, one := dag.Sums(tips, dag.ID{1})
	_, two := dag.Sums(tips, dag.ID{2})
	if one[0] == two[0] || one[1] == two[1] {
		t.Error("the salt changes nothing")
	}
	w := graphtest.New(t)
	many := &stubborn{digest: 1}
	for c := range fewTips + 1 {
		many.tips = append(many.tips, tipOf(c, 1))
	}
	sorted(many.tips)
	_, near := start(w, "a", many)
	var salts []dag.ID
	w.Stranger("x", func(m graph.Message) []graph.Message {
		if m.Channel == "reconcile" {
			q, err := graph.Decode[Spans](m.Payload)
			if err != nil {
				t.Fatal(err)
			}
			salts = append(salts, q.Salt)
			return graphtest.Reply(m, Narrowed{Done: len(q.Spans)})
		}
		return differs(func() Pages { return Pages{} })(m)
	})
	near.Set([]graph.Peer{"x"})
	w.Pass(5 * time.Minute)
	slices.SortFunc(salts, dag.ID.Compare)
	if len(salts) < 5 || len(slices.Compact(slices.Clone(salts))) != len(salts) {
		t.Errorf("%d reconciliations do not have a salt each", len(salts))
	}
}

// What an answer may do to who asks is bounded, whatever it says.
func TestHostileNarrowing(t *testing.T) {
	var a []dag.Tip
	for c := range 2000 {
		a = append(a, tipOf(c, 1))
	}
	mine := sumsOf(sorted(a), dag.ID{1})
	wrong := make([]Span, maxSpans)
	told := make([]Told, maxSpans)
	for i := range wrong {
		wrong[i].Sum = uint64(i)
		told[i] = Told{Chains: make([]dag.ID, 8), Sums: make([]uint64, 8)}
	}
	pieces := make([]Told, 256) // which do not overlap
	for i := range pieces {
		pieces[i] = Told{From: []byte{byte(i)}, To: []byte{byte(i + 1)}, Chains: make([]dag.ID, 17), Sums: make([]uint64, 17)}
	}
	pieces[255].To = nil
	for name, answer := range map[string]Narrowed{
		"nothing done":     {},
		"more than asked":  {Done: maxSpans + 1},
		"all over again":   {Done: 1, Spans: wrong[:1]},
		"all, many times":  {Done: 1, Spans: wrong},
		"many chains":      {Done: 1, Told: told},
		"none, many times": {Done: 1, Told: make([]Told, maxSpans)},
		"each too many":    {Done: 1, Told: pieces},
		"one without sum":  {Done: 1, Told: []Told{{Chains: make([]dag.ID, 1)}}},
		"too many spans":   {Done: 1, Spans: append(wrong, Span{})},
		"spans backwards":  {Done: 1, Spans: []Span{{From: []byte{9}, To: []byte{1}}}},
	} {
		f := Sifting{Open: mine.split(nil, nil)}
		var err error
		for err == nil && !f.over() && f.Asked <= 2*maxSifts {
			f.Asked++
			f, err = f.take(answer, mine)
		}
		if len(f.Open) > maxOpenSpans+maxSpans*spanFan || f.Asked > maxSifts || len(f.Differ) > maxDiffering+maxToldChains+len(a) {
			t.Errorf("%s: %d open, %d chains, after %d", name, len(f.Open), len(f.Differ), f.Asked)
		}
	}
	for name, spans := range map[string][]Span{
		"twice the same":  {{}, {}},
		"backwards":       {{From: []byte{9}, To: []byte{1}}},
		"overlapping":     {{From: []byte{1}, To: []byte{5}}, {From: []byte{4}, To: []byte{9}}},
		"two jumps":       {{From: []byte{5}, To: []byte{6}}, {From: []byte{3}, To: []byte{4}}, {From: []byte{1}, To: []byte{2}}},
		"around, and on":  {{From: []byte{5}}, {From: []byte{1}, To: []byte{6}}},
		"longer than ids": {{From: make([]byte, 33)}},
		"empty":           {{From: []byte{1}, To: []byte{1, 0}}},
	} {
		if apart(spans) {
			t.Errorf("%s: is taken for spans that do not overlap", name)
		}
	}
	w := graphtest.New(t)
	start(w, "a", journals(t, 1, 1)[0])
	var n Narrowed
	if f := w.Ask("x", "a", "reconcile", Spans{Spans: []Span{{}, {}}}, &n); f == nil || f.Reason != graph.Malformed {
		t.Errorf("spans that overlap: %v", f)
	}
	if f := w.Ask("x", "a", "reconcile", Spans{Spans: make([]Span, maxSpans+1)}, &n); f == nil || f.Reason != graph.TooLarge {
		t.Errorf("too many spans: %v", f)
	}
}

// FuzzSpans: whatever is asked is refused or answered within the bounds.
func FuzzSpans(f *testing.F) {
	var a []dag.Tip
	for c := range 500 {
		a = append(a, tipOf(c, 1))
	}
	s := sumsOf(sorted(a), dag.ID{1})
	for _, q := range []Spans{{Spans: s.split(nil, nil)}, {Spans: []Span{{Sum: 1}}}, {Spans: []Span{{From: []byte{9}}, {To: []byte{9}}}}} {
		b, err := graph.Encode(q)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		q, err := graph.Decode[Spans](b)
		if err != nil || len(q.Spans) > maxSpans || !apart(q.Spans) {
			return
		}
		out, chains := s.narrow(q.Spans), 0
		for _, t := range out.Told {
			chains += len(t.Chains)
		}
		if chains > maxToldChains || len(out.Spans) > maxSpans || out.Done > len(q.Spans) || len(q.Spans) > 0 && out.Done == 0 {
			t.Fatalf("%d chains, %d spans, %d of %d done", chains, len(out.Spans), out.Done, len(q.Spans))
		}
	})
}

// DATA 4.2, step 3, measured: what it costs to find what differs in 10,000 chains, beside telling all tips.
func TestReconcileCosts(t *testing.T) {
	const chains = 10_000
	all := chains * 34
	for _, d := range []int{1, 100, chains} {
		a, b := &stubborn{digest: 1}, &stubborn{digest: 2}
		for c := range chains {
			a.tips = append(a.tips, tipOf(c, 1))
			b.tips = append(b.tips, tipOf(c, 1+c%(chains/d)/max(1, chains/d-1)))
		}
		if d == chains {
			for c := range chains {
				b.tips[c] = tipOf(c, 2)
			}
		}
		sorted(a.tips)
		sorted(b.tips)
		w := graphtest.New(t)
		_, near := start(w, "a", a)
		start(w, "b", b)
		near.Set([]graph.Peer{"b"})
		w.Settle()
		first := slices.IndexFunc(w.Sent, func(m graph.Message) bool { return m.Channel == "fetch" })
		w.Sent = w.Sent[:first+1]
		h, err := graph.Decode[Have](w.Sent[first].Payload)
		if err != nil {
			t.Fatal(err)
		}
		sent := slices.Clone(w.Sent)
		c := costOf(w)
		t.Logf("%d of %d chains differ: %d requests, %d bytes, of them the last %d; all tips told: %d bytes", d, chains, c.trips, c.bytes, len(sent[first].Payload), all)
		switch d {
		case 1:
			if c.bytes > all/50 || c.trips > 4 || len(h.Chains) != 1 {
				t.Errorf("one: %+v, %d chains", c, len(h.Chains))
			}
		case 100:
			if c.bytes > all/4 || c.trips > 6 || len(h.Chains) != 100 {
				t.Errorf("a hundred: %+v, %d chains", c, len(h.Chains))
			}
		default: // it sees so after one request, and tells all tips
			if c.bytes > all*11/10 || c.trips > 3 || len(h.Chains) != 0 || len(h.Held) < chains {
				t.Errorf("all: %+v, %d chains", c, len(h.Chains))
			}
		}
		var salt dag.ID
		binary.BigEndian.PutUint64(salt[:], 7)
		found, _ := reconcileAll(t, a.tips, b.tips, salt, 3)
		if d < chains && len(found) != d {
			t.Errorf("%d chains found, %d differ", len(found), d)
		}
	}
}

// With more tips than are told whole a round finds the chains that differ, and fetches of them alone.
func TestManyTips(t *testing.T) {
	const authors = 1500
	w := graphtest.New(t)
	js := journals(t, 2, authors)
	for k := range authors {
		js[0].write(t, k, 3, 40)
	}
	start(w, "a", js[0])
	b, near := start(w, "b", js[1])
	near.Set([]graph.Peer{"a"})
	w.Pass(time.Millisecond)
	if js[0].Digest() != js[1].Digest() {
		t.Fatal("the first catch-up did not do")
	}
	again := func(what string, write func()) {
		near.Set(nil)
		w.Pass(time.Millisecond)
		w.Sent, js[1].got = nil, nil
		b, near = start(w, "b", js[1]) // which has forgotten what the two agreed on
		write()
		near.Set([]graph.Peer{"a"})
		w.Pass(time.Millisecond)
		if js[0].Digest() != js[1].Digest() {
			t.Errorf("%s: %d requests did not do", what, w.Count("b", "fetch", graph.RequestMsg))
		}
		if known := duplicates(js[1]); known > 0 || len(b.Failures) > 0 {
			t.Errorf("%s: %d deltas were sent again, failures %v", what, known, b.Failures)
		}
		if w.Count("b", "reconcile", graph.RequestMsg) == 0 {
			t.Errorf("%s: nothing was reconciled", what)
		}
	}
	again("one in a hundred", func() {
		for k := 0; k < authors; k += 100 {
			js[0].write(t, k, 2, 40)
		}
	})
	again("one after the other", func() {
		for k := range 5 {
			js[0].write(t, k*7, 200, 40)
		}
	})
	again("on both sides", func() {
		js[0].write(t, 1, 5, 40)
		js[1].write(t, 2, 5, 40)
	})
}

func duplicates(l *journal) (n int) {
	for _, in := range l.got {
		n += in.Duplicate
	}
	return n
}
