package replicate

import (
	"os"
	"testing"
	"time"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/graph/graphtest"
)

// cost is what a catch-up took, both ways.
type cost struct{ bytes, trips int }

func costOf(w *graphtest.World) (c cost) {
	for _, m := range w.Sent {
		switch {
		case m.Kind == graph.RequestMsg:
			c.trips++
			c.bytes += len(m.Payload)
		case m.Kind == graph.ReplyMsg:
			c.bytes += len(m.Payload)
		}
	}
	w.Sent = nil
	return c
}

// canonical is the size of the deltas that l has and other does not.
func canonical(t *testing.T, l, other *journal) (n, bytes int) {
	t.Helper()
	if err := l.Each(l.ctx, func(e *dag.Entry) error {
		if !other.Has(e.ID) {
			n, bytes = n+1, bytes+len(e.Raw)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return n, bytes
}

// lagging is a network of two, in which b lacks what the last write gave a.
type lagging struct {
	w    *graphtest.World
	js   []*journal
	near *graph.Feed[[]graph.Peer]
	long time.Duration // that two meet for; 0 for a moment
}

func lag(t *testing.T, authors, before int) *lagging {
	t.Helper()
	l := &lagging{w: graphtest.New(t), js: journals(t, 2, authors)}
	start(l.w, "a", l.js[0])
	_, l.near = start(l.w, "b", l.js[1])
	l.writeAll(t, authors, before)
	l.near.Set([]graph.Peer{"a"})
	l.w.Pass(time.Minute)
	l.near.Set(nil)
	l.w.Pass(time.Millisecond)
	if l.js[0].Digest() != l.js[1].Digest() {
		t.Fatal("the two do not begin equal")
	}
	l.w.Sent = nil
	return l
}

func (l *lagging) writeAll(t *testing.T, authors, deltas int) {
	for k := range authors {
		for left := deltas / authors; left > 0; left -= 200 {
			l.js[0].write(t, k, min(left, 200), 20)
		}
	}
}

// fork has a chain of twice so many deltas fork in the middle, on a home and its copy. Node a gets both branches, node b
// half of one.
func (l *lagging) fork(t *testing.T, branch int) {
	t.Helper()
	disk := dag.NewMemDisk()
	one := openOn(t, disk)
	one.ctx = l.js[0].ctx
	if err := one.Join(one.ctx); err != nil {
		t.Fatal(err)
	}
	copyTo(t, l.js[0], one, nil)
	for left := branch; left > 0; left -= 200 {
		one.write(t, 1, min(left, 200), 20)
	}
	copyTo(t, one, l.js[0], nil)
	copyTo(t, one, l.js[1], nil)
	trunk := one.Tips()
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	for i, d := range []*dag.MemDisk{disk.Backup(), disk} {
		one = openOn(t, d)
		one.ctx = l.js[0].ctx
		for left := branch; left > 0; left -= 200 {
			if one.write(t, 1, min(left, 200), 20+i); i == 1 && left <= branch/2 && left > branch/2-200 {
				copyTo(t, one, l.js[1], trunk)
			}
		}
		copyTo(t, one, l.js[0], trunk)
	}
	if c := l.js[0].Stats().Contexts; len(c) != 1 || c[0].Forks != 1 {
		t.Fatalf("%+v, want one fork", c)
	}
}

// copyTo gives to what from holds. Both hold what is common.
func copyTo(t *testing.T, from, to *journal, common []dag.Tip) {
	t.Helper()
	for more := true; more; {
		page, m, err := from.Journal.Serve(from.ctx, append(to.Have(), common...), MaxPage)
		if err != nil {
			t.Fatal(err)
		}
		if more = m; len(page) == 0 {
			return
		}
		if in, err := to.Journal.Ingest(to.ctx, page); err != nil || in.Admitted == 0 {
			t.Fatalf("a page of %d bytes: %+v, %v", len(page), in, err)
		}
	}
}

// meet has b meet a, and gives what that cost until they agreed.
func (l *lagging) meet(t *testing.T, name string) (c cost, bytes int) {
	t.Helper()
	n, bytes := canonical(t, l.js[0], l.js[1])
	l.near.Set([]graph.Peer{"a"})
	l.w.Pass(max(time.Millisecond, l.long))
	c = costOf(l.w)
	if l.js[0].Digest() != l.js[1].Digest() {
		t.Errorf("%s: they differ after %+v", name, c)
	}
	l.near.Set(nil)
	l.w.Pass(time.Millisecond)
	l.w.Sent = nil
	t.Logf("%s: %d deltas, %d bytes canonical: %d requests, %d bytes, %.2f of canonical", name, n, bytes, c.trips, c.bytes, float64(c.bytes)/float64(max(1, bytes)))
	return c, bytes
}

// The costs of DESIGN 7. With SIM_LARGE the lags are those of the budget.
func TestCatchUpCosts(t *testing.T) {
	many := 4000
	if os.Getenv("SIM_LARGE") != "" {
		many = 100_000
	}
	l := lag(t, 100, 10_000)
	if c, _ := l.meet(t, "equal"); c.trips != 1 || c.bytes >= 100 {
		t.Errorf("equal: %+v, want one request and less than 100 bytes", c)
	}
	// DATA 4.2, step 1: tips changed since the two last agreed. What has not changed costs nothing.
	l.js[0].write(t, 7, 1, 20)
	if c, bytes := l.meet(t, "one delta of 100 authors"); c.bytes > bytes+1500 {
		t.Errorf("one delta: %+v", c)
	}
	l.js[0].write(t, 7, 100, 20)
	if c, bytes := l.meet(t, "100 keystrokes"); c.trips > 3 || c.bytes*100 > bytes*15 { // who lags asks; who is asked lacks nothing, and asks nobody
		t.Errorf("100 keystrokes: %+v", c)
	}
	behind := func(l *lagging, name string) {
		t.Helper()
		if c, bytes := l.meet(t, name); c.trips > 3+many/5000 || c.bytes*100 > bytes*15 {
			t.Errorf("%s: %+v", name, c)
		}
	}
	l.writeAll(t, 100, many)
	behind(l, "behind, of 100 authors")

	l = lag(t, 1, 100)
	l.writeAll(t, 1, many)
	behind(l, "behind, of one author")

	l = lag(t, 2, 100)
	l.fork(t, many/2)
	behind(l, "behind, forked in the middle")

	if many > 4000 {
		many = 1_000_000
		l = lag(t, 100, 100)
		l.writeAll(t, 100, many)
		l.long = time.Minute // so many requests in no time would be refused
		behind(l, "a newcomer to a context of a million")
	}
}

// DATA 4.2: who has forgotten what the two agreed on is told all tips.
func TestForgottenAgreement(t *testing.T) {
	l := lag(t, 3, 300)
	l.js[0].write(t, 1, 3, 20)
	again, _ := start(l.w, "a", l.js[0]) // with nothing in its tables
	if c, _ := l.meet(t, "after a restart of the other"); c.trips > 16 || len(again.Failures) > 0 {
		t.Errorf("%+v, failures %v", c, again.Failures)
	}
	var p Pages
	if f := l.w.Ask("x", "a", "fetch", Have{Base: dag.ID{1}}, &p); f != nil || !p.Forgot || len(p.Page) > 0 {
		t.Errorf("a base that is unknown: %+v, %v", p, f)
	}
	// One who says so for ever is left.
	w := graphtest.New(t)
	j := journals(t, 1, 1)[0]
	n, near := start(w, "a", j)
	equal := true
	w.Stranger("x", func(m graph.Message) []graph.Message {
		switch {
		case m.Kind != graph.RequestMsg:
			return nil
		case m.Channel == "compare":
			return graphtest.Reply(m, Verdict{Equal: equal})
		}
		return graphtest.Reply(m, Pages{Forgot: true, More: true})
	})
	near.Set([]graph.Peer{"x"})
	w.Pass(time.Millisecond)
	equal = false
	near.Set(nil)
	w.Pass(time.Millisecond)
	near.Set([]graph.Peer{"x"})
	w.Pass(time.Millisecond)
	if got := w.Count("a", "fetch", graph.RequestMsg); got < 2 || got > maxIdle+2 || len(n.Failures) > 0 {
		t.Errorf("%d fetches, failures %v", got, n.Failures)
	}
}

// What a round brought was not published to this node: its other neighbours are compared with at once.
func TestNewsGoOn(t *testing.T) {
	w := graphtest.New(t)
	js := journals(t, 3, 1)
	start(w, "a", js[0])
	_, near := start(w, "b", js[1])
	start(w, "c", js[2])
	near.Set([]graph.Peer{"c"})
	w.Pass(time.Millisecond)
	js[0].write(t, 0, 3, 10)
	near.Set([]graph.Peer{"a", "c"})
	w.Pass(time.Millisecond)
	if js[0].Digest() != js[2].Digest() {
		t.Error("what b has learned of a has not reached c")
	}
}
