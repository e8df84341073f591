package node

import (
	"context"
	"fmt"
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

// keepFound joins through each coordinator that is found on the local network, until ctx ends. Anyone there may say that it is
// one: it is believed once it has proved the network's secret.
func (s *State) keepFound(ctx context.Context) {
	news := make(chan struct{}, 1)
	defer s.host.Found().Watch(func() {
		select {
		case news <- struct{}{}:
		default:
		}
	})()
	for {
		have := s.through.Get()
		if now := alsoFound(have, s.host.Found().Get()); len(now) > len(have) {
			s.through.Set(now)
		}
		s.Problem("bootstrap", s.nobodyFound())
		select {
		case <-ctx.Done():
			return
		case <-news:
		}
	}
}

func (s *State) nobodyFound() string {
	if len(s.through.Get()) > 0 {
		return ""
	}
	return "no coordinator is found on the local network yet: start one of this network, or give --bootstrap with the address that it prints when it starts"
}

// alsoFound adds the coordinators among those that were found, as many as the registry takes.
func alsoFound(have []graph.Peer, found []p2p.Nearby) []graph.Peer {
	now := slices.Clone(have)
	for _, f := range found {
		if len(now) < globalregistry.MaxServers && slices.Contains(f.Offers, announceID) && !slices.Contains(now, f.Peer) {
			now = append(now, f.Peer)
		}
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
	for _, l := range leases {
		if l.Registered {
			ids = append(ids, l.Server)
		}
	}
	return ids
}
