package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	"lukechampine.com/blake3"

	"github.com/merograph/merograph/components/store"
	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/node"
)

// A tally counts what has come to each of some places, and tells when all have so much.
type tally struct {
	at   []atomic.Int64
	mu   sync.Mutex
	wake chan struct{} // closed when somebody's count has grown, while somebody waits
	some atomic.Int64  // who waits
}

func newTally(places int) *tally {
	return &tally{at: make([]atomic.Int64, places), wake: make(chan struct{})}
}

func (t *tally) add(place, n int) {
	if t.at[place].Add(int64(n)); t.some.Load() == 0 {
		return
	}
	t.mu.Lock()
	close(t.wake)
	t.wake = make(chan struct{})
	t.mu.Unlock()
}

func (t *tally) least() int64 {
	least := t.at[0].Load()
	for i := range t.at {
		least = min(least, t.at[i].Load())
	}
	return least
}

// reach waits until every place has so much. After the end of ctx it fails, whatever they have.
func (t *tally) reach(ctx context.Context, want int64) error {
	t.some.Add(1)
	defer t.some.Add(-1)
	for {
		t.mu.Lock()
		wake := t.wake
		t.mu.Unlock()
		if t.least() >= want {
			return ctx.Err()
		}
		select {
		case <-wake:
		case <-ctx.Done():
			all := make([]int64, len(t.at))
			for i := range all {
				all[i] = t.at[i].Load()
			}
			return fmt.Errorf("not all have %d: %v: %w", want, all, ctx.Err())
		}
	}
}

// A crowd is so many real nodes in this process, one network, each with a home on the disk.
type crowd struct {
	nodes  []*node.Node
	folded *tally // deltas that each has folded, which its next write sees
	has    *tally // deltas that each has synced: its store shows them
}

// onlooker is a view that counts what a node folds and shows.
type onlooker struct {
	c     *crowd
	place int
}

func (f onlooker) Admitted(*dag.Entry)         { f.c.folded.add(f.place, 1) }
func (f onlooker) Synced(entries []*dag.Entry) { f.c.has.add(f.place, len(entries)) }
func (onlooker) Failed(error)                  {}

// newCrowd starts n nodes, with their homes in dir or, where it is "", in memory. It returns when all are members and each is
// connected to as many as it looks for.
func newCrowd(ctx context.Context, dir string, n int) (c *crowd, err error) {
	c = &crowd{folded: newTally(n), has: newTally(n)}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	for i := range n {
		cfg := node.Default()
		cfg.Network.Name, cfg.Memory = "bench", dir == ""
		if cfg.Home = filepath.Join(dir, fmt.Sprint("node", i)); cfg.Memory {
			if cfg.Home, err = os.MkdirTemp("", "merograph-bench-"); err != nil {
				return c, err
			}
		}
		cfg.Swarm.Addrs = []string{"/ip4/127.0.0.1/tcp/0"}
		if i > 0 {
			cfg.NodeType, cfg.Bootstrap = node.Peer, c.nodes[0].State().Host().Addrs()
		}
		nd, err := node.New(cfg, node.WithView(func(*node.State, dag.ID) store.View { return onlooker{c, i} }))
		if err != nil {
			return c, err
		}
		if err := nd.Start(ctx); err != nil {
			return c, err
		}
		c.nodes = append(c.nodes, nd)
		if nd.State().Host() == nil {
			return c, errors.New("a transport did not start")
		}
	}
	for _, nd := range c.nodes {
		if err := awaitState(ctx, nd.State(), func(s *node.State) bool {
			st := s.Status()
			return len(st.Contexts) == 1 && st.Contexts[0].Member && st.Transport.Peers >= min(n-1, leastPeers)
		}); err != nil {
			return c, err
		}
	}
	return c, c.has.reach(ctx, int64(n)) // the genesis and the grants
}

// leastPeers is how many peers a node looks for.
const leastPeers = 12

// awaitState waits for a condition of a node, looking when it has changed and from time to time.
func awaitState(ctx context.Context, s *node.State, fits func(*node.State) bool) error {
	for {
		changed := s.Changed()
		if fits(s) {
			return nil
		}
		select {
		case <-changed:
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%w: %+v", ctx.Err(), s.Status())
		}
	}
}

