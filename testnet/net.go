package testnet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/merograph/merograph/api"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/node"
)

// A member is one node of a network in this process.
type member struct {
	name       string
	home       string
	node       *node.Node
	started    time.Time
	ready      time.Duration
	registered time.Duration // 0 until it is
}

func (m *member) state() *node.State { return m.node.State() }

// A network is a coordinator and peers in this process.
type network struct {
	dir     string
	remove  bool
	record  string // the folder of the recordings; "" for none
	members []*member
}

// newNetwork makes the folder of a network; an empty dir is a temporary one, which stop removes.
func newNetwork(dir string) (*network, error) {
	n := &network{dir: dir}
	if dir == "" {
		var err error
		if n.dir, err = os.MkdirTemp("", "merograph-testnet-"); err != nil {
			return nil, fmt.Errorf("make a folder for the homes: %w", err)
		}
		n.remove = true
	}
	return n, nil
}

// start starts the next node: the first is the coordinator, the others join through it.
func (n *network) start(ctx context.Context, opts ...node.Option) (*member, error) {
	i := len(n.members)
	m := &member{name: fmt.Sprintf("node%d", i), home: filepath.Join(n.dir, fmt.Sprintf("node%d", i))}
	cfg := node.Default()
	cfg.Home, cfg.Network.Name = m.home, "testnet"
	cfg.Swarm.Addrs = []string{"/ip4/127.0.0.1/tcp/0"}
	cfg.API.Addr = "127.0.0.1:0"
	if i > 0 {
		cfg.NodeType = node.Peer
		cfg.Bootstrap = n.members[0].state().Host().Addrs()
	}
	if n.record != "" {
		opts = append(opts, node.WithRecording(filepath.Join(n.record, m.name+".rec"), node.RecordingLimit))
	}
	var err error
	if m.node, err = node.New(cfg, append(opts, node.WithPart(api.New()))...); err != nil {
		return nil, err
	}
	m.started = time.Now()
	if err := m.node.Start(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", m.name, err)
	}
	m.ready = time.Since(m.started)
	if m.state().Host() == nil {
		return nil, errors.Join(fmt.Errorf("%s: the transport did not start: %v", m.name, m.state().Status().Problems), m.node.Stop(ctx))
	}
	n.members = append(n.members, m)
	return m, nil
}

// awaitRegistered returns when the coordinator has every peer in its registry, and notes when it was.
func (n *network) awaitRegistered(ctx context.Context) error {
	for {
		changed := n.members[0].state().Changed()
		missing := n.noteRegistered()
		if missing == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d peers have not registered: %w", missing, len(n.members)-1, ctx.Err())
		}
	}
}

func (n *network) noteRegistered() (missing int) {
	in := map[graph.Peer]bool{}
	for _, p := range n.members[0].state().Registry() {
		in[p.PeerID] = true
	}
	for _, m := range n.members[1:] {
		if m.registered == 0 && in[m.state().ID()] {
			m.registered = time.Since(m.started)
		}
		if m.registered == 0 {
			missing++
		}
	}
	return missing
}

// stop stops all nodes, the coordinator last.
func (n *network) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var errs []error
	for i := len(n.members) - 1; i >= 0; i-- {
		errs = append(errs, n.members[i].node.Stop(ctx))
	}
	if n.remove {
		errs = append(errs, os.RemoveAll(n.dir))
	}
	return errors.Join(errs...)
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
