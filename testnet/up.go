package testnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/node"
)

// UpOptions says what Up starts.
type UpOptions struct {
	Nodes int           // a coordinator and Nodes-1 peers
	For   time.Duration // from the first start; 0: until ctx ends
	Dir   string        // of the homes; "" is a temporary folder, removed at the end
	// Record is a folder for a recording of each node, NAME.rec; "" for none.
	Record string
	Out    io.Writer                  // what a person reads meanwhile; nil for nothing
	Live   bool                       // Out is a terminal: draw the table in place
	Size   func() (width, height int) // of that terminal, in characters; 0 is unknown, and so is nil
	Merod  string                     // how the reader calls this program, in the hints; "" is merod
}

// An UpReport says how a network did.
type UpReport struct {
	OK       bool       `json:"ok"` // every peer registered and every write is on all
	Nodes    []UpNode   `json:"nodes"`
	Registry UpRegistry `json:"registry"`
	Store    UpStore    `json:"store"`
}

// An UpNode is one node; its times count from its own start.
type UpNode struct {
	Name         string     `json:"name"`
	NodeType     string     `json:"nodeType"`
	PeerID       graph.Peer `json:"peerId"`
	API          string     `json:"api"`
	Home         string     `json:"home"`
	ReadyMs      float64    `json:"readyMs"`
	RegisteredMs *float64   `json:"registeredMs,omitempty"` // absent on the coordinator, and on a peer that did not register
}

// UpRegistry is what the coordinator's registry holds.
type UpRegistry struct {
	Peers []node.PeerEntry `json:"peers"`
}

// UpStore counts the writes, and how long each took from its answer until it could be read on all nodes.
type UpStore struct {
	Writes    int     `json:"writes"`
	Converged int     `json:"converged"`
	P50Ms     float64 `json:"p50Ms"`
	MaxMs     float64 `json:"maxMs"`
}

const (
	writeEvery = time.Second
	settleTime = 10 * time.Second // for the last writes to reach all, after the last one
)

// Up runs a coordinator and peers as real libp2p nodes in this process. Each writes once a second; the report says how long
// it took until all could read it.
func Up(ctx context.Context, o UpOptions) (r *UpReport, err error) {
	if o.Nodes < 1 || o.Nodes > 64 {
		return nil, fmt.Errorf("%w: %d nodes: from 1 to 64 run in one process", ErrUsage, o.Nodes)
	}
	begin := time.Now()
	n, err := newNetwork(o.Dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, n.stop()) }()
	if err := n.recordTo(o.Record); err != nil {
		return nil, err
	}
	for range o.Nodes {
		if _, err := n.start(ctx); err != nil {
			return nil, err
		}
	}
	run, stop := context.WithCancel(ctx)
	if o.For > 0 {
		run, stop = context.WithDeadline(ctx, begin.Add(o.For))
	}
	defer stop()
	b := newBoard(n)
	var work sync.WaitGroup
	readers, stopReaders := context.WithCancel(context.WithoutCancel(ctx))
	for i := range n.members {
		work.Go(func() { b.read(readers, i) })
		work.Go(func() { b.write(run, i) })
	}
	work.Go(func() { _ = n.awaitRegistered(run) })
	if o.Out != nil {
		work.Go(func() { b.show(run, o, begin) })
	}
	<-run.Done()
	b.settle(settleTime)
	stopReaders()
	work.Wait()
	return b.report(), nil
}

// report sums up; nothing runs any more.
func (b *board) report() *UpReport {
	r := &UpReport{Registry: UpRegistry{Peers: b.net.members[0].state().Registry()}}
	missing := b.net.noteRegistered()
	for _, m := range b.net.members {
		u := UpNode{Name: m.name, NodeType: m.state().Config().NodeType, PeerID: m.state().ID(), API: m.state().API(), Home: m.home, ReadyMs: millis(m.ready)}
		if m.registered > 0 {
			ms := millis(m.registered)
			u.RegisteredMs = &ms
		}
		r.Nodes = append(r.Nodes, u)
	}
	r.Store = b.sum()
	r.OK = missing == 0 && r.Store.Converged == r.Store.Writes && (r.Store.Writes > 0 || len(b.net.members) == 0)
	for i := range b.net.members {
		r.OK = r.OK && b.wrote[i] > 0
	}
	return r
}

func (b *board) sum() UpStore {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := UpStore{Writes: b.writes, Converged: len(b.took)}
	if len(b.took) > 0 {
		all := slices.Clone(b.took)
		slices.Sort(all)
		s.P50Ms, s.MaxMs = millis(all[len(all)/2]), millis(all[len(all)-1])
	}
	return s
}
