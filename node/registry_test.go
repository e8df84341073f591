package node

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/opsets/globalregistry"
)

func lists(s *State, p graph.Peer) func() bool {
	return func() bool {
		return slices.ContainsFunc(s.Registry(), func(e PeerEntry) bool { return e.PeerID == p && len(e.Addresses) > 0 })
	}
}

// A node that stops cleanly is gone from the registry at once, and not when its lease ends.
func TestStoppingLeavesTheRegistry(t *testing.T) {
	c := start(t, t.TempDir(), nil)
	p := start(t, t.TempDir(), c.State().Host().Addrs())
	await(t, c.State(), "registration", lists(c.State(), p.State().ID()))
	if err := p.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	stopped := time.Now()
	await(t, c.State(), "parting", func() bool { return !lists(c.State(), p.State().ID())() })
	if took := time.Since(stopped); took > globalregistry.MinTTL {
		t.Fatalf("it was listed for %v", took)
	}
}

// Each of several coordinators is announced to; any registration will do, and a missing one is told.
func TestSeveralCoordinators(t *testing.T) {
	a, b := start(t, t.TempDir(), nil), start(t, t.TempDir(), nil)
	p := start(t, t.TempDir(), slices.Concat(a.State().Host().Addrs(), b.State().Host().Addrs()))
	for _, c := range []*Node{a, b} {
		await(t, c.State(), "registration", lists(c.State(), p.State().ID()))
	}
	await(t, p.State(), "both coordinators among the members", func() bool {
		m := p.State().Members().Get()
		return slices.Contains(m, a.State().ID()) && slices.Contains(m, b.State().ID()) && p.State().Status().Discovery.Registered
	})
	await(t, p.State(), "the context of either", func() bool { _, ok := p.State().Context(); return ok })
	if err := a.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	if !p.State().Status().Discovery.Registered {
		t.Fatalf("not registered with the other: %v", p.State().Status().Problems)
	}
}
