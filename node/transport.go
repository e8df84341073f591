package node

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/opsets/blobexchange"
	"github.com/merograph/merograph/opsets/globalregistry"
	"github.com/merograph/merograph/p2p"
)

// openTransport opens the host and runs the programs on it.
func (n *Node) openTransport(ctx context.Context) error {
	s := n.state
	h, err := p2p.New(ctx, p2p.Config{Key: s.key, Listen: n.cfg.Swarm.Addrs, Network: n.cfg.Network.Name, Logger: n.cfg.Logger, Options: n.set.libp2p, Record: n.recording})
	if err != nil {
		return fmt.Errorf("the transport did not start: %w", err)
	}
	s.host = h
	n.onStop(func(context.Context) error { return h.Close() })
	for i, e := range h.ListenErrors() {
		s.Problem(fmt.Sprintf("listen %d", i), e.Error()+"; the node runs without it: choose another with --swarm-addrs")
	}
	if ctx, ok := s.Context(); ok {
		if err := s.startReplica(ctx); err != nil {
			return err
		}
	}
	if err := s.startExchange(); err != nil {
		return err
	}
	if n.cfg.NodeType == Coordinator {
		return s.serveRegistry()
	}
	if err := s.joinRegistry(); err != nil {
		return err
	}
	n.onStop(s.leaveRegistry)
	s.background(s.keepBootstrap)
	s.background(s.keepMesh)
	return nil
}

func (s *State) startExchange() error {
	p, err := graph.Compile(blobexchange.Protocol(), "peer")
	if err != nil {
		return err
	}
	r, err := s.host.Run(p, graph.Bind("blobs", s.blobs), graph.Bind("members", s.members))
	s.mu.Lock()
	s.exchange = r
	s.mu.Unlock()
	return err
}

// serveRegistry is the coordinator's side.
func (s *State) serveRegistry() error {
	p, err := graph.Compile(globalregistry.Protocol(), "server")
	if err != nil {
		return err
	}
	nonce := make([]byte, 32)
	if _, err := rand.Read(nonce); err != nil {
		return err
	}
	r, err := s.host.Run(p, graph.Bind("addresses", s.host.Addrs()), graph.Bind("context", s.contextID),
		graph.Bind("access", globalregistry.Access{Secret: []byte(s.cfg.Network.Secret), NonceKey: nonce}), graph.Bind("members", &admitter{s}),
		graph.Bind("ttl", globalregistry.TTL), graph.Bind("quota", globalregistry.DefaultQuota), graph.Bind("records", s.records()))
	if err != nil {
		return err
	}
	cohort := graph.FeedOf[graph.Peer, globalregistry.Row](r.Instance(), "cohort")
	s.follow(r, func() (members []globalregistry.Member) {
		for _, row := range cohort.Get().All() {
			members = append(members, row.Member)
		}
		return members
	}, cohort.Watch, nil)
	return nil
}

// records signs where this node is, as its identity, and verifies what others have signed.
func (s *State) records() globalregistry.Records {
	return globalregistry.Keys{Self: s.id, Private: s.key, KeyOf: p2p.KeyOf}
}

// joinRegistry is a peer's side: it announces itself to each node that it joins through.
func (s *State) joinRegistry() error {
	p, err := graph.Compile(globalregistry.Protocol(), "client")
	if err != nil {
		return err
	}
	var servers []graph.Peer
	for _, a := range s.cfg.Bootstrap {
		_, id, _ := strings.Cut(a, "/p2p/")
		if !slices.Contains(servers, graph.Peer(id)) {
			servers = append(servers, graph.Peer(id))
		}
		// So that the first announce can dial at once.
		if err := s.host.Learn(graph.Peer(id), []string{a}, time.Hour); err != nil {
			return err
		}
	}
	if len(servers) == 0 {
		s.Problem("bootstrap", "no coordinator is known: give --bootstrap with the address that it prints when it starts")
	}
	if n := len(servers); n > globalregistry.MaxServers {
		s.Problem("bootstrap", fmt.Sprintf("%d coordinators are given: this node announces itself to the first %d", n, globalregistry.MaxServers))
	}
	r, err := s.host.Run(p, graph.Bind("servers", servers), graph.Bind("addresses", s.host.Addrs()),
		graph.Bind("secret", []byte(s.cfg.Network.Secret)), graph.Bind("records", s.records()))
	if err != nil {
		return err
	}
	known := graph.FeedOf[graph.Peer, globalregistry.Member](r.Instance(), "known")
	s.follow(r, func() []globalregistry.Member { return known.Get().All() }, known.Watch, servers)
	leases := graph.FeedOf[graph.Peer, globalregistry.Lease](r.Instance(), "leases")
	s.mu.Lock()
	s.lease = func() (bool, string) { return registration(leases.Get().All()) }
	s.mu.Unlock()
	signal := make(chan struct{}, 1)
	leases.Watch(func() {
		select {
		case signal <- struct{}{}:
		default:
		}
		s.notify()
	})
	s.background(func(ctx context.Context) {
		for {
			select {
			case <-ctx.Done():
				return
			case <-signal:
			}
			for _, l := range leases.Get().All() {
				s.learnLease(l)
			}
		}
	})
	return nil
}