// Close stops the nodes, the first one last.
func (c *crowd) Close() (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, nd := range slices.Backward(c.nodes) {
		err = errors.Join(err, nd.Stop(ctx))
		if cfg := nd.State().Config(); cfg.Memory {
			err = errors.Join(err, os.RemoveAll(cfg.Home))
		}
	}
	return err
}

// links gives the pairs of nodes that are connected, the lesser number first.
func (c *crowd) links() (out [][2]int) {
	number := map[graph.Peer]int{}
	for i, nd := range c.nodes {
		number[nd.State().ID()] = i
	}
	for i, nd := range c.nodes {
		for _, p := range nd.State().Host().Connected().Get() {
			if j, ok := number[p]; ok && i < j {
				out = append(out, [2]int{i, j})
			}
		}
	}
	return out
}

// published is how many bytes go out for a delta, by its version.
func (c *crowd) published(i int, version dag.ID) (int, error) {
	j := c.nodes[i].State().Journal()
	e, ok, err := j.Get(version)
	if err != nil || !ok {
		return 0, errors.Join(err, errors.New("a delta is not held"))
	}
	page, err := j.Batch([]*dag.Entry{e})
	return len(page) + 48, err // with the value's own head and the frame of the topic
}

// A swarm is bare gossipsub on as many hosts, connected in the same way.
type swarm struct {
	hosts  []host.Host
	topics []*pubsub.Topic
	has    *tally
	stop   context.CancelFunc
	work   sync.WaitGroup
}

// newSwarm starts n hosts with gossipsub: as our transport sets it up, or signed, as it is without options.
func newSwarm(ctx context.Context, n int, links [][2]int, signed bool) (s *swarm, err error) {
	run, stop := context.WithCancel(context.Background())
	warm := newTally(n)
	s = &swarm{has: newTally(n), stop: stop}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	var opts []pubsub.Option
	if !signed {
		opts = []pubsub.Option{pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign), pubsub.WithNoAuthor(), pubsub.WithFloodPublish(false),
			pubsub.WithMessageIdFn(func(m *pb.Message) string {
				sum := blake3.Sum256(m.Data)
				return string(sum[:])
			})}
	}
	for i := range n {
		h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.Security(libp2ptls.ID, libp2ptls.New), libp2p.DisableRelay(), libp2p.DisableMetrics())
		if err != nil {
			return s, err
		}
		s.hosts = append(s.hosts, h)
		router, err := pubsub.NewGossipSub(run, h, opts...)
		if err != nil {
			return s, err
		}
		t, err := router.Join("bench")
		if err != nil {
			return s, err
		}
		sub, err := t.Subscribe(pubsub.WithBufferSize(256))
		if err != nil {
			return s, err
		}
		s.topics = append(s.topics, t)
		s.work.Go(func() {
			for {
				m, err := sub.Next(run)
				switch {
				case err != nil:
					return
				case len(m.Data) == warmLen: // may come late
					warm.add(i, 1)
				default:
					s.has.add(i, 1)
				}
			}
		})
	}
	for _, l := range links {
		to := s.hosts[l[1]]
		if err := s.hosts[l[0]].Connect(ctx, peer.AddrInfo{ID: to.ID(), Addrs: to.Addrs()}); err != nil {
			return s, err
		}
	}
	return s, s.warm(ctx, warm)
}

const warmLen = 2

// warm publishes until something has come to all.
func (s *swarm) warm(ctx context.Context, got *tally) error {
	for n := byte(0); got.least() < 3; n++ {
		for i, t := range s.topics {
			if err := t.Publish(ctx, []byte{byte(i), n}); err != nil {
				return err
			}
		}
		select {
		case <-time.After(time.Second): // a heartbeat of gossipsub
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Close ends the swarm.
func (s *swarm) Close() (err error) {
	s.stop()
	s.work.Wait()
	for _, h := range s.hosts {
		err = errors.Join(err, h.Close())
	}
	return err
}
