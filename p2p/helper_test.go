package p2p

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"go.uber.org/goleak"

	"github.com/merograph/merograph/graph"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// A parcel is what the node asks a client to say, and to whom.
type parcel struct {
	To   graph.Peer
	Text string
}

var ops = graph.NewOpset("talk")

var (
	parcelTo = graph.Op1(ops, "to", 1, func(_ *graph.Tick, r *graph.Request[parcel, string]) (graph.Peer, error) { return r.Value.To, nil })
	parcelOf = graph.Op1(ops, "text", 1, func(_ *graph.Tick, r *graph.Request[parcel, string]) (string, error) { return r.Value.Text, nil })
	sent     = graph.Op1(ops, "sent", 1, func(_ *graph.Tick, _ graph.Done) (string, error) { return "sent", nil })
	shout    = graph.Op1(ops, "shout", 1, func(_ *graph.Tick, r *graph.Request[string, string]) (string, error) {
		if n, ok := strings.CutPrefix(r.Value, "grow "); ok {
			return strings.Repeat(n, 2000), nil
		}
		return strings.ToUpper(r.Value), nil
	})
	asked = graph.Op1(ops, "asked", 1, func(_ *graph.Tick, r *graph.Request[string, string]) (string, error) { return r.Value, nil })
)

// ears is a component that hears what came one way, and holds up what is slow.
type ears struct {
	mu    sync.Mutex
	heard []string
	came  chan struct{} // holds one
	begun chan struct{} // a slow call has begun
	free  chan struct{} // closed: slow calls end
}

func newEars() *ears {
	return &ears{came: make(chan struct{}, 1), begun: make(chan struct{}, 64), free: make(chan struct{})}
}

type listener interface {
	hear(s string)
	wait(ctx context.Context, s string) (string, error)
}

func (e *ears) hear(s string) {
	e.mu.Lock()
	e.heard = append(e.heard, s)
	e.mu.Unlock()
	select {
	case e.came <- struct{}{}:
	default:
	}
}

func (e *ears) wait(ctx context.Context, s string) (string, error) {
	select {
	case e.begun <- struct{}{}:
	default:
	}
	select {
	case <-e.free:
		return s, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// await gives what was heard once it is n long.
func (e *ears) await(t *testing.T, n int) []string {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		e.mu.Lock()
		got := append([]string(nil), e.heard...)
		e.mu.Unlock()
		if len(got) >= n {
			return got
		}
		select {
		case <-e.came:
		case <-late:
			t.Fatalf("heard %d of %d", len(got), n)
		}
	}
}

// talk is the protocol of the tests: echo, slow (held up by the server's ears), note (one way), news (topic).
func talk() *graph.Graph {
	g := graph.New("talk", 1)
	client, server := g.Role("client"), g.Role("server")
	said := graph.Ask[parcel, string](client, "echo")
	var in graph.Wire[*graph.Request[string, string]]
	var answer graph.Wire[string]
	in, answer = graph.Call(parcelOf(said), parcelTo(said), server,
		graph.Exchange[string, string]("echo", graph.MaxRequest(1<<10), graph.MaxReply(1<<10)), 10*time.Second, graph.Anyone)
	graph.Reply(in, shout(in))
	graph.Reply(said, answer)

	slowly := graph.Ask[parcel, string](client, "slow")
	in, answer = graph.Call(parcelOf(slowly), parcelTo(slowly), server,
		graph.Exchange[string, string]("slow", graph.MaxRequest(64<<10), graph.MaxReply(64<<10)), time.Minute, graph.Anyone)
	e := graph.Component[listener](server, "ears")
	graph.Reply(in, graph.Work(asked(in), e, "wait", listener.wait, time.Minute))
	graph.Reply(slowly, answer)

	noted := graph.Ask[parcel, string](client, "note")
	note, done := graph.Send(parcelOf(noted), parcelTo(noted), server, graph.OneWay[string]("note", graph.MaxRequest(64<<10)), graph.Anyone)
	hear := graph.Op2(ops, "hear", 1, func(_ *graph.Tick, r *graph.Received[string], l listener) (graph.Done, error) {
		l.hear(r.Value)
		return graph.Done{}, nil
	})
	hear(note, e)
	graph.Reply(noted, sent(done))

	publish := graph.Ask[parcel, string](client, "publish")
	news, out := graph.Publish(parcelOf(publish), server, graph.Topic[string]("news", graph.MaxRequest(1<<10)), graph.Anyone)
	hear(news, e)
	graph.Reply(publish, sent(out))

	return g
}

// testHost opens a host on the loopback that the test closes.
func testHost(t testing.TB, change ...func(*Config)) *Host {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Key: key, Listen: []string{"/ip4/127.0.0.1/tcp/0"}}
	for _, c := range change {
		c(&cfg)
	}
	h, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, err := range h.ListenErrors() {
		t.Fatal(err)
	}
	return h
}

// bareHost has the books of a host, and no libp2p.
func bareHost() *Host {
	h := &Host{inbound: map[inboundKey][]*inbound{}, outboxes: map[graph.Peer]*outbox{}, links: map[linkKey]*link{}, retired: map[*link]bool{}, start: time.Now()}
	h.count.refused, h.count.ended = map[refusalKey]uint64{}, map[refusalKey]uint64{}
	h.limits.defaults()
	h.log = slog.New(slog.DiscardHandler)
	return h
}

func compile(t testing.TB, g *graph.Graph, role string) *graph.Program {
	t.Helper()
	p, err := graph.Compile(g, role)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func run(t testing.TB, h *Host, g *graph.Graph, role string, opts ...graph.Option) *Running {
	t.Helper()
	r, err := h.Run(compile(t, g, role), opts...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// server and client run the roles of talk; learn tells one host of another.
func server(t testing.TB, h *Host, e *ears, opts ...graph.Option) *Running {
	t.Helper()
	return run(t, h, talk(), "server", append(opts, graph.Bind("ears", e))...)
}

func client(t testing.TB, h *Host, opts ...graph.Option) *Running {
	t.Helper()
	return run(t, h, talk(), "client", opts...)
}

func learn(t testing.TB, h, of *Host) {
	t.Helper()
	if err := h.Learn(of.ID(), of.Addrs(), time.Hour); err != nil {
		t.Fatal(err)
	}
}

func addrInfo(t testing.TB, h *Host) *peer.AddrInfo {
	t.Helper()
	info, err := peer.AddrInfoFromString(h.Addrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// reasonOf fails the test unless err is of a reason.
func wantReason(t *testing.T, err error, want graph.Reason) {
	t.Helper()
	if got := graph.ReasonOf(err); got != want {
		t.Fatalf("got %v (%v), want %v", got, err, want)
	}
}

// count gives how often a reason was refused on a channel.
func count(h *Host, channel, reason string) uint64 {
	for _, r := range h.Stats().Refused {
		if r.Channel == channel && r.Reason == reason {
			return r.Count
		}
	}
	return 0
}

// until waits for something that no event tells, such as a count.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	late := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

func peerOfNobody(t testing.TB) graph.Peer {
	t.Helper()
	key, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := PeerOf(key)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
