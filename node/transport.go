package node

import (
	"context"
	"fmt"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/opsets/blobexchange"
	"github.com/merograph/merograph/p2p"
)

// openTransport opens the host.
func (n *Node) openTransport(ctx context.Context) error {
	s := n.state
	mdns := n.mdns()
	cfg := p2p.Config{Host: n.set.host, Network: n.cfg.Network.Name, MDNS: mdns, Wall: s.Wall, Logger: n.cfg.Logger, Record: n.recording}
	if cfg.Host == nil {
		cfg.Key, cfg.Listen, cfg.Reach, cfg.Options = s.key, n.cfg.Swarm.Addrs, p2p.Reach(n.cfg.Reach), n.set.libp2p
	}
	h, err := p2p.New(ctx, cfg)
	if err != nil {
		return err
	}
	s.publish(func() { s.host, s.mdns = h, mdns })
	n.onStop(func(context.Context) error { return h.Close() })
	for i, e := range h.ListenErrors() {
		s.Problem(fmt.Sprintf("listen %d", i), e.Error()+"; the node runs without it: choose another with --swarm-addrs")
	}
	return nil
}

// startNetwork starts what runs on the transport: the node's own programs, discovery, and the programs of the options. What
// fails is told and leaves the rest.
func (n *Node) startNetwork() {
	s := n.state
	told := func(what string, err error) {
		if err != nil {
			s.Problem("start "+what, fmt.Sprintf("%s does not run: %v; start the node again", what, err))
		}
	}
	if ctx, ok := s.Context(); ok {
		told("replication", s.startReplica(ctx))
	}
	told("the exchange of blobs", s.startExchange())
	s.background(s.keepMembers)
	s.background(s.keepReach)
	told("discovery", n.startDiscovery())
	n.startPrograms()
}

// startDiscovery starts this node's side of the registry, and on a peer what keeps it connected.
func (n *Node) startDiscovery() error {
	s := n.state
	if n.cfg.NodeType == Coordinator {
		return s.serveRegistry()
	}
	s.background(s.keepBootstrap)
	s.background(s.keepMesh)
	if s.finds() {
		s.background(s.keepFound)
	}
	if err := s.joinRegistry(); err != nil {
		return err
	}
	n.onStop(s.leaveRegistry)
	return nil
}

func (s *State) startExchange() error {
	r, err := s.startRole(blobexchange.Protocol(), "peer", graph.Bind("blobs", s.blobs), graph.Bind("members", s.members))
	s.mu.Lock()
	s.exchange = r
	s.mu.Unlock()
	return err
}
