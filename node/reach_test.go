package node

// The sleeps here are in a bubble of synctest: virtual time passes, and nobody waits.

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/x/simlibp2p"
	"github.com/marcopolo/simnet"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/p2p"
)

// awhile looks again each second of virtual time.
func awhile(t *testing.T, s *State, what string, cond func() bool) {
	t.Helper()
	for start := time.Now(); !cond(); time.Sleep(time.Second) {
		if time.Since(start) > 10*time.Minute {
			t.Fatalf("%s did not happen; status %+v", what, s.Status())
		}
	}
}

// A node that nobody can dial is reached, and registered, at an address through a relay; without the relay it says so.
func TestReachThroughARelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := &simnet.Simnet{LatencyFunc: func(*simnet.Packet) time.Duration { return 20 * time.Millisecond }}
		net.Logger = slog.New(slog.DiscardHandler)
		net.Start()
		t.Cleanup(func() { net.Close() })
		hosts := 0
		run := func(change func(*Config)) *State {
			link := simnet.LinkSettings{BitsPerSecond: 20 * simlibp2p.OneMbps}
			at := fmt.Sprintf("/ip4/%s/udp/8000/quic-v1", simnet.IntToPublicIPv4(hosts))
			hosts++
			return configured(t, func(c *Config) {
				c.Memory, c.Swarm.Addrs, c.Network.Secret, c.Discovery.MDNS = true, []string{at}, "rosebud", MDNSOff
				change(c)
			}, WithLibp2p(simlibp2p.QUICSimnet(net, simnet.NodeBiDiLinkSettings{Downlink: link, Uplink: link}), libp2p.DisableIdentifyAddressDiscovery())).State()
		}
		c := run(func(c *Config) { c.Reach = Reach{Relay: true, Known: p2p.ReachPublic} })
		at := c.Host().Addrs()
		behind := func(through ...string) *State {
			return run(func(c *Config) {
				c.NodeType, c.Bootstrap, c.Reach = Peer, at, Reach{Through: through, Known: p2p.ReachPrivate}
			})
		}
		relayed := func(as []string) bool {
			return slices.ContainsFunc(as, func(a string) bool { return strings.Contains(a, "/p2p-circuit") })
		}
		p := behind(at...)
		awhile(t, c, "registration through the relay", func() bool {
			return slices.ContainsFunc(c.Registry(), func(e PeerEntry) bool { return e.PeerID == p.ID() && relayed(e.Addresses) })
		})
		if st := p.Status(); st.Transport.Reach != p2p.ReachPrivate || len(st.Problems) > 0 || !relayed(st.Transport.Listen) {
			t.Errorf("%+v", st)
		}
		if st := c.Status().Transport.Reach; st != p2p.ReachPublic {
			t.Errorf("the coordinator is %q", st)
		}
		away := graph.Peer("12D3KooWGzh2rPe3WVxkiTiGh8EHoiKyPmxTHYXt1Mm3hR5oTYRB")
		lost := behind(fmt.Sprintf("/ip4/%s/udp/1/quic-v1/p2p/%s", simnet.IntToPublicIPv4(200), away))
		awhile(t, lost, "the missing relay told", problem(lost, "no relay has taken it in (/ip4/"))
	})
}
