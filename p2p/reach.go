package p2p

import (
	"fmt"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/peer"
)

// Reach says how this host and others reach each other when one of them cannot be dialed, behind a NAT or a firewall. The
// zero value uses no other node for it.
type Reach struct {
	Relayed   bool     // dial, and be dialed, through relays (circuit v2)
	Through   []string // relays (multiaddr/p2p/ID) that we are reached through while nobody can dial us; with it Relayed is on
	Relay     bool     // be a relay for others while we can be dialed ourselves, within libp2p's own limits
	HolePunch bool     // replace a relayed connection by a direct one where the two NATs let us; with it Relayed is on
	AutoNAT   bool     // tell others whether they can be dialed, at libp2p's own rate
	Known     string   // ReachPublic or ReachPrivate for who knows; "": ask others (AutoNAT)
}

// What Reach.Known may be.
const (
	ReachPublic  = "public"  // everyone can dial us
	ReachPrivate = "private" // nobody can
)

func (r *Reach) isZero() bool {
	return !r.Relayed && len(r.Through) == 0 && !r.Relay && !r.HolePunch && !r.AutoNAT && r.Known == ""
}

// relays gives the relays that we are reached through, or every mistake.
func (r *Reach) relays() (relays []peer.AddrInfo, faults []error) {
	for _, s := range r.Through {
		info, err := peer.AddrInfoFromString(s)
		if err != nil {
			faults = append(faults, fmt.Errorf("relay %q: %w: give a multiaddr that ends in /p2p/ID", s, err))
			continue
		}
		relays = append(relays, *info)
	}
	switch r.Known {
	case "", ReachPublic, ReachPrivate:
	default:
		faults = append(faults, fmt.Errorf("reach %q: it is %s, %s, or left out to find out", r.Known, ReachPublic, ReachPrivate))
	}
	return relays, faults
}

// options are those of libp2p.
func (r *Reach) options(relays []peer.AddrInfo) []libp2p.Option {
	var opts []libp2p.Option
	if r.Relayed || len(relays) > 0 || r.HolePunch {
		opts = append(opts, libp2p.EnableRelay())
	} else {
		opts = append(opts, libp2p.DisableRelay())
	}
	if len(relays) > 0 {
		opts = append(opts, libp2p.EnableAutoRelayWithStaticRelays(relays))
	}
	if r.Relay {
		opts = append(opts, libp2p.EnableRelayService())
	}
	if r.HolePunch {
		opts = append(opts, libp2p.EnableHolePunching())
	}
	if r.AutoNAT {
		opts = append(opts, libp2p.EnableNATService(), libp2p.EnableAutoNATv2())
	}
	switch r.Known {
	case ReachPublic:
		opts = append(opts, libp2p.ForceReachabilityPublic())
	case ReachPrivate:
		opts = append(opts, libp2p.ForceReachabilityPrivate())
	}
	return opts
}
