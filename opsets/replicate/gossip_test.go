package replicate

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/graph/graphtest"
)

// overhear has what a stranger says on the topic reach a node.
func overhear(w *graphtest.World, at *graphtest.Node, page []byte) {
	if f := at.Instance.Deliver(graph.Message{Kind: graph.TopicMsg, Channel: "deltas", Relay: "x", Call: 1 << 40, Payload: graphtest.Encode(Batch{page})}); f != nil {
		panic(f)
	}
	w.Settle()
}

// Reject what is false for everyone (bytes, signature, context); ignore what depends on a node's view, and what is no news; pass
// on only what is admitted (DATA 5.2).
func TestGossipPassesOnWhatIsAdmitted(t *testing.T) {
	author, stranger := 0, 1
	js := journals(t, 1, 1)
	here := openNew(t)
	here.ctx = js[0].ctx
	if err := here.Join(here.ctx); err != nil {
		t.Fatal(err)
	}
	genesis, _, err := js[0].Journal.Serve(js[0].ctx, nil, MaxPage)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := here.Journal.Ingest(here.ctx, genesis); err != nil {
		t.Fatal(err)
	}
	first, second, third := js[0].write(t, author, 1, 8), js[0].write(t, author, 1, 8), js[0].write(t, author, 3, 8)
	elsewhere := journals(t, 1, 2)[0]
	elsewhere.ctx, err = elsewhere.Found(signer(stranger), dag.Grant{Keys: []dag.Key{signer(author).Public()}})
	if err != nil {
		t.Fatal(err)
	}
	foreign := elsewhere.write(t, stranger, 1, 8)
	forged := slices.Clone(third)
	forged[len(forged)-1] ^= 1
	w := graphtest.New(t)
	n, _ := start(w, "b", here)
	w.Stranger("x", func(m graph.Message) []graph.Message { return graphtest.Refuse(m, graph.Busy, time.Hour) })
	for _, c := range []struct {
		name string
		page []byte
		want graph.Verdict
	}{
		{"garbage", []byte("garbage"), graph.Reject},
		{"a forged signature", forged, graph.Reject},
		{"another context", foreign, graph.Reject},
		{"an unknown parent", second, graph.Ignore},
		{"news", first, graph.Accept},
		{"no news", first, graph.Ignore},
		{"news of several", third, graph.Accept},
	} {
		before := len(w.Verdicts("b", "deltas"))
		overhear(w, n, c.page)
		if got := w.Verdicts("b", "deltas")[before:]; len(got) != 1 || got[0] != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
	if len(n.Failures) > 0 {
		t.Error(n.Failures)
	}
}

// The verdict comes after the sync: nothing leaves the node before the record that it tells of is synced.
func TestGossipWaitsForTheSync(t *testing.T) {
	js := journals(t, 2, 1)
	genesis, _, err := js[0].Journal.Serve(js[0].ctx, nil, MaxPage)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js[1].Journal.Ingest(js[1].ctx, genesis); err != nil {
		t.Fatal(err)
	}
	w := graphtest.New(t)
	slow := &unsynced{journal: js[1]}
	n, _ := start(w, "b", slow)
	slow.during = func() {
		if v := w.Verdicts("b", "deltas"); len(v) > 0 {
			t.Errorf("%v before the work is done", v)
		}
	}
	overhear(w, n, js[0].write(t, 0, 1, 8))
	if v := w.Verdicts("b", "deltas"); len(v) != 1 || v[0] != graph.Accept {
		t.Errorf("got %v", v)
	}
}

// unsynced has the test look before an ingest returns, which is when all of it is synced.
type unsynced struct {
	*journal
	during func()
}

// Ingest implements Log.
func (u *unsynced) Ingest(ctx context.Context, b Batch) (Intake, error) {
	in, err := u.journal.Ingest(ctx, b)
	u.during()
	return in, err
}
