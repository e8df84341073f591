package replicate

import (
	"slices"
	"testing"
	"time"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/graph/graphtest"
)

// crowd is a network of nodes that all hold the same, of which the last is a newcomer that holds nothing.
type crowd struct {
	w    *graphtest.World
	js   []*journal
	near *graph.Feed[[]graph.Peer]
	n    *graphtest.Node
}

// newcomer makes a network in which some authors have written, in turns, what some nodes hold.
func newcomer(t *testing.T, nodes, authors, deltas int) *crowd {
	t.Helper()
	c := &crowd{w: graphtest.New(t), js: journals(t, nodes+1, authors)}
	for left := deltas; left > 0; left -= 50 * authors {
		for k := range authors {
			c.js[0].write(t, k, 50, 200)
		}
	}
	for _, j := range c.js[1:nodes] {
		for more := true; more; {
			page, left, err := c.js[0].Journal.Serve(j.ctx, j.Have(), MaxPage)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := j.Journal.Ingest(j.ctx, page); err != nil {
				t.Fatal(err)
			}
			more = left
		}
		if j.Digest() != c.js[0].Digest() {
			t.Fatal("the nodes do not begin equal")
		}
	}
	for i, j := range c.js[:nodes] {
		start(c.w, peerOf(i), j)
	}
	c.n, c.near = start(c.w, "n", c.js[nodes])
	return c
}

func peerOf(i int) graph.Peer { return graph.Peer(string(rune('a' + i))) }

// meet gives the newcomer neighbours, and counts the bytes that each of them sent.
func (c *crowd) meet(near ...graph.Peer) (each map[graph.Peer]int, all int) {
	c.w.Sent = nil
	c.near.Set(near)
	c.w.Pass(time.Minute)
	each = map[graph.Peer]int{}
	for _, m := range c.w.Sent {
		if m.Channel == "fetch" || m.Channel == "part" {
			all += len(m.Payload)
			if m.Kind == graph.ReplyMsg {
				each[m.Relay] += len(m.Payload)
			}
		}
	}
	return each, all
}

func (c *crowd) whole(t *testing.T) {
	t.Helper()
	if c.js[0].Digest() != c.js[len(c.js)-1].Digest() || len(c.n.Failures) > 0 {
		t.Errorf("the newcomer has not caught up; failures %v", c.n.Failures)
	}
}

// DATA 4.3: ranges are split over peers. What is fetched is fetched about once, and each of four serves about a quarter.
func TestRule4_3_RangesAreSplitOverPeers(t *testing.T) {
	for _, authors := range []int{1, 20} {
		_, one := func() (map[graph.Peer]int, int) {
			c := newcomer(t, 1, authors, 32_000)
			defer c.whole(t)
			return c.meet("a")
		}()
		c := newcomer(t, 4, authors, 32_000)
		each, all := c.meet("a", "b", "c", "d")
		c.whole(t)
		t.Logf("%d authors: %d bytes from one, %d from four: %v; %d deltas sent again", authors, one, all, each, duplicates(c.js[4]))
		if all*10 > one*11 {
			t.Errorf("%d authors: %d bytes from four, %d from one", authors, all, one)
		}
		for p, n := range each {
			if len(each) != 4 || n*8 > all*3 || n*8 < all {
				t.Errorf("%d authors: %s sent %d bytes of %d", authors, p, n, all)
			}
		}
	}
}

// DATA 4.3: the portions of one that does not answer, or answers what nobody asked for, go to others.
func TestRule4_3_SlowOnesAreGivenToOthers(t *testing.T) {
	garbage := journals(t, 1, 1)[0].write(t, 0, 1, 1)
	for name, answer := range map[string]func(m graph.Message) []graph.Message{
		"silent":    func(graph.Message) []graph.Message { return nil },
		"garbage":   func(m graph.Message) []graph.Message { return graphtest.Reply(m, Part{Page: []byte("garbage")}) },
		"of others": func(m graph.Message) []graph.Message { return graphtest.Reply(m, Part{Page: garbage}) },
		"nothing":   func(m graph.Message) []graph.Message { return graphtest.Reply(m, Part{}) },
		"lacks":     func(m graph.Message) []graph.Message { return graphtest.Reply(m, Part{Lacks: true}) },
		"busy":      func(m graph.Message) []graph.Message { return graphtest.Refuse(m, graph.Busy, time.Hour) },
	} {
		c := newcomer(t, 2, 3, 9_000)
		asked := 0
		c.w.Stranger("x", func(m graph.Message) []graph.Message {
			switch {
			case m.Kind != graph.RequestMsg:
				return nil
			case m.Channel == "compare":
				return graphtest.Reply(m, Verdict{Equal: true})
			case m.Channel == "part":
				asked++
				return answer(m)
			}
			return nil
		})
		_, all := c.meet("a", "b", "x")
		c.whole(t)
		most := 1
		if name == "garbage" || name == "of others" { // it is known when its turn comes
			most = maxAhead
		}
		if asked == 0 || asked > most {
			t.Errorf("%s: asked %d times", name, asked)
		}
		if n := c.w.Count("n", "fetch", graph.RequestMsg); n != 1 {
			t.Errorf("%s: what others have was named %d times", name, n)
		}
		if n := duplicates(c.js[2]); n > 100 {
			t.Errorf("%s: %d deltas were sent again, %d bytes", name, n, all)
		}
	}
}

