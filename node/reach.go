package node

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/merograph/merograph/p2p"
)

// Discovery is how this node finds others beside Bootstrap.
type Discovery struct {
	MDNS string `toml:"mdns"` // MDNSAuto, MDNSOn, MDNSOff; "" is MDNSAuto
}

// What Discovery.MDNS may be.
const (
	MDNSAuto = "auto" // on where the node listens off the loopback
	MDNSOn   = "on"   // nodes of the same network name find each other on the local network
	MDNSOff  = "off"
)

func (d Discovery) check() []error {
	switch d.MDNS {
	case "", MDNSAuto, MDNSOn, MDNSOff:
		return nil
	}
	return []error{fmt.Errorf("mdns %q: it is %s, %s or %s", d.MDNS, MDNSAuto, MDNSOn, MDNSOff)}
}

// Reach is how this node and others reach each other where one of them cannot be dialed. The zero value uses no other node
// for it.
type Reach struct {
	Relayed   bool     `toml:"relayed"`    // dial, and be dialed, through relays
	Through   []string `toml:"through"`    // relays (multiaddr/p2p/ID, at public addresses) that this node is reached through while nobody can dial it
	Relay     bool     `toml:"relay"`      // be a relay for others
	HolePunch bool     `toml:"hole_punch"` // replace a relayed connection by a direct one
	AutoNAT   bool     `toml:"auto_nat"`   // tell others whether they can be dialed
	Known     string   `toml:"known"`      // p2p.ReachPublic, p2p.ReachPrivate, or "" to find out
}

func (r Reach) check() []error {
	errs := dialable("relay", r.Through)
	switch r.Known {
	case "", p2p.ReachPublic, p2p.ReachPrivate:
	default:
		errs = append(errs, fmt.Errorf("reach.known %q: it is %s, %s, or left out to find out", r.Known, p2p.ReachPublic, p2p.ReachPrivate))
	}
	return errs
}

// mdns says whether the node looks for others on the local network.
func (n *Node) mdns() bool {
	switch n.cfg.Discovery.MDNS {
	case MDNSOn:
		return true
	case MDNSOff:
		return false
	}
	return slices.ContainsFunc(n.listens(), func(a multiaddr.Multiaddr) bool { return !manet.IsIPLoopback(a) })
}

// listens are the addresses of the configuration, or those of a host that was brought.
func (n *Node) listens() (out []multiaddr.Multiaddr) {
	if n.set.host != nil {
		return slices.DeleteFunc(n.set.host.Network().ListenAddresses(), func(a multiaddr.Multiaddr) bool {
			_, err := a.ValueForProtocol(multiaddr.P_CIRCUIT) // at its relays
			return err == nil
		})
	}
	for _, a := range n.cfg.Swarm.Addrs {
		if m, err := multiaddr.NewMultiaddr(a); err == nil {
			out = append(out, m)
		}
	}
	return out
}

// keepReach tells when others cannot dial this node and no relay has taken it in.
func (s *State) keepReach(ctx context.Context) {
	changed := make(chan struct{}, 1)
	look := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	defer s.host.Addresses().Watch(look)()
	defer s.host.Reachable().Watch(look)()
	for {
		s.Problem("reach", s.unreached())
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}

func (s *State) unreached() string {
	through := s.cfg.Reach.Through
	if len(through) == 0 || s.host.Reachable().Get() != p2p.ReachPrivate ||
		slices.ContainsFunc(s.host.Addresses().Get(), func(a string) bool { return strings.Contains(a, "/p2p-circuit") }) {
		return ""
	}
	return fmt.Sprintf("others cannot dial this node, and no relay has taken it in (%s): are they running, with relay = true under [reach], and are these their addresses?",
		strings.Join(through, ", "))
}
