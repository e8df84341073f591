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

// A peer tells of all who are registered, whatever it knows itself, page by page.
func TestTheWholeCohort(t *testing.T) {
	c := start(t, t.TempDir(), nil)
	var peers []*State
	for range 5 {
		p := start(t, t.TempDir(), c.State().Host().Addrs())
		await(t, c.State(), "registration", lists(c.State(), p.State().ID()))
		peers = append(peers, p.State())
	}
	p := peers[0]
	await(t, p, "registration", func() bool { ok, _ := p.registered(); return ok })
	want := c.State().Cohort(t.Context())
	if len(want.Peers) != len(peers) || !want.Complete {
		t.Fatalf("%+v", want)
	}
	got := p.Cohort(t.Context())
	if !got.Complete || got.Reason != "" || !slices.EqualFunc(got.Peers, want.Peers, func(a, b PeerEntry) bool {
		return a.PeerID == b.PeerID && slices.Equal(a.Addresses, b.Addresses) && a.State == b.State
	}) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	for n := range 6 {
		all, err := cohortOf(t.Context(), viewOf(p.registry, c.State().ID()), n)
		if err != nil || len(all) != len(peers) {
			t.Errorf("pages of %d: %d peers, %v", n, len(all), err)
		}
	}
	if err := c.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got = p.Cohort(t.Context()); got.Complete || got.Reason == "" {
		t.Errorf("without a coordinator: %+v", got)
	}
}

// A peer that has not registered says why what it lists is not all.
func TestNoCohortYet(t *testing.T) {
	p := start(t, t.TempDir(), []string{})
	if got := p.State().Cohort(t.Context()); got.Complete || got.Reason != "no coordinator has registered this node" || got.Peers == nil {
		t.Errorf("%+v", got)
	}
}
