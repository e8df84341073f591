package node

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/opsets/globalregistry"
)

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
