package replicate

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/graph/graphtest"
)

// journal is a real journal, as Log.
type journal struct {
	*dag.Journal
	ctx   dag.ID
	got   []dag.Ingested
	wrote []int
}

func (l *journal) Digest() dag.ID  { return dag.Digest(l.Tips()) }
func (l *journal) Tips() []dag.Tip { return l.Journal.Tips(l.ctx) }
func (l *journal) Have() []dag.Tip { return l.Journal.Have(l.ctx) }

func (l *journal) Lacks(ids []dag.ID) bool {
	return slices.ContainsFunc(ids, func(id dag.ID) bool { return !l.Has(id) })
}

func (l *journal) Ingest(_ context.Context, b Batch) (Intake, error) {
	if len(b.Page) == 0 {
		return Intake{}, nil
	}
	in, err := l.Journal.Ingest(l.ctx, b.Page)
	l.got = append(l.got, in)
	return IntakeOf(in), err
}

func (l *journal) Serve(_ context.Context, h Have) (Pages, error) {
	return ServeFrom(l.Journal, l.ctx, h, LotDeltas)
}

func (l *journal) Part(_ context.Context, lot Lot) (Part, error) {
	return PartFrom(l.Journal, l.ctx, lot)
}

func (l *journal) Recent() []dag.ID { return l.Journal.Recent(l.ctx, dag.MaxBack) }

func (l *journal) Back(_ context.Context, g Gap) (Batch, error) {
	page, err := l.ServeBack(l.ctx, g.Missing, g.Known, dag.MaxBack, MaxPage)
	return Batch{page}, err
}

// Mine implements Outbox: a node writes as the authors that it wrote as.
func (l *journal) Mine() (tips []dag.Tip) {
	for _, a := range l.wrote {
		tips = append(tips, l.TipsOf(l.ctx, signer(a).Public())...)
	}
	slices.SortFunc(tips, dag.Tip.Compare)
	return tips
}

// Theirs implements Outbox: a writes as author 0, b as 1.
func (l *journal) Theirs(p graph.Peer) []dag.Tip {
	if len(p) != 1 || p[0] < 'a' || p[0] > 'd' {
		return nil
	}
	return l.TipsOf(l.ctx, signer(int(p[0]-'a')).Public())
}

func (l *journal) Batch(_ context.Context, q Queued) (Batch, error) {
	own := l.Mine()
	have := slices.DeleteFunc(l.Tips(), func(t dag.Tip) bool { return slices.Contains(own, t) })
	page, _, err := l.ServeSome(l.ctx, append(have, q.Acknowledged...), MaxPage, q.Most)
	return Batch{page}, err
}

// noOutbox is the outbox of who writes nothing.
type noOutbox struct{}

func (noOutbox) Mine() []dag.Tip                              { return nil }
func (noOutbox) Theirs(graph.Peer) []dag.Tip                  { return nil }
func (noOutbox) Batch(context.Context, Queued) (Batch, error) { return Batch{}, nil }

func signer(i int) dag.Signer {
	seed := make([]byte, ed25519.SeedSize)
	seed[0], seed[1] = byte(i), byte(i>>8)
	return dag.NewSigner(ed25519.NewKeyFromSeed(seed))
}

func openNew(t *testing.T) *journal { return openOn(t, dag.NewMemDisk()) }

