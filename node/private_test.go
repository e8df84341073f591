package node

import (
	"crypto/ed25519"
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/opsets/replicate"
	"github.com/merograph/merograph/p2p"
)

// A keeper keeps one context that is not public, on a host of its own.
type keeper struct {
	key     ed25519.PrivateKey
	host    *p2p.Host
	journal *dag.Journal
	run     *p2p.Running
	synced  chan struct{} // something was
}

// Admitted implements dag.Observer.
func (k *keeper) Admitted(dag.ID, *dag.Entry) {}

// Failed implements dag.Observer.
func (k *keeper) Failed(error) {}

// Synced implements dag.Observer.
func (k *keeper) Synced(dag.ID, []*dag.Entry, dag.Mark) {
	select {
	case k.synced <- struct{}{}:
	default:
	}
}

func newKeeper(t *testing.T) *keeper {
	k := &keeper{key: newKey(t), synced: make(chan struct{}, 1)}
	var err error
	if k.host, err = p2p.New(t.Context(), p2p.Config{Key: k.key, Listen: []string{"/ip4/127.0.0.1/tcp/0"}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.host.Close() })
	if k.journal, _, err = dag.Open(dag.NewMemDisk(), dag.Options{Wall: time.Now, Rand: rand.Reader, SegmentBytes: 4 << 20, Observer: k}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.journal.Close() })
	return k
}

func (k *keeper) start(t *testing.T, ctx dag.ID, members []graph.Peer) {
	t.Helper()
	prog, err := graph.Compile(replicate.Private(), "peer")
	if err != nil {
		t.Fatal(err)
	}
	opts := Replica(k.journal, ctx, k.host, []dag.Key{dag.NewSigner(k.key).Public()}, Default().Sync)
	if k.run, err = k.host.Run(prog, append(opts, graph.Bind("members", graph.NewFeed(members)))...); err != nil {
		t.Fatal(err)
	}
}

// await waits until k holds a delta.
func (k *keeper) await(t *testing.T, id dag.ID) {
	t.Helper()
	for !k.journal.Has(id) {
		select {
		case <-k.synced:
		case <-t.Context().Done():
			t.Fatal("it did not come")
		}
	}
}

// Eight members of a context that is not public keep it over real hosts: what one writes is pushed to six and named to the seventh; who
// is no member is served nothing (DATA 5.1).
func TestRule5_1_PrivateContext(t *testing.T) {
	var all []*keeper
	var keys []dag.Key
	var members []graph.Peer
	for range 8 {
		k := newKeeper(t)
		all, keys, members = append(all, k), append(keys, dag.NewSigner(k.key).Public()), append(members, k.host.ID())
	}
	slices.Sort(members)
	one := all[0]
	ctx, err := one.journal.Found(dag.NewSigner(one.key), dag.Grant{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	stranger := newKeeper(t)
	for i, k := range append(all, stranger) {
		if i > 0 {
			if err := k.journal.Join(ctx); err != nil {
				t.Fatal(err)
			}
		}
		k.start(t, ctx, members)
	}
	for i, k := range all {
		for _, o := range all[:i] {
			if err := k.host.Connect(t.Context(), o.host.Addrs()[0]); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, k := range all {
		k.await(t, ctx)
	}
	p, err := one.journal.Write(ctx, dag.NewSigner(one.key), dag.Edit{Kind: dag.KindData, Payload: []byte("among us")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	page, err := one.journal.Batch([]*dag.Entry{p.Entry()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p2p.Ask[replicate.Batch, graph.Done](t.Context(), one.run, "publish", replicate.Batch{Page: page}); err != nil {
		t.Fatal(err)
	}
	for _, k := range all {
		k.await(t, p.Entry().ID)
	}
	sent := map[string]uint64{}
	if err := one.run.Do(t.Context(), func(in *graph.Instance) {
		for _, s := range in.Counters().Steps {
			sent[s.Name+" "+s.Note] += s.Fired
		}
	}); err != nil {
		t.Fatal(err)
	}
	if sent["send push"] != 6 || sent["send name"] != 1 {
		t.Errorf("pushed to %d, named to %d", sent["send push"], sent["send name"])
	}
	if err := stranger.host.Connect(t.Context(), one.host.Addrs()[0]); err != nil {
		t.Fatal(err)
	}
	denied := func(r p2p.Refusal) bool { return r.Channel == "compare" && r.Reason == graph.Denied.String() }
	for tick := time.NewTicker(2 * time.Millisecond); !slices.ContainsFunc(one.host.Stats().Refused, denied); { // a count tells no event
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal("the stranger was not refused")
		}
	}
	if stranger.journal.Has(ctx) {
		t.Error("the stranger has the context")
	}
}
