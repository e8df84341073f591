package node

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
)

func TestHomeThatCannotBeMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := Default()
	cfg.Home = filepath.Join(file, "home")
	cfg.Swarm.Addrs = nil
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "cannot be made") || !strings.Contains(err.Error(), "--home") {
		t.Fatal(err)
	}
}

// Only who proves the secret of the network is registered, and only who is registered gets a grant.
func TestSecretOfTheNetwork(t *testing.T) {
	open := func(secret string, bootstrap []string) *State {
		cfg := Default()
		cfg.Home, cfg.Network.Name, cfg.Network.Secret = t.TempDir(), "test", secret
		cfg.Swarm.Addrs = []string{"/ip4/127.0.0.1/tcp/0"}
		if bootstrap != nil {
			cfg.NodeType, cfg.Bootstrap = Peer, bootstrap
		}
		n, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := n.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { n.Stop(context.Background()) })
		return n.State()
	}
	c := open("rosebud", nil)
	for secret, want := range map[string]bool{"rosebud": true, "xanadu": false, "": false} {
		s := open(secret, c.Host().Addrs())
		var registered bool
		var why string
		await(t, s, "an answer to the announce", func() bool {
			registered, why = s.registered()
			return registered || strings.Contains(why, "secret")
		})
		if registered != want {
			t.Errorf("with the secret %q: registered %v, %s", secret, registered, why)
		}
		if want {
			await(t, s, "membership", member(s))
			continue
		}
		if ctx, _ := c.Context(); c.Journal().Member(ctx, s.Signer().Public()) {
			t.Errorf("with the secret %q: it has a grant", secret)
		}
	}
}

func TestPublishesItsOwnWritesAlone(t *testing.T) {
	c := start(t, t.TempDir(), nil).State()
	p := start(t, t.TempDir(), c.Host().Addrs()).State()
	await(t, p, "membership", member(p))
	published := func() (n uint64) {
		c.mu.Lock()
		r := c.replica
		c.mu.Unlock()
		if err := r.Do(t.Context(), func(in *graph.Instance) {
			for _, s := range in.Counters().Steps {
				if s.Name == "publish" {
					n += s.Fired
				}
			}
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	put := func(s *State, key string) {
		t.Helper()
		if _, err := s.Put(key, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 5 {
		key := fmt.Sprint("peer", i)
		put(p, key)
		await(t, c, key, holds(c, key, "x"))
	}
	put(c, "own")
	await(t, p, "own", holds(p, "own", "x"))
	if n := published(); n > 2 {
		t.Errorf("%d publications of a grant, a write of its own and five of another", n)
	}
}

func TestStaysInItsContext(t *testing.T) {
	c := start(t, t.TempDir(), nil).State()
	have, _ := c.Context()
	err := c.learnContext(dag.ID{1, 2, 3}.String())
	if now, ok := c.Context(); err == nil || !strings.Contains(err.Error(), "it stays there") || !ok || now != have {
		t.Errorf("%v; it was in %v and is in %v", err, have, now)
	}
	if err := c.learnContext(have.String()); err != nil {
		t.Error(err)
	}
}

// A network is its name: who gives another is not registered, on the loopback and without a secret too.
func TestNameOfTheNetwork(t *testing.T) {
	c := start(t, t.TempDir(), nil).State()
	cfg := Default()
	cfg.Home, cfg.NodeType, cfg.Bootstrap, cfg.Network.Name = t.TempDir(), Peer, c.Host().Addrs(), "another"
	cfg.Swarm.Addrs = []string{"/ip4/127.0.0.1/tcp/0"}
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer n.Stop(context.Background())
	s := n.State()
	awaitProblem(t, s, "it is of another network")
	if _, in := s.Context(); in || s.Status().Discovery.Registered || len(c.Registry()) > 0 {
		t.Errorf("%+v", s.Status())
	}
}

// The name of a network is of letters, digits, - and _, and of nothing else.
func TestNamesOfNetworks(t *testing.T) {
	for name, want := range map[string]bool{
		"main": true, "a-b_C9": true, "büro": true, "": false, "a b": false, "a/b": false, "a.b": false, "a\x00": false, "a\xff": false, "a\u2028": false, "\"": false, "a\n": false,
	} {
		cfg := Default()
		cfg.Network.Name = name
		if err := cfg.Validate(); (err == nil) != want || err != nil && !strings.Contains(err.Error(), "letters, digits, - and _") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// awaitProblem waits until the status tells of a problem.
func awaitProblem(t *testing.T, s *State, text string) {
	t.Helper()
	await(t, s, text, func() bool { return strings.Contains(strings.Join(s.Status().Problems, "\n"), text) })
}

// A wrong bootstrap address is told once, in words that say what is wrong with it, and the node runs.
func TestWrongBootstrapAddresses(t *testing.T) {
	c := start(t, t.TempDir(), nil).State()
	right := c.Host().Addrs()[0]
	at, _, _ := strings.Cut(right, "/p2p/")
	const nobody = "12D3KooWGzh2rPe3WVxkiTiGh8EHoiKyPmxTHYXt1Mm3hR5oTYRB"
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free := l.Addr().(*net.TCPAddr).Port
	l.Close()
	for address, want := range map[string]string{
		fmt.Sprintf("/ip4/127.0.0.1/tcp/%d/p2p/%s", free, c.ID()): "does not answer (connection refused)",
		at + "/p2p/" + nobody: "the peer there is another one, " + string(c.ID()),
	} {
		s := start(t, t.TempDir(), []string{address}).State()
		awaitProblem(t, s, want)
		if p := s.Status().Problems; len(p) != 1 || strings.Contains(p[0], "\n") {
			t.Errorf("%d problems: %q", len(p), p)
		}
	}
	// One good address of several is enough.
	s := start(t, t.TempDir(), []string{fmt.Sprintf("/ip4/127.0.0.1/tcp/%d/p2p/%s", free, c.ID()), right}).State()
	await(t, s, "registration", func() bool { return s.Status().Discovery.Registered && len(s.Status().Problems) == 0 })
}