// A peer that names what nobody has costs one turn, in which no other is fetched from; then the others are.
func TestRule4_4_ClaimsThatNobodyServes(t *testing.T) {
	c := newcomer(t, 1, 1, 4_000)
	var phantom []Lot
	for i := range maxLots {
		phantom = append(phantom, Lot{Lasts: []dag.ID{{byte(i), 1}}, Counts: []uint64{100}})
	}
	fetched := 0
	c.w.Stranger("0", differs(func() Pages { fetched++; return Pages{More: true, Lots: phantom} }))
	c.meet("0", "a")
	c.whole(t)
	if fetched > 10 {
		t.Errorf("it was fetched from %d times in a minute", fetched)
	}
	for name, lots := range map[string][]Lot{"many lots": make([]Lot, maxLots+1), "counts lack": {{Lasts: []dag.ID{{1}}}}, "nothing": {{}}, "none of one": {{Lasts: []dag.ID{{1}}, Counts: []uint64{0}}}, "many stretches": {{Lasts: make([]dag.ID, maxStretches+1), Counts: make([]uint64, maxStretches+1)}}} {
		w := graphtest.New(t)
		n, near := start(w, "a", journals(t, 1, 1)[0])
		w.Stranger("x", differs(func() Pages { return Pages{More: true, Lots: lots} }))
		near.Set([]graph.Peer{"x"})
		w.Pass(time.Millisecond)
		if got := w.Count("a", "part", graph.RequestMsg); got != 0 || graph.SizeOf(n.Instance, "rounds") != 0 || len(n.Failures) > 0 {
			t.Errorf("%s: %d parts asked for, failures %v", name, got, n.Failures)
		}
	}
	var p Part
	if f := c.w.Ask("x", "a", "part", Lot{Lasts: []dag.ID{{1}}}, &p); f == nil {
		t.Error("a lot without counts was served")
	}
	if f := c.w.Ask("x", "a", "part", Lot{Lasts: []dag.ID{{1}}, Counts: []uint64{1 << 63}}, &p); f == nil {
		t.Error("a lot of any size was served")
	}
	if f := c.w.Ask("x", "a", "part", Lot{Lasts: []dag.ID{{1}}, Counts: []uint64{1}}, &p); f != nil || !p.Lacks {
		t.Errorf("what is not held: %+v, %v", p, f)
	}
}

// A round that brings nothing for a while is overtaken by one that waits.
func TestSilentPeersAreOvertaken(t *testing.T) {
	c := newcomer(t, 1, 1, 100)
	c.w.Stranger("0", func(m graph.Message) []graph.Message { // it differs, and says no more
		if m.Channel == "compare" {
			return graphtest.Reply(m, Verdict{})
		}
		return nil
	})
	c.near.Set([]graph.Peer{"0", "a"})
	c.w.Pass(overtakeAfter + time.Second)
	c.whole(t)
}

// A round that brings much goes on, though others wait: they may want nothing but to hold it up.
func TestSilentOnesDoNotBreakIn(t *testing.T) {
	c := newcomer(t, 1, 1, 32_000)
	here, told := c.js[0], 0
	c.w.Stranger("s", func(m graph.Message) []graph.Message { // has all, and little room in an answer
		switch {
		case m.Kind == graph.RequestMsg && m.Channel == "compare":
			return graphtest.Reply(m, Verdict{Equal: here.Digest() == c.js[1].Digest()})
		case m.Kind == graph.RequestMsg && m.Channel == "fetch":
			h, err := graph.Decode[Have](m.Payload)
			if err != nil {
				t.Fatal(err)
			}
			page, _, err := here.ServeSome(here.ctx, h.With(nil), MaxPage, 2000)
			if err != nil {
				t.Fatal(err)
			}
			return graphtest.Reply(m, Pages{Page: page, More: true})
		}
		return nil
	})
	c.w.Stranger("x", func(m graph.Message) []graph.Message { // differs when it is asked first, and says no more
		if told++; m.Channel == "compare" && told == 1 {
			return graphtest.Reply(m, Verdict{})
		}
		return nil
	})
	c.near.Set([]graph.Peer{"s", "x"})
	c.w.Pass(time.Millisecond)
	c.whole(t)
}

