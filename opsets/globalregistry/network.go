package globalregistry

import (
	"net/netip"
	"strings"

	"github.com/merograph/merograph/graph"
)

// A Quota is how many clients one network may have in the cohort. A network is the prefix of a client's first public address;
// all clients that announce no public address (loopback, private, names) count in one, which has a bound of its own. A zero
// field has the value that DefaultQuota has there.
type Quota struct {
	IPv4, IPv6 int // bits of a prefix: 24 and 48
	Most       int // clients of one prefix: 256
	Elsewhere  int // clients without a public address: half the capacity
}

// DefaultQuota is the quota of a server that is bound to none.
var DefaultQuota = Quota{IPv4: 24, IPv6: 48, Most: 256, Elsewhere: Capacity / 2}

// elsewhere is the network of those who announce no public address.
const elsewhere = ""

// A Network is how many clients of a network are in the cohort.
type Network struct {
	Prefix  string
	Clients int
}

// Key is the network's place in its table.
func (n Network) Key() string { return n.Prefix }

func (q Quota) most(network string) int {
	if network == elsewhere {
		return or(q.Elsewhere, DefaultQuota.Elsewhere)
	}
	return or(q.Most, DefaultQuota.Most)
}

func or(v, other int) int {
	if v > 0 {
		return v
	}
	return other
}

// networkOf gives the prefix of the first public address, or elsewhere.
func (q Quota) networkOf(addresses []string) string {
	for _, a := range addresses {
		ip, ok := ipOf(a)
		if !ok || !public(ip) {
			continue
		}
		bits := or(q.IPv4, DefaultQuota.IPv4)
		if ip.Is6() {
			bits = or(q.IPv6, DefaultQuota.IPv6)
		}
		if p, err := ip.Prefix(min(bits, ip.BitLen())); err == nil {
			return p.String()
		}
	}
	return elsewhere
}

// ipOf reads the address of a multiaddr that begins with /ip4/ or /ip6/.
func ipOf(multiaddr string) (netip.Addr, bool) {
	rest, is4 := strings.CutPrefix(multiaddr, "/ip4/")
	if !is4 {
		var is6 bool
		if rest, is6 = strings.CutPrefix(multiaddr, "/ip6/"); !is6 {
			return netip.Addr{}, false
		}
	}
	text, _, _ := strings.Cut(rest, "/")
	ip, err := netip.ParseAddr(text)
	if err != nil || ip.Zone() != "" || ip.Is4() != is4 {
		return netip.Addr{}, false
	}
	return ip.Unmap(), true
}

var shared = netip.MustParsePrefix("100.64.0.0/10") // of providers, RFC 6598

func public(ip netip.Addr) bool {
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !shared.Contains(ip)
}

// vacate counts one client less in a network.
func vacate(networks *graph.Rows[string, Network], prefix string) error {
	n, ok := networks.Get(prefix)
	switch {
	case !ok:
		return nil
	case n.Clients <= 1:
		networks.Remove(prefix)
		return nil
	}
	n.Clients--
	return networks.Put(n, graph.Forever)
}
