package node

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/merograph/merograph/components/store"
	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
)

// A Part stands above the node and is started with it, such as the API. Start returns when the part serves; Stop is called
// once after a Start that returned no error, and returns when nothing of it runs any more.
type Part interface {
	Start(ctx context.Context, s *State) error
	Stop(ctx context.Context) error
}

// A Node is a configured node. Start and Stop are called once each, by one goroutine.
type Node struct {
	cfg   Config
	set   settings
	state *State
	stops []func(ctx context.Context) error

	recording *graph.Recording // nil without WithRecording
}

type settings struct {
	parts    []Part
	programs []program
	views    []func(s *State, ctx dag.ID) store.View
	grant    dag.Grant
	authors  []dag.Key
	libp2p   []libp2p.Option
	host     host.Host // nil: the node makes its own
	record   string    // a file
	most     int64     // bytes of it
}

// An Option composes a node beyond its configuration.
type Option func(*settings)

// WithPart adds a part, started in the order of the options and stopped in the reverse.
func WithPart(p Part) Option { return func(s *settings) { s.parts = append(s.parts, p) } }

// WithView has the node fold each context into a view of the caller's, from its first delta on.
func WithView(make func(s *State, ctx dag.ID) store.View) Option {
	return func(s *settings) { s.views = append(s.views, make) }
}

// WithGrant has a coordinator grant keys in the genesis that it writes.
func WithGrant(g dag.Grant) Option { return func(s *settings) { s.grant = g } }

// WithAuthors tells the node that authors beside its own key write through it: what they write is published too.
func WithAuthors(keys ...dag.Key) Option {
	return func(s *settings) { s.authors = append(s.authors, keys...) }
}

// WithLibp2p adds options to the libp2p host.
func WithLibp2p(opts ...libp2p.Option) Option {
	return func(s *settings) { s.libp2p = append(s.libp2p, opts...) }
}

// New checks a configuration and the options, and gives the node of them. It touches nothing outside the process.
func New(cfg Config, opts ...Option) (*Node, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	n := &Node{cfg: cfg}
	for _, o := range opts {
		o(&n.set)
	}
	if err := errors.Join(n.checkHost(), n.set.compile()); err != nil {
		return nil, err
	}
	n.state = newState(cfg)
	for _, p := range n.set.programs {
		n.state.graphs = append(n.state.graphs, p.graph)
	}
	return n, nil
}

// State is the running node's. Before Start it tells of nothing, and answers with errors; while Start runs, with what is open.
func (n *Node) State() *State { return n.state }

// Start starts the node. An error means that it could not open its home, and that nothing runs; what fails later is told in
// the status and leaves local reads and writes working. ctx bounds the starting alone.
func (n *Node) Start(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, n.Stop(context.WithoutCancel(ctx)))
		}
	}()
	s := n.state
	if err := n.openHistory(); err != nil {
		return err
	}
	run, stop := context.WithCancel(context.Background())
	s.run = run
	n.onStop(func(context.Context) error {
		stop()
		s.work.Wait()
		return nil
	})
	if err := n.openRecording(); err != nil {
		return err
	}
	if err := n.openTransport(ctx); err != nil {
		s.Problem("transport", fmt.Sprintf("the transport did not start: %v; this node reads and writes alone until it is started again", err))
	} else {
		n.startNetwork()
	}
	for i, p := range n.set.parts {
		if err := p.Start(ctx, s); err != nil {
			s.Problem(fmt.Sprintf("part %d", i), err.Error()+"; the node runs without it")
			continue
		}
		n.onStop(p.Stop)
	}
	s.setReady(true)
	// Opening reads whole segments of the log: what that took goes back to the machine, while the node is at work already.
	s.background(func(context.Context) { debug.FreeOSMemory() })
	return nil
}

// stopTime is what Run gives a node to stop.
const stopTime = 20 * time.Second

// Run starts the node, waits until ctx ends, and stops it: the whole of a main. The error is that of Start or of Stop.
func (n *Node) Run(ctx context.Context) error {
	if err := n.Start(ctx); err != nil {
		return err
	}
	<-ctx.Done()
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	return n.Stop(stop)
}

func (n *Node) onStop(fn func(ctx context.Context) error) { n.stops = append(n.stops, fn) }

// Stop stops what runs, last first, and syncs. It may be called after a Start that failed, and again.
func (n *Node) Stop(ctx context.Context) error {
	n.state.setReady(false)
	var errs []error
	for i := len(n.stops) - 1; i >= 0; i-- {
		if err := n.stops[i](ctx); err != nil {
			errs = append(errs, err)
		}
	}
	n.stops = nil
	return errors.Join(errs...)
}

// openHistory opens identity, store, log and blobs.
func (n *Node) openHistory() error {
	s, h := n.state, home(n.cfg.Home)
	if err := h.make(); err != nil {
		return err
	}
	if err := n.lock(h); err != nil {
		return err
	}
	if !n.cfg.Memory {
		if err := h.stampOrCheck(n.cfg.Network.Name); err != nil {
			return err
		}
	}
	if err := n.openIdentity(h); err != nil {
		return err
	}
	if err := n.openStore(h); err != nil {
		return err
	}
	j, rec, err := dag.Open(n.disk(h), dag.Options{Index: s.store, Observer: s.store, Wall: s.Wall, Rand: randReader})
	if err != nil {
		return fmt.Errorf("open the log of %s: %w", n.cfg.Home, err)
	}
	s.publish(func() { s.journal, s.authors = j, append([]dag.Key{s.signer.Public()}, n.set.authors...) })
	n.onStop(func(context.Context) error { return j.Close() })
	s.recovered(rec)
	s.makeViews = n.set.views
	s.store.Opened(j.Contexts(), s.views)
	if err := s.catchUp(); err != nil {
		return err
	}
	for _, ctx := range j.Contexts() {
		if err := s.aheadOf(ctx); err != nil {
			return err
		}
	}
	if err := n.openBlobs(h); err != nil {
		return err
	}
	return s.openContext(n.set.grant)
}

// background runs fn until the node stops.
func (s *State) background(fn func(ctx context.Context)) {
	s.work.Add(1)
	go func() {
		defer s.work.Done()
		fn(s.run)
	}()
}
