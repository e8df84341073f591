package p2p

import (
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/x/simlibp2p"
	"github.com/marcopolo/simnet"

	"github.com/merograph/merograph/graph"
)

// A simNet is a network in virtual time, 50 ms and 20 Mbit/s from anyone to anyone.
type simNet struct {
	*simnet.Simnet
	mu  sync.Mutex
	cut func(from, to int) bool // between the hosts by number; nil: nothing
}

// lost is longer than any test: what is cut off arrives when nobody is there any more.
const lost = 1000 * time.Hour

func newSimNet(t *testing.T) *simNet {
	n := &simNet{}
	n.Simnet = &simnet.Simnet{LatencyFunc: func(p *simnet.Packet) time.Duration {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.cut != nil && n.cut(numberOf(p.From), numberOf(p.To)) {
			return lost
		}
		return 50 * time.Millisecond
	}}
	n.Logger = slog.New(slog.DiscardHandler)
	n.Start()
	t.Cleanup(func() { n.Close() })
	return n
}

func numberOf(a net.Addr) int {
	ip := a.(*net.UDPAddr).IP
	for i := range 256 {
		if simnet.IntToPublicIPv4(i).Equal(ip) {
			return i
		}
	}
	return -1
}

// part sets who cannot reach whom.
func (n *simNet) part(cut func(from, to int) bool) {
	n.mu.Lock()
	n.cut = cut
	n.mu.Unlock()
}

// host opens the host of a number, whose address follows from it.
func (n *simNet) host(t *testing.T, i int, change ...func(*Config)) *Host {
	link := simnet.LinkSettings{BitsPerSecond: 20 * simlibp2p.OneMbps}
	quic := simlibp2p.QUICSimnet(n.Simnet, simnet.NodeBiDiLinkSettings{Downlink: link, Uplink: link})
	return testHost(t, append([]func(*Config){func(c *Config) {
		c.Listen = []string{fmt.Sprintf("/ip4/%s/udp/8000/quic-v1", simnet.IntToPublicIPv4(i))}
		c.Options = []libp2p.Option{quic, libp2p.DisableIdentifyAddressDiscovery()}
	}}, change...)...)
}

// simHosts opens so many hosts of one network.
func simHosts(t *testing.T, n int) []*Host {
	net := newSimNet(t)
	hosts := make([]*Host, n)
	for i := range hosts {
		hosts[i] = net.host(t, i)
	}
	return hosts
}

// Real libp2p hosts in virtual time.
func TestCallsInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hosts := simHosts(t, 2)
		a, b := hosts[0], hosts[1]
		e := newEars()
		server(t, b, e)
		c := client(t, a)
		learn(t, a, b)
		if got, err := Ask[parcel, string](t.Context(), c, "echo", parcel{b.ID(), "hello"}); err != nil || got != "HELLO" {
			t.Fatalf("got %q, %v", got, err)
		}
		start := time.Now()
		for range 10 {
			if _, err := Ask[parcel, string](t.Context(), c, "echo", parcel{b.ID(), "hello"}); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took < time.Second || took > 1100*time.Millisecond {
			t.Errorf("10 round trips of 100 ms took %v", took)
		}
		// The deadline of Ask passes while the callee holds the call.
		start = time.Now()
		_, err := Ask[parcel, string](t.Context(), c, "slow", parcel{b.ID(), "x"})
		if graph.ReasonOf(err) != graph.Timeout || time.Since(start) != askTime {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
	})
}
