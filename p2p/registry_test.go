package p2p

import (
	"context"
	"crypto/ed25519"
	"testing"
	"testing/synctest"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/opsets/globalregistry"
)

// welcome admits everyone.
type welcome struct{}

func (welcome) Admit(context.Context, globalregistry.Member) (graph.Done, error) {
	return graph.Done{}, nil
}

// A club is a registry's server and its clients, on real hosts in virtual time.
type club struct {
	t      *testing.T
	net    *simNet
	key    ed25519.PrivateKey // of the server, which keeps it when it starts again
	server *Host
	cohort *graph.Feed[graph.View[graph.Peer, globalregistry.Row]]
}

func identity(t *testing.T) ed25519.PrivateKey {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func recordsOf(h *Host, key ed25519.PrivateKey) graph.Option {
	return graph.Bind("records", globalregistry.Keys{Self: h.ID(), Private: key, KeyOf: KeyOf})
}

// serve starts the server, anew after it has ended.
func (c *club) serve() {
	c.server = c.net.host(c.t, 0, func(cfg *Config) { cfg.Key = c.key })
	r := run(c.t, c.server, globalregistry.Protocol(), "server", recordsOf(c.server, c.key), graph.Bind("addresses", c.server.Addrs()),
		graph.Bind("context", ""), graph.Bind("members", welcome{}), graph.Bind("ttl", globalregistry.TTL), graph.Bind("quota", globalregistry.DefaultQuota),
		graph.Bind("access", globalregistry.Access{Secret: []byte("secret"), NonceKey: make([]byte, 32)}))
	c.cohort = graph.FeedOf[graph.Peer, globalregistry.Row](r.Instance(), "cohort")
}

// join starts a client with the number i.
func (c *club) join(i int) {
	key := identity(c.t)
	h := c.net.host(c.t, i, func(cfg *Config) { cfg.Key = key })
	learn(c.t, h, c.server)
	run(c.t, h, globalregistry.Protocol(), "client", recordsOf(h, key), graph.Bind("addresses", h.Addrs()),
		graph.Bind("secret", []byte("secret")), graph.Bind("servers", []graph.Peer{c.server.ID()}), graph.Bind("connected", h.Connected()))
}

// within waits until n clients are registered, and fails after a while of virtual time.
func (c *club) within(most time.Duration, n int) {
	c.t.Helper()
	start := time.Now()
	for len(c.cohort.Get().All()) != n {
		if time.Since(start) > most {
			c.t.Fatalf("%d are registered after %v, want %d", len(c.cohort.Get().All()), most, n)
		}
		time.Sleep(time.Second)
	}
	c.t.Logf("%d are registered after %v", n, time.Since(start))
}

// Fifty real hosts run the registry in virtual time: all register, a partition costs those who are cut off their leases
// and they return when it heals, and a server that starts again on its identity is found by all.
func TestFiftyHostsRegister(t *testing.T) {
	if testing.Short() {
		t.Skip("fifty hosts")
	}
	synctest.Test(t, func(t *testing.T) {
		c := &club{t: t, net: newSimNet(t), key: identity(t)}
		c.serve()
		const clients = 49
		for i := range clients {
			c.join(i + 1)
		}
		c.within(time.Minute, clients)
		c.net.part(func(from, to int) bool { return (from > 30) != (to > 30) })
		c.within(globalregistry.TTL+time.Minute, 30)
		c.net.part(nil)
		c.within(5*time.Minute, clients)
		if err := c.server.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second)
		c.serve()
		c.within(5*time.Minute, clients)
	})
}
