package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/opsets/globalregistry"
)

// The waits between dials of a node to join through that does not answer: doubled from the least to the most.
const (
	leastWait = 200 * time.Millisecond
	mostWait  = 10 * time.Second
	dialTime  = 5 * time.Second
)

// keepBootstrap keeps a connection to each node that this one joins through, trying again less and less often.
func (s *State) keepBootstrap(ctx context.Context) {
	changed := make(chan struct{}, 1)
	defer s.host.Connected().Watch(func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	})()
	why := map[graph.Peer]string{} // the last reason of a peer, since a dial that waits out a backoff says none
	for wait := leastWait; ; {
		missing := s.dialBootstrap(ctx, why)
		s.Problem("bootstrap dial", strings.Join(missing, "; "))
		if len(missing) == 0 {
			wait = leastWait
		} else {
			wait = min(2*wait, mostWait)
		}
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
		if ctx.Err() != nil {
			return
		}
	}
}

// dialBootstrap connects to those that are not connected, and tells of those that cannot be.
func (s *State) dialBootstrap(ctx context.Context, why map[graph.Peer]string) (missing []string) {
	ids, addresses := s.dialed()
	for _, id := range ids {
		if slices.Contains(s.host.Connected().Get(), id) {
			delete(why, id)
			continue
		}
		if len(addresses[id]) == 0 {
			missing = append(missing, fmt.Sprintf("%s was found on the local network, and its address is not known any more: this node joins through it when it is heard again; is it running?", id))
			continue
		}
		var err error
		for _, a := range addresses[id] {
			dial, cancel := context.WithTimeout(ctx, dialTime)
			err = s.host.Connect(dial, a)
			cancel()
			if err == nil {
				break
			}
		}
		if err == nil {
			delete(why, id)
			continue
		}
		if reason := dialReason(err); reason != "" {
			why[id] = reason
		}
		missing = append(missing, fmt.Sprintf("%s does not answer (%s): this node goes on alone and tries again; is that one running, and is this its address?",
			strings.Join(addresses[id], ", "), cmp.Or(why[id], "no answer")))
	}
	return missing
}

// dialReason says in a few words why a dial failed; "" when it was not tried, since one before it had just failed.
func dialReason(err error) string {
	causes := []error{err}
	if dial := (*swarm.DialError)(nil); errors.As(err, &dial) {
		causes = nil
		for _, e := range dial.DialErrors {
			causes = append(causes, e.Cause)
		}
		if len(causes) == 0 && dial.Cause != nil {
			causes = []error{dial.Cause}
		}
	}
	for _, cause := range causes {
		var other sec.ErrPeerIDMismatch
		switch {
		case errors.Is(cause, swarm.ErrDialBackoff):
		case errors.As(cause, &other):
			return "the peer there is another one, " + other.Actual.String()
		case errors.Is(cause, syscall.ECONNREFUSED):
			return "connection refused"
		case errors.Is(cause, context.DeadlineExceeded) || os.IsTimeout(cause):
			return fmt.Sprintf("no answer in %v", dialTime)
		default:
			first, _, _ := strings.Cut(cause.Error(), "\n")
			return first
		}
	}
	return ""
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
