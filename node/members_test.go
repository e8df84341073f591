package node

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
)

// Whoever has just joined is a member by its grant, before a sample of the registry names it: so its blobs come at once.
func TestAJoinedPeerIsAMemberByItsGrant(t *testing.T) {
	c := start(t, t.TempDir(), nil).State()
	a := start(t, t.TempDir(), c.Host().Addrs()).State()
	await(t, a, "membership", member(a))
	a.mu.Lock()
	a.enlisted = func() []graph.Peer { return nil } // no sample ever names anybody
	a.mu.Unlock()
	b := start(t, t.TempDir(), c.Host().Addrs()).State()
	await(t, b, "membership", member(b))
	if err := b.Host().Connect(t.Context(), a.Host().Addrs()[0]); err != nil {
		t.Fatal(err)
	}
	ctx, _ := a.Context()
	await(t, a, "the grant and the connection", func() bool {
		return a.Journal().Member(ctx, b.Signer().Public()) && slices.Contains(a.Host().Connected().Get(), b.ID())
	})
	if m := a.lookedAtMembers(); !slices.Contains(m, b.ID()) {
		t.Fatalf("%s has a grant and is connected, and the members are %v", b.ID(), m)
	}
	id, _, err := a.AddBlob(strings.NewReader("merograph"))
	if err != nil {
		t.Fatal(err)
	}
	f, _, err := b.Blob(t.Context(), id, 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

// A connected peer without a grant is no member.
func TestAStrangerIsNoMember(t *testing.T) {
	c := start(t, t.TempDir(), nil).State()
	other := start(t, t.TempDir(), nil).State() // of a network of its own
	seen := make(chan struct{}, 1)
	defer c.Host().Connected().Watch(func() { seen <- struct{}{} })()
	if err := other.Host().Connect(t.Context(), c.Host().Addrs()[0]); err != nil {
		t.Fatal(err)
	}
	<-seen
	if m := c.lookedAtMembers(); slices.Contains(m, other.ID()) {
		t.Errorf("%v", m)
	}
}
