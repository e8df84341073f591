package node

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/opsets/globalregistry"
	"github.com/merograph/merograph/p2p"
)

// serveRegistry is the coordinator's side.
func (s *State) serveRegistry() error {
	nonce := make([]byte, 32)
	if _, err := rand.Read(nonce); err != nil {
		return err
	}
	r, err := s.startRole(globalregistry.Protocol(), "server", graph.Bind("addresses", s.host.Addresses()), graph.Bind("context", s.contextID),
		graph.Bind("access", globalregistry.Access{Secret: s.cfg.Network.key(), NonceKey: nonce}), graph.Bind("members", &admitter{s}),
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
	}, cohort.Watch, func() []graph.Peer { return nil })
	return nil
}

// records signs where this node is, as its identity, and verifies what others have signed.
func (s *State) records() globalregistry.Records {
	return globalregistry.Keys{Self: s.id, Private: s.key, KeyOf: p2p.KeyOf}
}

// joinRegistry is a peer's side: it announces itself to each node that it joins through.
func (s *State) joinRegistry() error {
	s.joinThrough()
	r, err := s.startRole(globalregistry.Protocol(), "client", graph.Bind("servers", s.through), graph.Bind("connected", s.host.Connected()),
		graph.Bind("addresses", s.host.Addresses()), graph.Bind("secret", s.cfg.Network.key()), graph.Bind("records", s.records()))
	if err != nil {
		return err
	}
	known := graph.FeedOf[graph.Peer, globalregistry.Member](r.Instance(), "known")
	leases := graph.FeedOf[graph.Peer, globalregistry.Lease](r.Instance(), "leases")
	s.follow(r, func() []globalregistry.Member { return known.Get().All() }, known.Watch, func() []graph.Peer { return s.trusted(leases.Get().All()) })
	s.mu.Lock()
	s.lease = func() (bool, string) { return registration(leases.Get().All(), s.host.Connected().Get()) }
	s.leases = func() []globalregistry.Lease { return leases.Get().All() }
	s.mu.Unlock()
	signal := make(chan struct{}, 1)
	signal <- struct{}{} // what was answered before anybody watched
	leases.Watch(func() {
		s.lookAtMembers()
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

// registration is true when any lease is; the sentence says what is wrong with the others. Of a server that is not connected
// keepBootstrap tells already.
func registration(leases []globalregistry.Lease, connected []graph.Peer) (registered bool, why string) {
	var told []string
	for _, l := range leases {
		registered = registered || l.Registered
		if l.LastError != "" && slices.Contains(connected, l.Server) {
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
