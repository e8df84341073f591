package node

import (
	"slices"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/opsets/replicate"
)

// firstWait bounds how long the first write after a start waits for a peer.
const firstWait = 2 * time.Second

// beforeFirst holds the first write after a start until one of the connected peers and this node hold the same: a disk that was
// rolled back as a whole is known by nothing but what a peer has of it, and a write before that would fork this node's chain
// (DATA 1.3). With nobody connected it does not wait.
func (s *State) beforeFirst() {
	s.first.Do(func() {
		s.mu.Lock()
		r, host := s.replica, s.host
		s.mu.Unlock()
		if r == nil || host == nil {
			return
		}
		agreed, connected := graph.FeedOf[graph.Peer, replicate.Agreement](r.Instance(), "agreed"), host.Connected()
		changed := make(chan struct{}, 1)
		poke := func() {
			select {
			case changed <- struct{}{}:
			default:
			}
		}
		defer agreed.Watch(poke)()
		defer connected.Watch(poke)()
		limit := time.NewTimer(firstWait)
		defer limit.Stop()
		for !metOne(agreed.Get(), connected.Get()) {
			select {
			case <-changed:
			case <-limit.C:
				return
			}
		}
	})
}

// metOne says that one of the peers has agreed with this node, or that there is none.
func metOne(agreed graph.View[graph.Peer, replicate.Agreement], peers []graph.Peer) bool {
	return len(peers) == 0 || slices.ContainsFunc(peers, func(p graph.Peer) bool {
		_, ok := agreed.Get(p)
		return ok
	})
}
