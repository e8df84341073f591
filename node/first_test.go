package node

import (
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/x/simlibp2p"
	"github.com/marcopolo/simnet"

	"github.com/merograph/merograph/components/outbox"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/opsets/replicate"
	"github.com/merograph/merograph/p2p"
)

// A quiet is a network in virtual time of a node and a peer that does not compare until it is told to.
type quiet struct {
	s    *State
	peer *p2p.Host
}

func newQuiet(t *testing.T) *quiet {
	net := &simnet.Simnet{LatencyFunc: func(*simnet.Packet) time.Duration { return time.Millisecond }}
	net.Logger = slog.New(slog.DiscardHandler)
	net.Start()
	t.Cleanup(func() { net.Close() })
	at := func(i int) string { return fmt.Sprintf("/ip4/%s/udp/8000/quic-v1", simnet.IntToPublicIPv4(i)) }
	options := func() []libp2p.Option {
		link := simnet.LinkSettings{BitsPerSecond: 20 * simlibp2p.OneMbps}
		return []libp2p.Option{simlibp2p.QUICSimnet(net, simnet.NodeBiDiLinkSettings{Downlink: link, Uplink: link}), libp2p.DisableIdentifyAddressDiscovery()}
	}
	s := configured(t, func(c *Config) {
		c.Memory, c.Swarm.Addrs, c.Network.Secret, c.Discovery.MDNS = true, []string{at(0)}, "rosebud", MDNSOff
	}, WithLibp2p(options()...)).State()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	h, err := p2p.New(t.Context(), p2p.Config{Key: key, Listen: []string{at(1)}, Options: options()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return &quiet{s, h}
}

func (q *quiet) connect(t *testing.T) {
	t.Helper()
	if err := q.peer.Connect(t.Context(), q.s.Host().Addrs()[0]); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	if n := len(q.s.Host().Connected().Get()); n != 1 {
		t.Fatalf("%d are connected", n)
	}
}

// compare has the peer begin: it holds what the node holds, so the two agree.
func (q *quiet) compare(t *testing.T) {
	t.Helper()
	prog, err := graph.Compile(replicate.Protocol(), "peer")
	if err != nil {
		t.Fatal(err)
	}
	ctx, _ := q.s.Context()
	if _, err := q.peer.Run(prog, graph.Key(ctx.String()), graph.Bind("log", &contextLog{q.s.Journal(), ctx}), graph.Bind("neighbours", q.peer.Connected()),
		graph.Bind("outbox", replicate.Outbox(outbox.New(nowhere{}, ctx, nil, keyOf))), graph.Bind("pace", replicate.Pace{})); err != nil {
		t.Fatal(err)
	}
}

// written gives a channel that tells how long a write took.
func written(write func()) <-chan time.Duration {
	done, began := make(chan time.Duration, 1), time.Now()
	go func() {
		write()
		done <- time.Since(began)
	}()
	return done
}

// DATA 1.3: with a peer connected, the first write after a start waits until the peer has told what it has of this node's chains,
// or for 2 s; with nobody connected it does not wait. The time is virtual.
func TestRule1_3_FirstWriteWaitsForAPeer(t *testing.T) {
	for name, write := range map[string]func(s *State){
		"put":    func(s *State) { s.Put("after", []byte("a start")) },
		"remove": func(s *State) { s.Remove("after") },
	} {
		in := func(how string, test func(t *testing.T, q *quiet)) {
			t.Run(name+" "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { test(t, newQuiet(t)) })
			})
		}
		in("with a peer that agrees", func(t *testing.T, q *quiet) {
			q.connect(t)
			done := written(func() { write(q.s) })
			time.Sleep(firstWait / 2)
			select {
			case took := <-done:
				t.Fatalf("it was written after %v, before anybody agreed", took)
			default:
			}
			q.compare(t)
			if took := <-done; took < firstWait/2 || took >= firstWait {
				t.Errorf("it was written after %v, though the peer agreed", took)
			}
		})
		in("with a peer that says nothing", func(t *testing.T, q *quiet) {
			q.connect(t)
			if took := <-written(func() { write(q.s) }); took != firstWait {
				t.Errorf("it was written after %v", took)
			}
			if took := <-written(func() { write(q.s) }); took != 0 {
				t.Errorf("the second was written after %v", took)
			}
		})
		in("with nobody", func(t *testing.T, q *quiet) {
			if took := <-written(func() { write(q.s) }); took != 0 {
				t.Errorf("it was written after %v", took)
			}
		})
	}
}
