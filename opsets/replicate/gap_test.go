package replicate

import (
	"testing"
	"time"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/graph/graphtest"
)

// A gap is a world of one author, js[0], and of a node b that holds the first of it; x hands over what the test says.
func newGap(t *testing.T) (w *graphtest.World, author *journal, b *journal, n *graphtest.Node) {
	js := journals(t, 1, 1)
	here := openNew(t)
	here.ctx = js[0].ctx
	if err := here.Join(here.ctx); err != nil {
		t.Fatal(err)
	}
	js[0].write(t, 0, 1, 8)
	first, _, err := js[0].Journal.Serve(js[0].ctx, nil, MaxPage)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := here.Journal.Ingest(here.ctx, first); err != nil {
		t.Fatal(err)
	}
	w = graphtest.New(t)
	n, near := start(w, "b", here)
	start(w, "c", openJoined(t, here.ctx)) // a neighbour that has nothing to do with it
	near.Set([]graph.Peer{"c"})
	w.Pass(time.Minute)
	w.Sent = nil
	return w, js[0], here, n
}

func openJoined(t *testing.T, ctx dag.ID) *journal {
	l := openNew(t)
	if l.ctx = ctx; l.Join(ctx) != nil {
		t.Fatal("it does not join")
	}
	return l
}

// What gossip names and is not held is asked back of who handed it over, and passed on once all of it is held (DATA 4.4, 5.2).
func TestGapIsAskedOfItsClaimerAlone(t *testing.T) {
	w, author, b, n := newGap(t)
	author.write(t, 0, 5, 8)
	page := author.write(t, 0, 1, 8)
	w.Stranger("x", func(m graph.Message) []graph.Message {
		if m.Channel != "back" {
			return graphtest.Refuse(m, graph.Busy, time.Hour)
		}
		got, err := author.Back(t.Context(), Gap{Missing: b.Missing(b.ctx), Known: b.Recent()})
		if err != nil {
			t.Error(err)
		}
		return graphtest.Reply(m, got)
	})
	overhear(w, n, page)
	if v := w.Verdicts("b", "deltas"); len(v) != 1 || v[0] != graph.Accept || b.Digest() != author.Digest() {
		t.Errorf("got %v", v)
	}
	for _, m := range w.Sent {
		if m.Relay == "b" && m.Kind == graph.RequestMsg && (m.Peer != "x" || m.Channel != "back") {
			t.Errorf("%s is sent a %s", m.Peer, m.Channel)
		}
	}
}

// Who claims and has nothing to show is asked, then there is a round with it; nobody else is asked, and nothing of it stays
// after ten seconds.
func TestEmptyClaimsCostTheClaimer(t *testing.T) {
	for name, answer := range map[string]func(m graph.Message) []graph.Message{
		"silent":  func(graph.Message) []graph.Message { return nil },
		"garbage": func(m graph.Message) []graph.Message { return graphtest.Reply(m, Batch{[]byte("garbage")}) },
		"empty":   func(m graph.Message) []graph.Message { return graphtest.Reply(m, Batch{}) },
		"busy":    func(m graph.Message) []graph.Message { return graphtest.Refuse(m, graph.Busy, time.Second) },
	} {
		w, author, b, n := newGap(t)
		w.Stranger("x", answer)
		before := b.Digest()
		for range 40 { // each stands on one that nobody will ever have
			author.write(t, 0, 1, 8)
			overhear(w, n, author.write(t, 0, 1, 8))
		}
		w.Pass(time.Minute)
		for _, v := range w.Verdicts("b", "deltas") {
			if v != graph.Ignore {
				t.Errorf("%s: a verdict is %v", name, v)
			}
		}
		if rows := graph.SizeOf(n.Instance, "claims"); rows != 0 || b.Digest() != before {
			t.Errorf("%s: %d claims stay", name, rows)
		}
		if c := n.Instance.Counters(); c.Activations != 0 || c.Bytes != 0 {
			t.Errorf("%s: %d activations and %d bytes stay", name, c.Activations, c.Bytes)
		}
		for _, m := range w.Sent {
			if m.Relay == "b" && m.Kind == graph.RequestMsg && m.Peer != "x" && m.Channel != "compare" {
				t.Errorf("%s: %s is sent a %s", name, m.Peer, m.Channel)
			}
		}
	}
}

// At most 1,024 claims of a peer are open, 10 s each, and each is asked for a few times at most.
func TestClaimsAreBounded(t *testing.T) {
	for _, role := range Protocol().Describe("peer").Roles {
		for _, table := range role.Tables {
			if table.Name == "claims" && table.Quota != 1024 {
				t.Errorf("%d claims of a peer", table.Quota)
			}
		}
	}
	w, author, _, n := newGap(t)
	open := 0
	w.Stranger("x", func(m graph.Message) []graph.Message {
		if m.Channel == "back" {
			open = max(open, graph.SizeOf(n.Instance, "claims"))
		}
		return nil
	})
	author.write(t, 0, 1, 8)
	page := author.write(t, 0, 1, 8)
	for range 3 * mostAsks {
		overhear(w, n, page)
	}
	if got := w.Count("b", "back", graph.RequestMsg); got != mostAsks || open != 1 {
		t.Errorf("asked %d times, with %d claims open", got, open)
	}
	w.Pass(claimTime - time.Millisecond)
	if graph.SizeOf(n.Instance, "claims") != 1 {
		t.Error("the claim is closed early")
	}
	w.Pass(2 * time.Millisecond)
	if graph.SizeOf(n.Instance, "claims") != 0 {
		t.Error("the claim is open still")
	}
}

// A request to go back has bounds too.
func TestBackIsBounded(t *testing.T) {
	w, _, _, _ := newGap(t)
	var got Batch
	if f := w.Ask("x", "b", "back", Gap{Missing: make([]dag.ID, dag.MaxBack+1)}, &got); f == nil || f.Reason != graph.TooLarge {
		t.Errorf("got %v", f)
	}
	if f := w.Ask("x", "b", "back", Gap{Missing: []dag.ID{{1}}}, &got); f != nil || len(got.Page) != 0 {
		t.Errorf("of what is not held: %v, %d bytes", f, len(got.Page))
	}
}
