package node

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/merograph/merograph/components/blobs"
	"github.com/merograph/merograph/components/store"
	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/opsets/globalregistry"
	"github.com/merograph/merograph/p2p"
)

// State is the one place from which every part of a running node is reached. Safe for concurrent use.
type State struct {
	cfg     Config
	started time.Time

	// What Start opens, set once with publish. What runs after that may read it without mu.
	key     ed25519.PrivateKey
	signer  dag.Signer
	id      graph.Peer
	store   *store.Store
	journal *dag.Journal
	blobs   *blobs.Blobs
	host    *p2p.Host
	mdns    bool // others are looked for on the local network
	authors []dag.Key

	metrics *prometheus.Registry
	graphs  []*graph.Graph // of the options

	run       context.Context // ends when the node stops
	work      sync.WaitGroup
	makeViews []func(s *State, ctx dag.ID) store.View
	made      []madeView // of the contexts that the log held

	first sync.Once // holds the first write
	ahead *ahead

	mu        sync.Mutex
	ready     bool
	api       string
	problems  map[string]string
	recovery  dag.Recovery
	kv        *store.KV
	replica   *p2p.Running
	registry  *p2p.Running
	exchange  *p2p.Running
	programs  []*p2p.Running // all that runs, in the order in which it started
	cohort    func() []PeerEntry
	enlisted  func() []graph.Peer // by the registry, unsorted
	lease     func() (registered bool, lastError string)
	leases    func() []globalregistry.Lease // of this peer with its servers
	contextID *graph.Feed[string]
	members   *graph.Feed[[]graph.Peer]
	through   *graph.Feed[[]graph.Peer] // the nodes that this one joins through
	look      chan struct{}             // holds one: members may have changed
	watchers  map[chan struct{}]struct{}
}

func newState(cfg Config) *State {
	s := &State{cfg: cfg, started: time.Now(), problems: map[string]string{}, run: context.Background(),
		contextID: graph.NewFeed(""), members: graph.NewFeed([]graph.Peer(nil)), through: graph.NewFeed([]graph.Peer(nil)), look: make(chan struct{}, 1),
		watchers: map[chan struct{}]struct{}{}}
	s.ahead = &ahead{wall: s.Wall, changed: s.notify, authors: map[dag.Key]dated{}}
	if d := time.Duration(cfg.Clock.Offset); d != 0 {
		s.problems["clock"] = fmt.Sprintf("the wall clock of this node is moved by %v (clock.offset, MEROD_CLOCK_OFFSET): that is for tests, take it out", d)
	}
	s.metrics = newMetrics(s)
	return s
}

// Config is what the node was configured with.
func (s *State) Config() Config { return s.cfg }

// ErrNotStarted is the error of what is asked of a node before it has started.
var ErrNotStarted = errors.New("the node has not started: call Start first")

// publish sets what Start opens: others may ask the state meanwhile.
func (s *State) publish(set func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	set()
}

// opened gives one of the parts that Start opens.
func opened[T any](s *State, part *T) T {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *part
}

// ID is the node's identity; "" before Start.
func (s *State) ID() graph.Peer { return opened(s, &s.id) }

// Signer signs as the node itself; nil before Start.
func (s *State) Signer() dag.Signer { return opened(s, &s.signer) }

// Journal is the node's history; nil before Start.
func (s *State) Journal() *dag.Journal { return opened(s, &s.journal) }

// Blobs is the node's store of blobs; nil before Start.
func (s *State) Blobs() *blobs.Blobs { return opened(s, &s.blobs) }

// Host is the node's transport; nil before Start, and when it did not start.
func (s *State) Host() *p2p.Host { return opened(s, &s.host) }

// Members is a feed of the other nodes that belong to the network, as far as this one knows, sorted: those that are
// registered, and those that are connected and have a grant in the default context. Whoever has just joined is known by the
// grant, before a sample of the registry names it.
func (s *State) Members() *graph.Feed[[]graph.Peer] { return s.members }

// Context is the network's default context; ok is false while a peer has not learned it.
func (s *State) Context() (ctx dag.ID, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kv == nil {
		return dag.ID{}, false
	}
	return s.kv.Context(), true
}

// Ready says whether the node has started and not begun to stop.
func (s *State) Ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ready
}

func (s *State) setReady(r bool) {
	s.mu.Lock()
	s.ready = r
	s.mu.Unlock()
	s.notify()
}

// SetAPI tells the state where the node's API is served.
func (s *State) SetAPI(url string) {
	s.mu.Lock()
	s.api = url
	s.mu.Unlock()
}

// API is where the node's API is served, or "".
func (s *State) API() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.api
}

// Problem says, under a key, what a person should know and mend; "" says that it is mended.
func (s *State) Problem(key, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.problems[key] == text {
		return
	}
	if text == "" {
		delete(s.problems, key)
	} else {
		s.problems[key] = text
	}
	s.tell()
}

// Changed gives a channel that is closed when what Status and Registry tell has changed in a way worth waiting for: ready,
// registered, a member more or less, a context known, a problem more or less.
func (s *State) Changed() <-chan struct{} {
	c := make(chan struct{})
	s.mu.Lock()
	s.watchers[c] = struct{}{}
	s.mu.Unlock()
	return c
}

func (s *State) notify() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tell()
}

// tell wakes those who wait for a change; mu is held.
func (s *State) tell() {
	for c := range s.watchers {
		close(c)
	}
	clear(s.watchers)
}

// recovered tells what opening the log found.
func (s *State) recovered(r dag.Recovery) {
	s.mu.Lock()
	s.recovery = r
	s.mu.Unlock()
	if r.Cut {
		s.Problem("log cut", fmt.Sprintf("the log's torn end was cut: %d bytes (%s); nothing in them had been acknowledged", r.CutBytes, r.Reason))
	}
	if r.Copied {
		s.Problem("log copied", "the home was copied, moved, or put back from a copy: what is written here begins new chains; let one copy of a home run")
	}
	for _, d := range r.Damage {
		s.Problem(fmt.Sprintf("log damage %d %d", d.Segment, d.Offset),
			fmt.Sprintf("the log is damaged in segment %d at byte %d: %s; it was not applied", d.Segment, d.Offset, d.Reason))
	}
}

// isAuthor says whether a delta was written through this node.
func (s *State) isAuthor(k dag.Key) bool { return slices.Contains(s.authors, k) }
