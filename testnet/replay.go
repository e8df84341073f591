package testnet

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/merograph/merograph/components/store"
	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/node"
)

// ReplayOptions says how a trace is replayed.
type ReplayOptions struct {
	Nodes    int       // agent k writes on node k mod Nodes
	Dir      string    // of the homes; "" is a temporary folder, removed at the end
	Progress io.Writer // a line a second; nil for none
}

// A ReplayReport says whether the nodes ended with the text that the people ended with.
type ReplayReport struct {
	OK           bool         `json:"ok"`
	Deltas       int          `json:"deltas"`       // transactions
	PayloadBytes int64        `json:"payloadBytes"` // of all deltas, once
	WireBytes    uint64       `json:"wireBytes"`    // all that was sent on streams
	WallSeconds  float64      `json:"wallSeconds"`  // from the first write to the last match
	ConvergedMs  float64      `json:"convergedMs"`  // from the last write's answer to the last match
	TextMatches  bool         `json:"textMatches"`  // on every node
	Nodes        []ReplayNode `json:"nodes"`
}

// A ReplayNode is one node of a replay.
type ReplayNode struct {
	Name        string     `json:"name"`
	PeerID      graph.Peer `json:"peerId"`
	Deltas      int        `json:"deltas"` // that it holds
	TextMatches bool       `json:"textMatches"`
	ConvergedMs float64    `json:"convergedMs"`
}

// stallTime is how long a replay may stand still before it is given up.
const stallTime = 60 * time.Second

// Replay writes a recorded session on real nodes, as fast as its causal order allows, and compares the texts.
func Replay(ctx context.Context, file string, o ReplayOptions) (rep *ReplayReport, err error) {
	t, err := readTrace(file)
	if err != nil {
		return nil, err
	}
	if o.Nodes < 1 || o.Nodes > 64 {
		return nil, fmt.Errorf("%w: %d nodes: from 1 to 64 run in one process", ErrUsage, o.Nodes)
	}
	n, err := newNetwork(o.Dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, n.stop()) }()
	r := &replay{trace: t, net: n, ids: make([]dag.ID, len(t.txns)), news: make(chan struct{})}
	if err := r.start(ctx, o.Nodes); err != nil {
		return nil, err
	}
	return r.run(ctx, o.Progress)
}

// A replay is a trace on its way through a network.
type replay struct {
	trace   *trace
	net     *network
	signers []dag.Signer // by agent
	pages   []*page      // by node

	mu      sync.Mutex
	ids     []dag.ID      // of the deltas of the transactions that are written
	news    chan struct{} // closed and made anew when a transaction is written or a page has grown
	payload int64
	written int
	last    time.Time // when the last write was answered
}

// start starts the nodes; the genesis grants every agent.
func (r *replay) start(ctx context.Context, nodes int) error {
	var grant dag.Grant
	for range r.trace.agents {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return err
		}
		s := dag.NewSigner(key)
		r.signers = append(r.signers, s)
		grant.Keys = append(grant.Keys, s.Public())
	}
	for i := range nodes {
		var mine []dag.Key
		for a := i; a < r.trace.agents; a += nodes {
			mine = append(mine, r.signers[a].Public())
		}
		p := newPage(r)
		r.pages = append(r.pages, p)
		_, err := r.net.start(ctx, node.WithGrant(grant), node.WithAuthors(mine...),
			node.WithView(func(*node.State, dag.ID) store.View { return p }))
		if err != nil {
			return err
		}
	}
	join, cancel := context.WithTimeout(ctx, stallTime)
	defer cancel()
	if err := r.net.awaitRegistered(join); err != nil {
		return err
	}
	for i, p := range r.pages {
		if err := r.await(join, func() bool { return p.founded() }); err != nil {
			return fmt.Errorf("node%d has not received the genesis: %w", i, err)
		}
	}
	return nil
}

// tell wakes all who wait for something to have changed.
func (r *replay) tell() {
	r.mu.Lock()
	close(r.news)
	r.news = make(chan struct{})
	r.mu.Unlock()
}

// await returns when cond holds; it is asked again after each change.
func (r *replay) await(ctx context.Context, cond func() bool) error {
	for {
		r.mu.Lock()
		news := r.news
		r.mu.Unlock()
		if cond() {
			return nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// run writes the trace and waits until every node has all of it.
func (r *replay) run(ctx context.Context, progress io.Writer) (*ReplayReport, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	begin := time.Now()
	var work sync.WaitGroup
	for a := range r.trace.agents {
		work.Go(func() {
			if err := r.write(ctx, a); err != nil {
				cancel(fmt.Errorf("agent %d: %w", a, err))
			}
		})
	}
	watch, stopWatch := context.WithCancel(ctx)
	var watcher sync.WaitGroup
	watcher.Go(func() { r.watch(watch, progress, cancel) })
	for _, p := range r.pages {
		if err := r.await(ctx, func() bool { return p.complete() }); err != nil {
			break
		}
	}
	stopWatch()
	watcher.Wait()
	work.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, errStalled) {
		return nil, err
	}
	return r.report(begin), nil
}

var errStalled = errors.New("the replay stands still")

// watch prints how far it is, and gives up when nothing has moved for a while.
func (r *replay) watch(ctx context.Context, out io.Writer, giveUp context.CancelCauseFunc) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	before, moved := -1, time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		r.mu.Lock()
		sum := r.written
		r.mu.Unlock()
		line := fmt.Sprintf("written %d of %d", sum, len(r.trace.txns))
		for i, p := range r.pages {
			held := p.held()
			sum += held
			line += fmt.Sprintf(", node%d holds %d", i, held)
		}
		if out != nil {
			fmt.Fprintln(out, line)
		}
		if sum != before {
			before, moved = sum, time.Now()
		} else if time.Since(moved) > stallTime {
			giveUp(errStalled)
			return
		}
	}
}

func (r *replay) report(begin time.Time) *ReplayReport {
	rep := &ReplayReport{Deltas: r.written, PayloadBytes: r.payload, TextMatches: true}
	end := r.last
	for i, p := range r.pages {
		m := r.net.members[i]
		n := ReplayNode{Name: m.name, PeerID: m.state().ID(), Deltas: p.held(), TextMatches: p.text() == r.trace.end}
		if at := p.completeAt(); !at.IsZero() {
			n.ConvergedMs = max(0, millis(at.Sub(r.last)))
			if at.After(end) {
				end = at
			}
		}
		rep.ConvergedMs = max(rep.ConvergedMs, n.ConvergedMs)
		rep.TextMatches = rep.TextMatches && n.TextMatches
		rep.WireBytes += m.state().Host().Stats().BytesSentStreams
		rep.Nodes = append(rep.Nodes, n)
	}
	rep.OK = rep.TextMatches && rep.Deltas == len(r.trace.txns)
	rep.WallSeconds = end.Sub(begin).Seconds()
	return rep
}