func openOn(t *testing.T, disk *dag.MemDisk) *journal {
	t.Helper()
	j, _, err := dag.Open(disk, dag.Options{Wall: func() time.Time { return time.Unix(1e9, 0) }, Rand: rand.NewChaCha8([32]byte{7}), SegmentBytes: 4 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return &journal{Journal: j}
}

// journals founds a context with some authors and gives it to several nodes, of which only the first has the genesis.
func journals(t *testing.T, nodes, authors int) (out []*journal) {
	t.Helper()
	for i := range nodes {
		l := openNew(t)
		if i == 0 {
			keys := make([]dag.Key, authors)
			for k := range keys {
				keys[k] = signer(k).Public()
			}
			var err error
			if l.ctx, err = l.Found(signer(0), dag.Grant{Keys: keys[:min(len(keys), dag.MaxGrantKeys)]}); err != nil {
				t.Fatal(err)
			}
			for rest := keys[min(len(keys), dag.MaxGrantKeys):]; len(rest) > 0; rest = rest[min(len(rest), dag.MaxGrantKeys):] {
				p, err := dag.Grant{Keys: rest[:min(len(rest), dag.MaxGrantKeys)]}.Encode()
				if err != nil {
					t.Fatal(err)
				}
				if _, err := l.Write(l.ctx, signer(0), dag.Edit{Kind: dag.KindGrant, Payload: p}); err != nil {
					t.Fatal(err)
				}
			}
			if err := l.Flush(); err != nil {
				t.Fatal(err)
			}
		} else {
			l.ctx = out[0].ctx
			if err := l.Join(l.ctx); err != nil {
				t.Fatal(err)
			}
		}
		out = append(out, l)
	}
	return out
}

// noise fills payloads, so that a page cannot tell one by what another has.
var noise = rand.NewChaCha8([32]byte{})

// write writes deltas of an author, and gives their page.
func (l *journal) write(t *testing.T, author, many, size int) []byte {
	t.Helper()
	var entries []*dag.Entry
	if !slices.Contains(l.wrote, author) {
		l.wrote = append(l.wrote, author)
	}
	for range many {
		payload := make([]byte, size)
		noise.Read(payload)
		p, err := l.Write(l.ctx, signer(author), dag.Edit{Kind: dag.KindData, Payload: payload})
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, p.Entry())
	}
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	page, err := l.Journal.Batch(dag.Runs(entries)[0])
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// start starts a node; its neighbours are set by the feed.
func start(w *graphtest.World, self graph.Peer, l Log) (*graphtest.Node, *graph.Feed[[]graph.Peer]) {
	f := graph.NewFeed[[]graph.Peer](nil)
	box, ok := l.(Outbox)
	if !ok {
		box = noOutbox{}
	}
	return w.Start(Protocol(), "peer", self, graph.Bind("log", l), graph.Bind("neighbours", f), graph.Bind("outbox", box), graph.Bind("pace", Pace{})), f
}

func TestCatchUp(t *testing.T) {
	w := graphtest.New(t)
	js := journals(t, 2, 1)
	js[0].write(t, 0, 5000, 40)
	a, _ := start(w, "a", js[0])
	b, near := start(w, "b", js[1])
	w.Settle()
	if n := w.Count("b", "compare", graph.RequestMsg); n != 0 {
		t.Fatalf("%d comparisons with nobody", n)
	}
	near.Set([]graph.Peer{"a"}) // one side alone knows the other
	w.Pass(time.Millisecond)
	if js[0].Digest() != js[1].Digest() {
		t.Fatalf("%d pages did not do", len(js[1].got))
	}
	if n := w.Count("b", "fetch", graph.RequestMsg); n > 3 {
		t.Errorf("%d pages for 5,000 deltas", n)
	}
	if len(a.Failures)+len(b.Failures) > 0 {
		t.Error(a.Failures, b.Failures)
	}
}

// Both sides of a round end with what either had.
func TestBothWays(t *testing.T) {
	w := graphtest.New(t)
	js := journals(t, 2, 2)
	start(w, "a", js[0])
	_, near := start(w, "b", js[1])
	near.Set([]graph.Peer{"a"})
	w.Pass(time.Millisecond)
	js[0].write(t, 0, 300, 100)
	js[1].write(t, 1, 300, 100)
	w.Pass(31 * time.Second)
	if js[0].Digest() != js[1].Digest() || len(js[0].Tips()) != 2 {
		t.Fatal("they differ after a tour")
	}
}

func TestGossip(t *testing.T) {
	w := graphtest.New(t)
	js := journals(t, 2, 1)
	a, _ := start(w, "a", js[0])
	_, near := start(w, "b", js[1])
	near.Set([]graph.Peer{"a"})
	w.Pass(time.Millisecond)
	publish := func(page []byte) (failed error) {
		graph.Submit(a.Instance, "publish", Batch{page}, time.Minute, func(_ graph.Done, err error) { failed = err })
		w.Settle()
		return failed
	}
	compared := w.Count("b", "compare", graph.RequestMsg)
	if err := publish(js[0].write(t, 0, 3, 10)); err != nil || js[0].Digest() != js[1].Digest() {
		t.Fatalf("gossip alone did not do: %v", err)
	}
	if w.Count("b", "compare", graph.RequestMsg) != compared {
		t.Error("it was compared too")
	}
	// A few that are missed: the next tells, and who handed it over is asked back for them. More than that take a round.
	for missed, want := range map[int][2]int{3: {1, 0}, 100: {1, 1}} {
		asked, compared := w.Count("b", "back", graph.RequestMsg), w.Count("b", "compare", graph.RequestMsg)
		js[0].write(t, 0, missed, 10)
		if err := publish(js[0].write(t, 0, 3, 10)); err != nil || js[0].Digest() != js[1].Digest() {
			t.Fatalf("a delta without its past did not do: %v", err)
		}
		if got := [2]int{w.Count("b", "back", graph.RequestMsg) - asked, min(1, w.Count("b", "compare", graph.RequestMsg)-compared)}; got != want {
			t.Errorf("%d missed: %d asks and %d rounds, want %d", missed, got[0], got[1], want)
		}
	}
	if err := publish(make([]byte, MaxBatch+2<<10)); graph.ReasonOf(err) != graph.TooLarge {
		t.Errorf("a batch over the bound: %v", err)
	}
	// Without any gossip the tours bring it.
	w.Lose = func(_ graph.Peer, m graph.Message) bool { return m.Kind == graph.TopicMsg }
	if err := publish(js[0].write(t, 0, 3, 10)); err != nil || js[0].Digest() == js[1].Digest() {
		t.Fatalf("gossip was not lost: %v", err)
	}
	w.Pass(31 * time.Second)
	if js[0].Digest() != js[1].Digest() {
		t.Error("a tour did not bring it")
	}
}

// A journal that has stopped fails each batch, visibly, and nothing else.
func TestIngestFails(t *testing.T) {
	w := graphtest.New(t)
	js := journals(t, 2, 1)
	a, _ := start(w, "a", js[0])
	b, near := start(w, "b", js[1])
	if err := js[1].Close(); err != nil {
		t.Fatal(err)
	}
	graph.Submit(a.Instance, "publish", Batch{js[0].write(t, 0, 1, 1)}, time.Minute, func(graph.Done, error) {})
	near.Set([]graph.Peer{"a"})
	w.Pass(2 * time.Minute)
	if len(b.Failures) != 1 || b.Failures[0].Step != "log.ingest" {
		t.Errorf("failures: %v", b.Failures)
	}
	failed := 0
	for _, c := range b.Instance.Counters().Steps {
		if c.Name == "log.ingest" && len(c.Failed) > 0 {
			failed++
		}
	}
	if failed != 2 {
		t.Errorf("%d steps count a failure: that of gossip and that of pages have to", failed)
	}
	if n := w.Count("b", "fetch", graph.RequestMsg); n < 3 || n > 30 {
		t.Errorf("%d attempts in two minutes", n)
	}
}

func TestEqualNodesAreSilent(t *testing.T) {
	w := graphtest.New(t)
	js := journals(t, 2, 1)
	_, nearA := start(w, "a", js[0])
	_, nearB := start(w, "b", js[1])
	nearA.Set([]graph.Peer{"b"})
	nearB.Set([]graph.Peer{"a"})
	w.Settle()
	w.Sent = nil
	w.Pass(10 * time.Minute)
	for _, p := range []graph.Peer{"a", "b"} {
		if n := w.Count(p, "compare", graph.RequestMsg); n < 20 || n > 60 {
			t.Errorf("%s compared %d times in ten minutes", p, n)
		}
		if n := w.Count(p, "fetch", graph.RequestMsg); n != 0 {
			t.Errorf("%s fetched %d times", p, n)
		}
	}
}

// stubborn is a log that no page changes.
type stubborn struct {
	digest byte
	tips   []dag.Tip
	more   bool
	page   []byte
	asked  []Have
}

func (l *stubborn) Digest() dag.ID                                { return dag.ID{l.digest} }
func (l *stubborn) Lacks([]dag.ID) bool                           { return true }
func (l *stubborn) Tips() []dag.Tip                               { return l.tips }
func (l *stubborn) Have() []dag.Tip                               { return l.tips }
func (l *stubborn) Ingest(context.Context, Batch) (Intake, error) { return Intake{}, nil }
func (l *stubborn) Part(context.Context, Lot) (Part, error)       { return Part{}, nil }
func (l *stubborn) Recent() []dag.ID                              { return nil }
func (l *stubborn) Back(context.Context, Gap) (Batch, error)      { return Batch{}, nil }
func (l *stubborn) Serve(_ context.Context, h Have) (Pages, error) {
	l.asked = append(l.asked, h)
	return Pages{Page: l.page, More: l.more}, nil
}

// Two that differ and cannot help each other come to rest; graphtest fails a world that does not.
func TestNoPingPong(t *testing.T) {
	for _, more := range []bool{false, true} {
		w := graphtest.New(t)
		_, nearA := start(w, "a", &stubborn{digest: 1, more: more})
		_, nearB := start(w, "b", &stubborn{digest: 2, more: more})
		nearA.Set([]graph.Peer{"b"})
		nearB.Set([]graph.Peer{"a"})
		w.Settle()
		if n := len(w.Sent); n < 8 || n > 48 {
			t.Errorf("more %v: %d messages to greet", more, n)
		}
		w.Sent = nil
		w.Pass(10 * time.Minute)
		if n := w.Count("a", "compare", graph.RequestMsg); n < 20 || n > 400 {
			t.Errorf("more %v: %d comparisons in ten minutes", more, n)
		}
	}
}

// differs is a stranger who always differs, and serves what page says.
func differs(page func() Pages) func(m graph.Message) []graph.Message {
	return func(m graph.Message) []graph.Message {
		switch {
		case m.Kind != graph.RequestMsg:
			return nil
		case m.Channel == "compare":
			return graphtest.Reply(m, Verdict{})
		}
		return graphtest.Reply(m, page())
	}
}

func TestHostilePages(t *testing.T) {
	forged := journals(t, 1, 1)[0]
	page := forged.write(t, 0, 3, 10)
	page[len(page)-1] ^= 1
	for name, pages := range map[string]Pages{
		"garbage":      {Page: []byte("garbage"), More: true},
		"nothing more": {More: true},
		"forged":       {Page: page, More: true},
	} {
		w := graphtest.New(t)
		l := journals(t, 1, 1)[0]
		n, near := start(w, "a", l)
		w.Stranger("x", differs(func() Pages { return pages }))
		near.Set([]graph.Peer{"x"})
		before := l.Digest()
		w.Settle()
		if got := w.Count("a", "fetch", graph.RequestMsg); got > maxIdle+1 {
			t.Errorf("%s: %d fetches of one round", name, got)
		}
		if len(pages.Page) > 0 && len(l.Refusals()) == 0 || l.Digest() != before || len(n.Failures) > 0 {
			t.Errorf("%s: refusals %v, failures %v", name, l.Refusals(), n.Failures)
		}
	}
	// Over the bound: the call fails, and the round is over.
	w := graphtest.New(t)
	n, near := start(w, "a", journals(t, 1, 1)[0])
	w.Stranger("x", differs(func() Pages { return Pages{Page: make([]byte, MaxPage+2<<10)} }))
	near.Set([]graph.Peer{"x"})
	w.Pass(time.Minute)
	if got := w.Count("a", "fetch", graph.RequestMsg); got < 2 || got > 7 || len(n.Failures) > 0 {
		t.Errorf("too large: %d fetches in a minute, failures %v", got, n.Failures)
	}
	var p Pages
	if f := w.Ask("x", "a", "fetch", Have{Held: make([]dag.ID, MaxPlaces+1)}, &p); f == nil || f.Reason != graph.TooLarge {
		t.Errorf("more tips than allowed: %v", f)
	}
}

// A peer that keeps asking and answers nothing costs one round at a time.
func TestHostileAsker(t *testing.T) {
	w := graphtest.New(t)
	n, _ := start(w, "a", journals(t, 1, 1)[0])
	for i := range 100 {
		for k := range mostAsked + 10 {
			if f := w.Ask(graph.Peer(fmt.Sprintf("x%03d", k)), "a", "fetch", Have{Held: []dag.ID{{byte(i), 1}}}, &Pages{}); f != nil {
				t.Fatal(f)
			}
		}
	}
	if got := w.Count("a", "compare", graph.RequestMsg); got != mostAsked {
		t.Errorf("%d rounds at once, of %d", got, mostAsked)
	}
	w.Pass(2 * time.Minute)
	if c := n.Instance.Counters(); c.Activations != 0 || c.Bytes != 0 {
		t.Errorf("when all is quiet: %+v", c)
	}
}

// Every neighbour is greeted, however many come at once, and whatever the first of them do.
func TestGreetMany(t *testing.T) {
	for name, answer := range map[string]func(m graph.Message) []graph.Message{
		"equal":  func(m graph.Message) []graph.Message { return graphtest.Reply(m, Verdict{Equal: true}) },
		"silent": func(m graph.Message) []graph.Message { return nil },
	} {
		w := graphtest.New(t)
		n, near := start(w, "a", journals(t, 1, 1)[0])
		var all []graph.Peer
		greeted := map[graph.Peer]int{}
		for i := range 99 {
			p := graph.Peer(fmt.Sprint("x", i)) // not in order
			all = append(all, p)
			w.Stranger(p, func(m graph.Message) []graph.Message {
				if m.Kind != graph.RequestMsg {
					return nil
				}
				greeted[p]++
				return answer(m)
			})
		}
		near.Set(all)
		if w.Settle(); name == "equal" && len(greeted) != 99 {
			t.Errorf("%d of 99 greeted at once", len(greeted))
		}
		w.Pass(5 * time.Minute)
		if len(greeted) != 99 || len(n.Failures) > 0 {
			t.Errorf("%s: %d of 99 greeted, failures %v", name, len(greeted), n.Failures)
		}
		// Who leaves and comes back is greeted again.
		was := greeted["x5"]
		near.Set(all[:5])
		w.Pass(time.Millisecond)
		near.Set(all[:6])
		w.Pass(time.Minute)
		if greeted["x5"] == was {
			t.Errorf("%s: one who came back was not greeted", name)
		}
	}
}

func TestDrawings(t *testing.T) {
	golden(t, "peer.txt", Protocol().Text("peer"))
	golden(t, "graph.mermaid", Protocol().Mermaid(""))
}

// golden compares with a file of testdata, or writes it when UPDATE is set.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE") != "" {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(path, []byte(got), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || string(want) != got {
		t.Errorf("the drawing differs from %s (%v); look at it, then UPDATE=1 go test:\n%s", path, err, got)
	}
}
