package p2p

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/x/simlibp2p"
	"github.com/marcopolo/simnet"

	"github.com/merograph/merograph/graph"
)

var received = graph.Op1(ops, "received", 1, func(_ *graph.Tick, r *graph.Received[string]) (string, error) { return r.Value, nil })

// forward is a protocol whose relay passes on to a sink what a source pushes, and sends there what it has itself.
func forward() *graph.Graph {
	g := graph.New("forward", 1)
	source, relay, sink := g.Role("source"), g.Role("relay"), g.Role("sink")
	to, e := graph.Param[graph.Peer](relay, "sink"), graph.Component[listener](sink, "ears")
	hear := graph.Op2(ops, "hear", 1, func(_ *graph.Tick, r *graph.Received[string], l listener) (graph.Done, error) {
		l.hear(strings.TrimSpace(r.Value))
		return graph.Done{}, nil
	})
	big := graph.MaxRequest(64 << 10)

	push := graph.Ask[parcel, string](source, "push")
	pushed, done := graph.Send(parcelOf(push), parcelTo(push), relay, graph.OneWay[string]("push", big), graph.Anyone)
	graph.Reply(push, sent(done))
	theirs, _ := graph.Send(received(pushed), to, sink, graph.OneWay[string]("theirs", big), graph.Anyone)
	hear(theirs, e)

	mine := graph.Ask[parcel, string](relay, "mine")
	ours, done := graph.Send(parcelOf(mine), to, sink, graph.OneWay[string]("ours", big), graph.Anyone)
	graph.Reply(mine, sent(done))
	hear(ours, e)
	return g
}

// On a link that cannot carry both, what a node has itself goes before what it relays, which is not starved.
func TestOwnBeforeRelayedOnASlowLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hosts := simHosts(t, 3)
		source, relay, sink := hosts[0], hosts[1], hosts[2]
		e := newEars()
		run(t, sink, forward(), "sink", graph.Bind("ears", e))
		r := run(t, relay, forward(), "relay", graph.Bind("sink", sink.ID()))
		s := run(t, source, forward(), "source")
		learn(t, source, relay)
		learn(t, relay, sink)
		padding := strings.Repeat(" ", 60<<10)
		// Each offers four times what the link carries.
		var all sync.WaitGroup
		all.Go(func() {
			for range 1000 {
				Ask[parcel, string](t.Context(), s, "push", parcel{relay.ID(), "theirs" + padding})
				time.Sleep(6 * time.Millisecond)
			}
		})
		all.Go(func() {
			for range 1000 {
				Ask[parcel, string](t.Context(), r, "mine", parcel{sink.ID(), "ours" + padding})
				time.Sleep(6 * time.Millisecond)
			}
		})
		time.Sleep(5 * time.Second)
		ours, theirs := said(e, "ours"), said(e, "theirs")
		if theirs == 0 || ours < 2*theirs {
			t.Errorf("heard: %d of the relay's own, %d that it relays", ours, theirs)
		}
		t.Logf("heard: %d of the relay's own, %d that it relays", ours, theirs)
		all.Wait()
	})
}

// bareSim is a bare libp2p host on the network of a test, connected to h.
func bareSim(t *testing.T, net *simNet, i int, h *Host) host.Host {
	t.Helper()
	link := simnet.LinkSettings{BitsPerSecond: 20 * simlibp2p.OneMbps}
	s, err := libp2p.New(libp2p.ListenAddrStrings(fmt.Sprintf("/ip4/%s/udp/8000/quic-v1", simnet.IntToPublicIPv4(i))), libp2p.DisableMetrics(),
		simlibp2p.QUICSimnet(net.Simnet, simnet.NodeBiDiLinkSettings{Downlink: link, Uplink: link}), libp2p.DisableIdentifyAddressDiscovery(),
		libp2p.ResourceManager(&network.NullResourceManager{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Connect(t.Context(), *addrInfo(t, h)); err != nil {
		t.Fatal(err)
	}
	return s
}

// A peer that takes its time costs itself its stream: with its hello, with a frame, with reading.
func TestSlowPeers(t *testing.T) {
	drip := func(st network.Stream, b []byte) error {
		for i := range b {
			if _, err := st.Write(b[i : i+1]); err != nil {
				return err
			}
			time.Sleep(time.Second)
		}
		return nil
	}
	for name, c := range map[string]struct {
		reason string
		least  time.Duration // that it is given
		treat  func(st network.Stream, hello []byte) error
	}{
		"hello": {refusedTruncated, helloTime, func(st network.Stream, hello []byte) error { return drip(st, hello) }},
		"frame": {refusedTruncated, frameTime, func(st network.Stream, hello []byte) error {
			st.Write(hello)
			return drip(st, requestOf(1, strings.Repeat("x", 100)))
		}},
		"reading": {refusedSlow, 10 * time.Second, func(st network.Stream, hello []byte) error {
			st.Write(hello)
			for i := uint64(1); ; i++ {
				if _, err := st.Write(requestOf(i, strings.Repeat("x", 60<<10))); err != nil {
					return err
				}
				st.SetReadDeadline(time.Now().Add(time.Second))
				st.Read(make([]byte, 1<<10))
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := newSimNet(t)
				h := net.host(t, 0)
				e := newEars()
				close(e.free)
				server(t, h, e)
				honest := net.host(t, 1)
				fine := client(t, honest)
				learn(t, honest, h)
				st, err := bareSim(t, net, 2, h).NewStream(t.Context(), h.id, slowID)
				if err != nil {
					t.Fatal(err)
				}
				hello := helloOf(t, h, slowID)
				start, ended := time.Now(), make(chan error, 1)
				go func() { ended <- c.treat(st, appendSized(nil, &hello)) }()
				for waiting := true; waiting; {
					select {
					case err := <-ended:
						waiting = false
						if took := time.Since(start); err == nil || took < c.least || took > 10*c.least {
							t.Errorf("it ended with %v after %v", err, took)
						}
					default:
						if got, err := Ask[parcel, string](t.Context(), fine, "echo", parcel{h.ID(), "x"}); err != nil || got != "X" {
							t.Fatalf("an honest peer got %q, %v", got, err)
						}
						time.Sleep(time.Second)
					}
				}
				if count(h, "slow", c.reason) == 0 {
					t.Errorf("not counted: %+v", h.Stats().Refused)
				}
				st.Reset()
			})
		})
	}
}