// registration is true when any lease is; the sentence says what is wrong with the others.
func registration(leases []globalregistry.Lease) (registered bool, why string) {
	var told []string
	for _, l := range leases {
		registered = registered || l.Registered
		if l.LastError != "" {
			told = append(told, l.LastError)
		}
	}
	return registered, strings.Join(told, "; ")
}

// learnLease keeps the addresses of a server, so that later dials can choose any, and joins the context that it names.
func (s *State) learnLease(l globalregistry.Lease) {
	if l.Registered && len(l.Addresses) > 0 {
		if err := s.host.Learn(l.Server, l.Addresses, globalregistry.MaxTTL); err != nil {
			s.Problem("addresses of "+string(l.Server), err.Error())
		}
	}
	if l.Context == "" {
		return
	}
	if err := s.learnContext(l.Context); err != nil {
		s.Problem("context", err.Error())
	}
}

// leaveRegistry tells the coordinators that this node stops. One that does not answer forgets it when its lease ends.
func (s *State) leaveRegistry(ctx context.Context) error {
	s.mu.Lock()
	r := s.registry
	s.mu.Unlock()
	if r == nil {
		return nil
	}
	told := make(chan struct{})
	graph.Submit(r.Instance(), "leave", globalregistry.Stop{}, 2*time.Second, func(graph.Done, error) { close(told) })
	select {
	case <-told:
	case <-ctx.Done():
	}
	return nil
}

// follow keeps the members as a registry's table tells them, and the servers, which are no members of their own tables.
func (s *State) follow(r *p2p.Running, table func() []globalregistry.Member, watch func(func()) func(), servers []graph.Peer) {
	set := func() {
		ids := slices.Clone(servers)
		for _, m := range table() {
			ids = append(ids, m.Peer)
		}
		slices.Sort(ids)
		s.members.Set(slices.Compact(ids))
		s.notify()
	}
	s.mu.Lock()
	s.registry = r
	s.cohort = func() []PeerEntry {
		var out []PeerEntry
		for _, m := range table() {
			out = append(out, PeerEntry{PeerID: m.Peer, Addresses: m.Record.Addresses, State: "registered"})
		}
		return out
	}
	s.mu.Unlock()
	watch(set)
	set()
}

// keepBootstrap keeps a connection to each node that this one joins through, trying again less and less often.
func (s *State) keepBootstrap(ctx context.Context) {
	wait := 200 * time.Millisecond
	for {
		missing := ""
		for _, a := range s.cfg.Bootstrap {
			_, id, _ := strings.Cut(a, "/p2p/")
			if slices.Contains(s.host.Connected().Get(), graph.Peer(id)) {
				continue
			}
			dial, cancel := context.WithTimeout(ctx, 5*time.Second)
			if err := s.host.Connect(dial, a); err != nil {
				missing = fmt.Sprintf("%s does not answer: %v", a, err)
			}
			cancel()
		}
		s.Problem("bootstrap dial", missing)
		if missing == "" {
			wait = 200 * time.Millisecond
		} else {
			wait = min(2*wait, 10*time.Second)
		}
		changed := make(chan struct{}, 1)
		un := s.host.Connected().Watch(func() {
			select {
			case changed <- struct{}{}:
			default:
			}
		})
		timer := time.NewTimer(max(wait, time.Second))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-changed:
			// A connection came or went; look again, not at once: the other side may be starting.
			select {
			case <-ctx.Done():
			case <-time.After(wait):
			}
		}
		timer.Stop()
		un()
		if ctx.Err() != nil {
			return
		}
	}
}

// mesh is how many members a node keeps connections to, so that what is published finds more than one way.
const mesh = 12

// keepMesh dials members that the registry names.
func (s *State) keepMesh(ctx context.Context) {
	news := make(chan struct{}, 1)
	un := s.members.Watch(func() {
		select {
		case news <- struct{}{}:
		default:
		}
	})
	defer un()
	again := time.NewTicker(15 * time.Second)
	defer again.Stop()
	for {
		s.dialMembers(ctx)
		select {
		case <-ctx.Done():
			return
		case <-news:
		case <-again.C:
		}
	}
}

func (s *State) dialMembers(ctx context.Context) {
	for _, m := range s.Registry() {
		connected := s.host.Connected().Get()
		if len(connected) >= mesh || ctx.Err() != nil {
			return
		}
		if m.PeerID == s.id || slices.Contains(connected, m.PeerID) || len(m.Addresses) == 0 {
			continue
		}
		if err := s.host.Learn(m.PeerID, m.Addresses, globalregistry.MaxTTL); err != nil {
			continue
		}
		dial, cancel := context.WithTimeout(ctx, 5*time.Second)
		for _, a := range m.Addresses {
			if !strings.Contains(a, "/p2p/") {
				a += "/p2p/" + string(m.PeerID)
			}
			if s.host.Connect(dial, a) == nil {
				break
			}
		}
		cancel()
	}
}
