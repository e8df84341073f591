package node

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/opsets/globalregistry"
	"github.com/merograph/merograph/p2p"
)

// joinThrough begins with the nodes of the configuration as those to join through.
func (s *State) joinThrough() {
	servers, addresses := s.cfg.servers()
	for _, id := range servers {
		// So that the first announce can dial at once.
		if err := s.host.Learn(id, addresses[id], time.Hour); err != nil {
			s.Problem("bootstrap "+string(id), err.Error())
		}
	}
	if n := len(servers); n > globalregistry.MaxServers {
		s.Problem("bootstrap", fmt.Sprintf("%d coordinators are given: this node announces itself to the first %d", n, globalregistry.MaxServers))
	}
	switch {
	case s.finds(): // keepFound tells
	case len(servers) == 0:
		s.Problem("bootstrap", "no coordinator is known: give --bootstrap with the address that it prints when it starts")
	default:
		s.through.Set(servers)
	}
}

// finds says that the coordinators to join through are those of the local network, since none was given.
func (s *State) finds() bool { return s.cfg.NodeType == Peer && len(s.cfg.Bootstrap) == 0 && s.mdns }

// foundAgain is the time between two looks at whether those that were found are worth their places.
const foundAgain = 15 * time.Second

// keepFound joins through each coordinator that is found on the local network, until ctx ends. Anyone there may say that it is
// one: it is believed once it has proved the network's secret, and until then it keeps its place only while no other wants it.
func (s *State) keepFound(ctx context.Context) {
	news := make(chan struct{}, 1)
	defer s.host.Found().Watch(func() {
		select {
		case news <- struct{}{}:
		default:
		}
	})()
	again := time.NewTicker(foundAgain)
	defer again.Stop()
	for failed := false; ; {
		have, connected, leases := s.through.Get(), s.host.Connected().Get(), s.knownLeases()
		idle := func(p graph.Peer) bool { return isIdle(p, connected, leases, failed) }
		if now := alsoFound(have, s.host.Found().Get(), connected, idle); !slices.Equal(now, have) {
			s.through.Set(now)
		}
		s.Problem("bootstrap", s.nobodyFound())
		select {
		case <-ctx.Done():
			return
		case <-news:
			failed = false
		case <-again.C:
			failed = true
		}
	}
}

// isIdle says that a found server has not registered this node and is not connected; or, with failed, that it refused.
func isIdle(p graph.Peer, connected []graph.Peer, leases []globalregistry.Lease, failed bool) bool {
	for _, l := range leases {
		if l.Server == p && (l.Registered || failed && l.LastError != "") {
			return !l.Registered
		}
	}
	return !slices.Contains(connected, p)
}

func (s *State) nobodyFound() string {
	if len(s.through.Get()) > 0 {
		return ""
	}
	return "no coordinator is found on the local network yet: start one of this network, or give --bootstrap with the address that it prints when it starts"
}

// alsoFound adds the coordinators among those that were found, as many as the registry takes. Then one that is connected takes
// the place of an idle one. Whose turn it is is drawn: whoever chose its id well would be first each time.
func alsoFound(have []graph.Peer, found []p2p.Nearby, connected []graph.Peer, idle func(graph.Peer) bool) []graph.Peer {
	now, left := slices.Clone(have), slices.Clone(have)
	for _, i := range rand.Perm(len(found)) {
		f := found[i]
		if !slices.Contains(f.Offers, announceID) || slices.Contains(now, f.Peer) {
			continue
		}
		if len(now) < globalregistry.MaxServers {
			now = append(now, f.Peer)
			continue
		}
		at := slices.IndexFunc(left, idle)
		if at < 0 || !slices.Contains(connected, f.Peer) {
			continue
		}
		now[slices.Index(now, left[at])] = f.Peer
		left = slices.Delete(left, at, at+1)
	}
	return now
}

// announceID is what a coordinator answers to.
var announceID = func() string {
	g := globalregistry.Protocol()
	return fmt.Sprintf("/merograph/%s/%d/announce", g.Name(), g.Version())
}()

// dialed are the nodes to join through, each with the addresses that are given, or known of one that was found.
func (s *State) dialed() (ids []graph.Peer, addresses map[graph.Peer][]string) {
	if !s.finds() {
		return s.cfg.servers()
	}
	ids, addresses = s.through.Get(), map[graph.Peer][]string{}
	if len(ids) == 0 {
		return ids, addresses
	}
	for _, p := range s.host.Peers() {
		for _, a := range p.Addresses {
			addresses[p.Peer] = append(addresses[p.Peer], a+"/p2p/"+string(p.Peer))
		}
	}
	return ids, addresses
}

// trusted are the servers that are members: those that the configuration names, and of the found ones those that have proved
// the secret when they registered this node.
func (s *State) trusted(leases []globalregistry.Lease) (ids []graph.Peer) {
	if !s.finds() {
		return slices.Clone(s.through.Get())
	}
	return registrars(leases)
}

// registrars are the servers that have registered this node.
func registrars(leases []globalregistry.Lease) (ids []graph.Peer) {
	for _, l := range leases {
		if l.Registered {
			ids = append(ids, l.Server)
		}
	}
	return ids
}

// knownLeases are those of this peer with its servers; none while discovery does not run.
func (s *State) knownLeases() []globalregistry.Lease {
	s.mu.Lock()
	leases := s.leases
	s.mu.Unlock()
	if leases == nil {
		return nil
	}
	return leases()
}
