package node

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/merograph/merograph/components/store"
	"github.com/merograph/merograph/dag"
)

// start starts a node on free ports; it is stopped when the test ends.
func start(t *testing.T, home string, bootstrap []string, opts ...Option) *Node {
	t.Helper()
	return configured(t, func(c *Config) {
		if c.Home = home; bootstrap != nil {
			c.NodeType, c.Bootstrap = Peer, bootstrap
		}
	}, opts...)
}

// await waits until cond holds, asked again whenever the state or the store of s has changed.
func await(t *testing.T, s *State, what string, cond func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	for {
		changed := s.Changed()
		var stored <-chan struct{}
		if kv, err := s.Store(); err == nil {
			stored = kv.Changed()
		}
		if cond() {
			return
		}
		select {
		case <-changed:
		case <-stored:
		case <-ctx.Done():
			t.Fatalf("%s did not happen; status %+v", what, s.Status())
		}
	}
}

func member(s *State) func() bool {
	return func() bool {
		ctx, ok := s.Context()
		return ok && s.Journal().Member(ctx, s.Signer().Public())
	}
}

func holds(s *State, key, value string) func() bool {
	return func() bool {
		kv, err := s.Store()
		if err != nil {
			return false
		}
		e, err := kv.Get(key)
		return err == nil && string(e.Value) == value
	}
}

func TestOneNodeWritesAlone(t *testing.T) {
	home := t.TempDir()
	n := start(t, home, nil)
	if w, err := n.State().Put("k", []byte("v")); err != nil || w.Status != store.Created {
		t.Fatal(w, err)
	}
	if !holds(n.State(), "k", "v")() {
		t.Fatal("what was put is not there")
	}
	id := n.State().ID()
	if err := n.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	again := start(t, home, nil)
	if again.State().ID() != id || !holds(again.State(), "k", "v")() {
		t.Fatalf("after a restart: %s, was %s; store %v", again.State().ID(), id, again.State().Status().Store)
	}
	if p := again.State().Status().Problems; len(p) != 0 {
		t.Fatalf("problems after a clean stop: %v", p)
	}
}

func TestPeersReplicate(t *testing.T) {
	c := start(t, t.TempDir(), nil)
	a := start(t, t.TempDir(), c.State().Host().Addrs())
	b := start(t, t.TempDir(), c.State().Host().Addrs())
	for i, n := range []*Node{c, a, b} {
		await(t, n.State(), "membership", member(n.State()))
		if _, err := n.State().Put(string(rune('a'+i)), []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []*Node{c, a, b} {
		for _, k := range []string{"a", "b", "c"} {
			await(t, n.State(), "replication of "+k, holds(n.State(), k, "x"))
		}
	}
	blob, _, err := a.State().AddBlob(strings.NewReader(strings.Repeat("merograph", 200_000)))
	if err != nil {
		t.Fatal(err)
	}
	f, size, err := b.State().Blob(t.Context(), blob, 30*time.Second)
	if err != nil || size != 1_800_000 {
		t.Fatal(size, err)
	}
	f.Close()
	for _, n := range []*Node{c, a, b} {
		for _, r := range n.State().Status().Refused {
			switch r.Reason {
			case "denied", string(dag.WaitingFull): // who is not known yet is asked to come back
			case "gossip not sent": // a queue of pubsub was full; catch-up brings it
			default:
				t.Errorf("among honest nodes %s refused %+v", n.State().ID(), r)
			}
		}
	}
}

// A peer that was away catches up, and one that has never seen a coordinator says so.
func TestAPeerCatchesUp(t *testing.T) {
	c := start(t, t.TempDir(), nil)
	home := t.TempDir()
	p := start(t, home, c.State().Host().Addrs())
	await(t, p.State(), "membership", member(p.State()))
	if err := p.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if _, err := c.State().Put("n", []byte(time.Now().String())); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.State().Put("last", []byte("yes")); err != nil {
		t.Fatal(err)
	}
	again := start(t, home, c.State().Host().Addrs())
	await(t, again.State(), "catch-up", holds(again.State(), "last", "yes"))
}

func TestAPeerAloneSaysWhyItCannotWrite(t *testing.T) {
	cfg := Default()
	cfg.Home, cfg.NodeType, cfg.Network.Name = t.TempDir(), Peer, "test"
	cfg.Swarm.Addrs = []string{"/ip4/127.0.0.1/tcp/0"}
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer n.Stop(context.Background())
	_, err = n.State().Put("k", nil)
	if !errors.Is(err, ErrNotMember) || !strings.HasPrefix(err.Error(), "not a member of test yet: no coordinator reached") {
		t.Fatal(err)
	}
}

func TestTwoNodesDoNotShareAHome(t *testing.T) {
	home := t.TempDir()
	start(t, home, nil)
	cfg := Default()
	cfg.Home = home
	cfg.Swarm.Addrs = []string{"/ip4/127.0.0.1/tcp/0"}
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "in use by another node") {
		t.Fatal(err)
	}
}
