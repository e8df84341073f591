package p2p

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/merograph/merograph/graph"
)

// ErrClosed is the error of what is asked of a Host or a Running that has ended.
var ErrClosed = errors.New("closed")

// A Host is a node's one libp2p host and everything that runs on it. Safe for concurrent use.
type Host struct {
	limits      Limits
	record      *graph.Recording
	log         *slog.Logger
	host        host.Host
	brought     bool // by the embedder, who closes it
	id          peer.ID
	self        graph.Peer
	incarnation uint64
	start       time.Time
	wall        func() time.Time
	count       counters
	book        *book
	portions    *portions
	work        *workers
	router      *pubsub.PubSub
	listenErrs  []error
	mdns        io.Closer // nil without
	dials       chan struct{}
	foundMu     sync.Mutex
	found       *graph.Feed[[]Nearby]
	heard       map[graph.Peer]graph.Time // when one of the found was heard last; under foundMu
	addresses   *graph.Feed[[]string]
	reachable   *graph.Feed[string]

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	tasks  sync.WaitGroup // goroutines of links, inbound streams and topics

	randMu sync.Mutex
	rand   *rand.ChaCha8

	mu        sync.Mutex
	closed    bool
	running   map[*Running]bool
	endpoints map[protocol.ID]*endpoint
	links     map[linkKey]*link
	retired   map[*link]bool // idle ones whose streams are ending
	outboxes  map[graph.Peer]*outbox
	inbound   map[inboundKey][]*inbound
	topics    map[string]*topic
	publish   publications
	trials    trials
	sequence  uint64 // of publications
}

// New opens a host. ctx bounds the opening alone. A listen address that is taken is no error: see ListenErrors; one that
// does not parse is.
func New(ctx context.Context, cfg Config) (*Host, error) {
	addrs, relays, err := cfg.check()
	if err != nil {
		return nil, fmt.Errorf("p2p: %w", err)
	}
	cfg.Limits.defaults()
	h := &Host{limits: cfg.Limits, record: cfg.Record, log: cfg.Logger, start: time.Now(), running: map[*Running]bool{}, endpoints: map[protocol.ID]*endpoint{},
		links: map[linkKey]*link{}, retired: map[*link]bool{}, outboxes: map[graph.Peer]*outbox{}, inbound: map[inboundKey][]*inbound{}, topics: map[string]*topic{}}
	if h.wall = cfg.Wall; h.wall == nil {
		h.wall = time.Now
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	h.log = h.log.With("network", cfg.Network)
	h.count.refused, h.count.ended = map[refusalKey]uint64{}, map[refusalKey]uint64{}
	h.book = newBook(h.limits.Seen)
	h.portions = newPortions(&h.limits)
	h.found, h.heard, h.dials = graph.NewFeed([]Nearby{}), map[graph.Peer]graph.Time{}, make(chan struct{}, foundDials)
	h.addresses, h.reachable = graph.NewFeed([]string{}), graph.NewFeed("")
	var seed [32]byte
	crand.Read(seed[:]) // never fails
	h.rand = rand.NewChaCha8(seed)
	h.incarnation = h.random()
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.work = newWorkers(h.limits.Work)
	if err := h.open(ctx, &cfg, addrs, relays); err != nil {
		h.cancel()
		return nil, fmt.Errorf("p2p: %w", err)
	}
	return h, nil
}

// ID is the node's own identity.
func (h *Host) ID() graph.Peer { return h.self }

// Addrs gives the addresses where this host listens, each with /p2p/ID at its end, as Connect takes them.
func (h *Host) Addrs() []string {
	out := []string{}
	for _, a := range h.host.Addrs() {
		out = append(out, a.String()+"/p2p/"+string(h.self))
	}
	return out
}

// Close stops every instance and closes every connection. It returns when all that the host started has ended; a Work that
// does not heed its context holds it up.
func (h *Host) Close() error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil
	}
	h.closed = true
	var running []*Running
	for r := range h.running {
		running = append(running, r)
	}
	h.mu.Unlock()
	for _, r := range running {
		r.Stop()
	}
	if h.mdns != nil {
		h.mdns.Close()
	}
	h.finishLinks()
	h.cancel()
	h.endStreams()
	err := h.closeLibp2p()
	h.tasks.Wait()
	h.work.wait()
	if err != nil {
		return fmt.Errorf("close p2p host: %w", err)
	}
	return nil
}

// closeLibp2p closes the libp2p host, or leaves that of the embedder as it was.
func (h *Host) closeLibp2p() error {
	if !h.brought {
		return h.host.Close()
	}
	h.host.Network().StopNotify(h.book)
	for _, id := range gossipProtocols {
		h.host.RemoveStreamHandler(id)
	}
	for _, c := range h.host.Network().Conns() {
		for _, s := range c.GetStreams() {
			if slices.Contains(gossipProtocols, s.Protocol()) {
				s.Reset() // gossipsub's own readers wait there
			}
		}
	}
	return nil
}

// closeTime is how long Close lets what was sent go out.
const closeTime = 500 * time.Millisecond

// finishLinks has our streams write what waits and end, and waits a little for the other side to have read it.
func (h *Host) finishLinks() {
	links, _ := h.streams()
	for _, l := range links {
		l.out.finish()
	}
	late := time.NewTimer(closeTime)
	defer late.Stop()
	for _, l := range links {
		select {
		case <-l.done:
		case <-late.C:
			return
		}
	}
}

// endStreams resets every stream of a channel, ours and theirs.
func (h *Host) endStreams() {
	links, ins := h.streams()
	for _, l := range links {
		l.fail(graph.Lost, "this node is closing")
		l.reset()
	}
	for _, in := range ins {
		in.end()
	}
}

func (h *Host) streams() (links []*link, ins []*inbound) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range h.links {
		links = append(links, l)
	}
	for l := range h.retired {
		links = append(links, l)
	}
	for _, s := range h.inbound {
		ins = append(ins, s...)
	}
	return links, ins
}

// spawn runs fn on a goroutine that Close waits for; false when the host is closing.
func (h *Host) spawn(fn func()) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.tasks.Go(fn)
	return true
}

// now is the steady clock. It begins at an hour, so that nothing is near the zero that means never.
func (h *Host) now() graph.Time { return graph.Time(time.Since(h.start) + time.Hour) }

func (h *Host) random() uint64 {
	h.randMu.Lock()
	defer h.randMu.Unlock()
	return h.rand.Uint64()
}
