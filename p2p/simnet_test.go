package p2p

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/x/simlibp2p"
	"github.com/marcopolo/simnet"

	"github.com/merograph/merograph/graph"
)

// Real libp2p hosts in virtual time, 50 ms and 20 Mbit/s apart.
func TestCallsInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link := simnet.NodeBiDiLinkSettings{
			Downlink: simnet.LinkSettings{BitsPerSecond: 20 * simlibp2p.OneMbps},
			Uplink:   simnet.LinkSettings{BitsPerSecond: 20 * simlibp2p.OneMbps},
		}
		net := &simnet.Simnet{LatencyFunc: simnet.StaticLatency(50 * time.Millisecond)}
		open := func(i int) *Host {
			return testHost(t, func(c *Config) {
				c.Listen = []string{fmt.Sprintf("/ip4/%s/udp/8000/quic-v1", simnet.IntToPublicIPv4(i))}
				c.Options = []libp2p.Option{simlibp2p.QUICSimnet(net, link), libp2p.DisableIdentifyAddressDiscovery()}
			})
		}
		a, b := open(0), open(1)
		net.Start()
		t.Cleanup(func() { net.Close() })
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
