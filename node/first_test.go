package node

import (
	"testing"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/opsets/replicate"
)

// DATA 1.3: with a peer connected, the first write after a start waits for what the peer has of this node's chains; with none
// it does not.
func TestRule1_3_FirstWriteWaitsForAPeer(t *testing.T) {
	home := t.TempDir()
	c := start(t, t.TempDir(), nil)
	cfg := Default()
	cfg.Home, cfg.Network.Name, cfg.NodeType, cfg.Bootstrap = home, "test", Peer, c.State().Host().Addrs()
	cfg.Swarm.Addrs = []string{"/ip4/127.0.0.1/tcp/0"}
	first, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, first.State(), "membership", member(first.State()))
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := start(t, home, c.State().Host().Addrs()).State()
	await(t, again, "a connection", func() bool { return len(again.Peers()) > 0 })
	if _, err := again.Put("after", []byte("a start")); err != nil {
		t.Fatal(err)
	}
	agreed := graph.FeedOf[graph.Peer, replicate.Agreement](again.replica.Instance(), "agreed").Get()
	if !metOne(agreed, again.host.Connected().Get()) {
		t.Log("no peer agreed within the bound of the wait")
	}
	none := graph.View[graph.Peer, replicate.Agreement]{}
	if !metOne(none, nil) || metOne(none, []graph.Peer{"somebody"}) {
		t.Error("it waits for nobody, or does not wait for somebody")
	}
}
