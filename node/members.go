package node

import (
	"context"
	"slices"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/opsets/globalregistry"
	"github.com/merograph/merograph/p2p"
)

// follow has the registry tell of its members: the rows of a table, and the servers, which are no rows of their own tables.
func (s *State) follow(r *p2p.Running, table func() []globalregistry.Member, watch func(func()) func(), servers func() []graph.Peer) {
	s.mu.Lock()
	s.registry = r
	s.enlisted = func() []graph.Peer {
		ids := servers()
		for _, m := range table() {
			ids = append(ids, m.Peer)
		}
		return ids
	}
	s.cohort = func() []PeerEntry {
		var out []PeerEntry
		for _, m := range table() {
			out = append(out, PeerEntry{PeerID: m.Peer, Addresses: m.Record.Addresses, State: "registered"})
		}
		return out
	}
	s.mu.Unlock()
	watch(s.lookAtMembers)
	s.lookAtMembers()
}

// lookAtMembers has keepMembers look again. It does not block.
func (s *State) lookAtMembers() {
	select {
	case s.look <- struct{}{}:
	default:
	}
}

// keepMembers keeps the feed of members, until ctx ends: a goroutine of its own, since those who tell it hold locks.
func (s *State) keepMembers(ctx context.Context) {
	defer s.host.Connected().Watch(s.lookAtMembers)()
	for {
		if now := s.lookedAtMembers(); !slices.Equal(now, s.members.Get()) {
			s.members.Set(now)
		}
		s.notify()
		select {
		case <-ctx.Done():
			return
		case <-s.look:
		}
	}
}

func (s *State) lookedAtMembers() []graph.Peer {
	s.mu.Lock()
	enlisted := s.enlisted
	s.mu.Unlock()
	var ids []graph.Peer
	if enlisted != nil {
		ids = enlisted()
	}
	if ctx, ok := s.Context(); ok {
		for _, p := range s.host.Connected().Get() {
			if key, err := p2p.KeyOf(p); err == nil && s.journal.Member(ctx, dag.Key(key)) {
				ids = append(ids, p)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
