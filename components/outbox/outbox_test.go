package outbox

import (
	"bytes"
	"crypto/ed25519"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/opsets/replicate"
)

func signer(b byte) dag.Signer {
	return dag.NewSigner(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{b}, ed25519.SeedSize)))
}

// history is a journal with some deltas of two authors, the first of whom founded it.
func history(t *testing.T, writes int) (*dag.Journal, dag.ID) {
	t.Helper()
	j, _, err := dag.Open(dag.NewMemDisk(), dag.Options{Wall: func() time.Time { return time.Unix(1e9, 0) }, Rand: bytes.NewReader(make([]byte, 1<<10)), SegmentBytes: 4 << 20})
	if err != nil {
		t.Fatal(err)
	}
	ctx, err := j.Found(signer(1), dag.Grant{Keys: []dag.Key{signer(2).Public()}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range writes {
		write(t, j, ctx, byte(1+i%2))
	}
	return j, ctx
}

func write(t *testing.T, j *dag.Journal, ctx dag.ID, author byte) {
	t.Helper()
	p, err := j.Write(ctx, signer(author), dag.Edit{Kind: dag.KindData, Payload: []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Wait(); err != nil {
		t.Fatal(err)
	}
}

// keyOf has node "2" write as author 2.
func keyOf(p graph.Peer) (dag.Key, bool) {
	if len(p) != 1 {
		return dag.Key{}, false
	}
	return signer(p[0] - '0').Public(), true
}

func view(rows ...replicate.Delivery) graph.View[graph.Peer, replicate.Delivery] {
	return graph.ViewOf(replicate.Delivery.Key, rows...)
}

// DATA 3.5: the outbox is derived: after a restart it is mine, minus what the peers say again.
func TestQueuedIsMineMinusAcknowledged(t *testing.T) {
	j, ctx := history(t, 20)
	box := New(j, ctx, []dag.Key{signer(1).Public()}, keyOf)
	none := box.Status(view(), nil)
	if want := (Status{OutboxSize: 11, Queued: 11, Peers: []Peer{}}); !cmp.Equal(none, want) {
		t.Error(cmp.Diff(want, none))
	}
	early := box.Mine()
	write(t, j, ctx, 1)
	write(t, j, ctx, 1)
	got := box.Status(view(
		replicate.Delivery{Peer: "2", Acknowledged: early, Seen: early},
		replicate.Delivery{Peer: "3", Acknowledged: box.Mine(), Away: true, Retries: 2},
		replicate.Delivery{Peer: "4", Acknowledged: early, Away: true},
		replicate.Delivery{Peer: "5", Refused: "no witness", Retries: 1},
	), []graph.Peer{"2", "5", "6"})
	want := Status{OutboxSize: 2 + 0 + 2 + 13 + 13, Queued: 2, InFlight: 2 + 13, Acknowledged: 11 + 13 + 11, Failed: 13, TotalRetries: 3, Peers: []Peer{
		{PeerID: "2", Connected: true, InFlight: 2, Acknowledged: 11},
		{PeerID: "3", Acknowledged: 13, Retries: 2},
		{PeerID: "4", Queued: 2, Acknowledged: 11}, // offline is never failure
		{PeerID: "5", Connected: true, Failed: 13, Retries: 1, Reason: "no witness"},
		{PeerID: "6", Connected: true, InFlight: 13},
	}}
	if !cmp.Equal(got, want) {
		t.Error(cmp.Diff(want, got))
	}
}

// What a peer claims counts for nothing, whatever it is.
func TestStatusOfClaims(t *testing.T) {
	j, ctx := history(t, 20)
	box := New(j, ctx, []dag.Key{signer(1).Public()}, keyOf)
	own := box.Mine()[0]
	for _, seq := range []uint64{0, 10, own.Seq, own.Seq + 1, 1<<62 + 7, 1 << 63, 1<<63 + 90, math.MaxUint64} {
		claim := []dag.Tip{{Chain: own.Chain, ID: dag.ID{1}, Seq: seq}}
		got := box.Status(view(replicate.Delivery{Peer: "2", Acknowledged: claim, Seen: box.Mine()}), []graph.Peer{"2"})
		lacks := 1
		if seq < own.Seq {
			lacks = int(own.Seq - seq)
		}
		want := Status{OutboxSize: lacks, Queued: lacks, Acknowledged: 11 - lacks, Peers: []Peer{{PeerID: "2", Connected: true, Queued: lacks, Acknowledged: 11 - lacks}}}
		if !cmp.Equal(got, want) {
			t.Errorf("a claim of %d: %s", seq, cmp.Diff(want, got))
		}
	}
}

// A batch is the oldest of mine that is not acknowledged, and nothing of others.
func TestBatch(t *testing.T) {
	j, ctx := history(t, 300)
	box := New(j, ctx, []dag.Key{signer(1).Public()}, keyOf)
	other, _, err := dag.Open(dag.NewMemDisk(), dag.Options{Wall: func() time.Time { return time.Unix(1e9, 0) }, Rand: bytes.NewReader(make([]byte, 1<<10)), SegmentBytes: 4 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Join(ctx); err != nil {
		t.Fatal(err)
	}
	theirs := New(other, ctx, nil, keyOf)
	b, err := box.Batch(t.Context(), replicate.Queued{Acknowledged: theirs.Theirs("1"), Most: 10})
	if err != nil {
		t.Fatal(err)
	}
	// The rest of the batch stands on what another wrote, which is not in it.
	if in, err := other.Ingest(ctx, b.Page); err != nil || in.Admitted != 2 || in.Admitted+in.Waiting != 10 {
		t.Errorf("%+v, %v", in, err)
	}
	if b, err = box.Batch(t.Context(), replicate.Queued{Acknowledged: box.Mine(), Most: 10}); err != nil || len(b.Page) > 0 {
		t.Errorf("to who has acknowledged all: %d bytes, %v", len(b.Page), err)
	}
	if got := box.Theirs("2"); len(got) != 1 || got[0].Seq != 149 || box.Theirs("nobody") != nil {
		t.Errorf("of a peer: %v", got)
	}
}