// Lots that are held are not fetched again, whoever names them.
func TestHeldLotsAreNotFetched(t *testing.T) {
	c := newcomer(t, 1, 1, 2_000)
	c.meet("a")
	c.whole(t)
	held := Lot{Lasts: idsOf(c.js[1].Tips()), Counts: []uint64{1000, 1000}[:len(c.js[1].Tips())]}
	fetched := 0
	c.w.Stranger("0", func(m graph.Message) []graph.Message {
		switch {
		case m.Kind != graph.RequestMsg:
			return nil
		case m.Channel == "compare":
			return graphtest.Reply(m, Verdict{Equal: fetched > 5})
		}
		fetched++
		return graphtest.Reply(m, Pages{Page: c.js[0].write(t, 0, 1, 10), Lots: slices.Repeat([]Lot{held}, maxLots)})
	})
	c.meet("0", "a")
	if n := c.w.Count("n", "part", graph.RequestMsg); fetched < 5 || n > 0 {
		t.Errorf("of %d times it was told, %d parts were asked for", fetched, n)
	}
}

// A peer that has something new each time goes on when those have been fetched from who waited meanwhile.
func TestNewsEachTimeHoldNobodyUp(t *testing.T) {
	w := graphtest.New(t)
	js := journals(t, 3, 2)
	genesis, _, err := js[0].Journal.Serve(js[0].ctx, nil, MaxPage)
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range js[1:] {
		if _, err := j.Journal.Ingest(j.ctx, genesis); err != nil {
			t.Fatal(err)
		}
	}
	js[1].write(t, 1, 100, 10)
	fetched, before := 0, 0
	w.Stranger("0", func(m graph.Message) []graph.Message {
		switch {
		case m.Kind != graph.RequestMsg:
			return nil
		case m.Channel == "compare":
			return graphtest.Reply(m, Verdict{Equal: fetched > 50})
		}
		if fetched++; js[2].Lacks(idsOf(js[1].Tips())) {
			before = fetched
		}
		return graphtest.Reply(m, Pages{Page: js[0].write(t, 0, 1, 10), More: true})
	})
	start(w, "a", js[1])
	_, near := start(w, "n", js[2])
	near.Set([]graph.Peer{"0", "a"})
	w.Pass(time.Minute)
	if fetched < 50 || before > 2 || js[2].Lacks(idsOf(js[0].Tips())) {
		t.Errorf("of %d times it was fetched from %d times before the other", fetched, before)
	}
}

// DATA 4.3, membership before data: what is admitted by a later grant comes after it, whoever serves it.
func TestRule4_3_MembershipBeforeData(t *testing.T) {
	c := newcomer(t, 3, 2, 0)
	for round := range 12 {
		key := signer(10 + round)
		p, err := dag.Grant{Keys: []dag.Key{key.Public()}}.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.js[0].Write(c.js[0].ctx, signer(0), dag.Edit{Kind: dag.KindGrant, Payload: p}); err != nil {
			t.Fatal(err)
		}
		c.js[0].write(t, 10+round, 1200, 100)
	}
	for _, j := range c.js[1:3] {
		for j.Digest() != c.js[0].Digest() {
			page, _, err := c.js[0].Journal.Serve(j.ctx, j.Have(), MaxPage)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := j.Journal.Ingest(j.ctx, page); err != nil {
				t.Fatal(err)
			}
		}
	}
	c.meet("a", "b", "c")
	c.whole(t)
	for _, in := range c.js[3].got {
		if len(in.Refused) > 0 || in.Duplicate > 300 {
			t.Errorf("refused %v, known %d", in.Refused, in.Duplicate)
		}
	}
	if n := c.w.Count("n", "part", graph.RequestMsg); n < 2 {
		t.Errorf("%d portions", n)
	}
}

// The rounds that wait go on as soon as the one before ends.
func TestRoundsGoOneAfterTheOther(t *testing.T) {
	w := graphtest.New(t)
	js := journals(t, 3, 2)
	js[0].write(t, 0, 10, 10)
	page, _, err := js[0].Journal.Serve(js[0].ctx, nil, MaxPage)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js[1].Journal.Ingest(js[1].ctx, page); err != nil {
		t.Fatal(err)
	}
	js[1].write(t, 1, 10, 10)
	start(w, "a", js[0])
	start(w, "b", js[1])
	_, near := start(w, "n", js[2])
	near.Set([]graph.Peer{"a", "b"})
	w.Pass(time.Millisecond)
	if n := len(js[2].Tips()); n != 2 || js[2].Lacks(idsOf(js[0].Tips())) || js[2].Lacks(idsOf(js[1].Tips())) {
		t.Errorf("%d tips: what one of two had was not fetched at once", n)
	}
	if n := duplicates(js[2]); n > 0 {
		t.Errorf("%d deltas were sent twice", n)
	}
}
