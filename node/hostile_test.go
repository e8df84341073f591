package node

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/merograph/merograph/components/outbox"
	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/opsets/replicate"
	"github.com/merograph/merograph/p2p"
)

// liar serves and publishes whatever it is told to.
type liar struct{ page []byte }

func (l *liar) Digest() dag.ID      { return dag.ID{1} }
func (l *liar) Lacks([]dag.ID) bool { return true }
func (l *liar) Tips() []dag.Tip     { return nil }
func (l *liar) Have() []dag.Tip     { return nil }
func (l *liar) Ingest(context.Context, replicate.Batch) (replicate.Intake, error) {
	return replicate.Intake{}, nil
}
func (l *liar) Part(context.Context, replicate.Lot) (replicate.Part, error) {
	return replicate.Part{}, nil
}
func (l *liar) Recent() []dag.ID { return nil }
func (l *liar) Back(context.Context, replicate.Gap) (replicate.Batch, error) {
	return replicate.Batch{Page: l.page}, nil
}
func (l *liar) Serve(context.Context, replicate.Have) (replicate.Pages, error) {
	return replicate.Pages{Page: l.page}, nil
}

// nowhere is a history without anything in it.
type nowhere struct{}

func (nowhere) Tips(dag.ID) []dag.Tip                                       { return nil }
func (nowhere) TipsOf(dag.ID, dag.Key) []dag.Tip                            { return nil }
func (nowhere) ServeSome(dag.ID, []dag.Tip, int, int) ([]byte, bool, error) { return nil, false, nil }

func (s *State) refused(channel, reason string) (n uint64) {
	for _, r := range s.Status().Refused {
		if (channel == "" || r.Channel == channel) && r.Reason == reason {
			n += r.Count
		}
	}
	return n
}

// awaitRefused waits for a count of the status, which nothing announces.
func awaitRefused(t *testing.T, s *State, channel string, reasons ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		for _, r := range reasons {
			if s.refused(channel, r) > 0 {
				return
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("nothing on %q was refused as %q: %+v", channel, reasons, s.Status().Refused)
		}
	}
}

// delta makes a delta of the context as its author would, on the genesis.
func delta(t *testing.T, s *State, author ed25519.PrivateKey, sig func(dag.ID) []byte) *dag.Entry {
	t.Helper()
	ctx, _ := s.Context()
	g, _, err := s.Journal().Get(ctx)
	if err != nil {
		t.Fatal(err)
	}
	d := &dag.Delta{Version: dag.Version1, Context: ctx, Author: dag.Key(author.Public().(ed25519.PublicKey)),
		Nonce: bytes.Repeat([]byte{9}, dag.NonceLen), Parents: []dag.ID{ctx}, Ms: g.Delta.Ms + 1, Credential: ctx, Kind: dag.KindData, Payload: []byte("x")}
	e, err := dag.NewEntry(d.Encode(), sig(d.ID()))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// pageOf is a page of one delta that delta gave, as docs/formats/delta.md has it.
func pageOf(e *dag.Entry) []byte {
	d := e.Delta
	b := append([]byte{2}, d.Context[:]...)
	b = append(b, 1, 0, 0) // one delta, on a branch not begun yet, of an author that is spelled out
	b = append(b, d.Author[:]...)
	b = append(append(b, 0), d.Nonce...) // seq
	b = append(b, 1, 0x95)               // a run of one; flags: ms, wall, parents and a signature follow
	b = binary.AppendUvarint(b, d.Ms<<1)
	b = append(b, 0, 1, 1, byte(len(d.Payload))) // wall, one parent, the context
	b = append(b, d.Payload...)
	return append(b, e.Sig...)
}

// serve runs a liar that serves a page to whoever asks, and connects it.
func serve(t *testing.T, s *State, key ed25519.PrivateKey, page []byte) *p2p.Running {
	t.Helper()
	h, err := p2p.New(t.Context(), p2p.Config{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	prog, err := graph.Compile(replicate.Protocol(), "peer")
	if err != nil {
		t.Fatal(err)
	}
	ctx, _ := s.Context()
	r, err := h.Run(prog, graph.Key(ctx.String()), graph.Bind("log", &liar{page}), graph.Bind("neighbours", h.Connected()),
		graph.Bind("outbox", replicate.Outbox(outbox.New(nowhere{}, ctx, nil, keyOf))), graph.Bind("pace", replicate.Pace{}))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Connect(t.Context(), s.Host().Addrs()[0]); err != nil {
		t.Fatal(err)
	}
	return r
}

func newKey(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// What a hostile peer serves is refused and counted, and costs nobody else anything.
func TestForgedDeltasAreRefusedAndShown(t *testing.T) {
	c := start(t, t.TempDir(), nil)
	s := c.State()
	evil := newKey(t)
	stranger := delta(t, s, evil, func(id dag.ID) []byte { return ed25519.Sign(evil, dag.SignedMessage(id)) })
	forged := delta(t, s, s.key, func(dag.ID) []byte { return bytes.Repeat([]byte{3}, dag.SigLen) })
	for reason, page := range map[string][]byte{
		"unknown author":   pageOf(stranger),
		"forged signature": pageOf(forged),
		"truncated":        pageOf(forged)[:60],
		"malformed":        []byte("no page at all"),
	} {
		serve(t, s, newKey(t), page)
		awaitRefused(t, s, "log", reason)
	}
	p := start(t, t.TempDir(), s.Host().Addrs())
	await(t, p.State(), "membership of an honest peer", member(p.State()))
	if _, err := s.Put("k", []byte("v")); err != nil {
		t.Fatal(err)
	}
	await(t, p.State(), "replication to an honest peer", holds(p.State(), "k", "v"))
}

// rawHost is a libp2p node that follows no protocol.
func rawHost(t *testing.T, s *State) (host.Host, peer.ID) {
	t.Helper()
	h, err := libp2p.New(libp2p.NoListenAddrs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	info, err := peer.AddrInfoFromString(s.Host().Addrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Connect(t.Context(), *info); err != nil {
		t.Fatal(err)
	}
	return h, info.ID
}

// Frames that are too large, cut off or garbage are refused before they take memory, and counted.
func TestBadFramesAreRefusedAndShown(t *testing.T) {
	c := start(t, t.TempDir(), nil)
	s := c.State()
	h, id := rawHost(t, s)
	open := func() network.Stream {
		st, err := h.NewStream(t.Context(), id, protocol.ID("/merograph/replicate/1/compare"))
		if err != nil {
			t.Fatal(err)
		}
		return st
	}
	huge := open()
	if _, err := huge.Write(binary.AppendUvarint(nil, 100<<20)); err != nil {
		t.Fatal(err)
	}
	awaitRefused(t, s, "", "too large")
	cut := open()
	if _, err := cut.Write(append(binary.AppendUvarint(nil, 40), "half"...)); err != nil {
		t.Fatal(err)
	}
	cut.CloseWrite()
	awaitRefused(t, s, "", "truncated")
	garbage := open()
	fmt.Fprint(garbage, "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n")
	garbage.CloseWrite()
	awaitRefused(t, s, "", "malformed", "truncated")
	if _, err := s.Put("k", []byte("v")); err != nil {
		t.Fatal(err)
	}
}
