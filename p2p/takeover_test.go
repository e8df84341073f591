package p2p

import (
	"crypto/ed25519"
	"fmt"
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
)

// A host's new stream takes over from its old one: what comes on the new one is heard after all that was read of the old
// one, which ends. A host with the same identity and another incarnation is left alone.
func TestNewStreamTakesOver(t *testing.T) {
	h := testHost(t)
	e := newEars()
	server(t, h, e)
	s := stranger(t, h)
	note := func(v string) []byte {
		return appendSized(nil, &frame{kind: graph.OneWayMsg, payload: text(v)})
	}
	first := open(t, s, h, noteID)
	for i := range 50 {
		write(t, first, note(fmt.Sprint(i)))
	}
	e.await(t, 50)
	other := open(t, s, h, noteID, func(f *frame) { f.incarnation = 8 })
	second := open(t, s, h, noteID)
	write(t, second, note("50"))
	e.await(t, 51)
	ended(t, first)
	write(t, other, note("51"))
	for i, got := range e.await(t, 52) {
		if got != fmt.Sprint(i) {
			t.Fatalf("heard %q in place %d", got, i)
		}
	}
}

// A callee that starts again, with the same identity and address, is found by the next call.
func TestCalleeStartsAgain(t *testing.T) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	a := testHost(t)
	c := client(t, a)
	addr := "/ip4/127.0.0.1/tcp/0"
	for i := range 3 {
		b, err := New(t.Context(), Config{Key: key, Listen: []string{addr}})
		if err != nil {
			t.Fatal(err)
		}
		server(t, b, newEars())
		learn(t, a, b)
		if err := a.Connect(t.Context(), b.Addrs()[0]); err != nil {
			t.Fatal(err)
		}
		if got, err := Ask[parcel, string](t.Context(), c, "echo", parcel{b.ID(), "x"}); err != nil || got != "X" {
			t.Fatalf("start %d: got %q, %v", i, got, err)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		until(t, "the caller sees it gone", func() bool { return len(a.Connected().Get()) == 0 && a.Stats().Links == 0 })
	}
}

// A problem is told until the peer is heard as it should be.
func TestProblemIsSolved(t *testing.T) {
	a, b := testHost(t), testHost(t)
	server(t, b, newEars())
	odd := run(t, a, otherTalk(), "client")
	learn(t, a, b)
	_, err := Ask[parcel, string](t.Context(), odd, "echo", parcel{b.ID(), "x"})
	wantReason(t, err, graph.Mismatch)
	odd.Stop()
	c := client(t, a)
	if _, err := Ask[parcel, string](t.Context(), c, "echo", parcel{b.ID(), "x"}); err != nil {
		t.Fatal(err)
	}
	for name, h := range map[string]*Host{"caller": a, "callee": b} {
		if got := h.Stats().Problems; len(got) != 0 {
			t.Errorf("the %s still has the problems %q", name, got)
		}
	}
}

// What waits too long before the wire is told as expired, and never sent.
func TestDeadlinePassesInTheQueue(t *testing.T) {
	h := testHost(t)
	r := client(t, h)
	l := &link{h: h, e: r.channels["echo"], calls: map[uint64]*sentCall{}, ids: map[callOf]uint64{}}
	l.calls[1] = &sentCall{of: callOf{r, 1}}
	l.calls[2] = &sentCall{of: callOf{r, 2}}
	old := waiting{frame: frame{kind: graph.RequestMsg, call: 1, remaining: time.Second}, at: h.now() - graph.Time(2*time.Second)}
	if l.admit(&old) || l.calls[1] != nil {
		t.Error("it is sent after its deadline")
	}
	half := waiting{frame: frame{kind: graph.RequestMsg, call: 2, remaining: 2 * time.Second}, at: h.now() - graph.Time(time.Second)}
	if !l.admit(&half) || half.remaining > time.Second || half.remaining < 900*time.Millisecond {
		t.Errorf("%v remain of 2 s after 1 s in the queue", half.remaining)
	}
	gone := waiting{frame: frame{kind: graph.RequestMsg, call: 3}, at: h.now()}
	if l.admit(&gone) {
		t.Error("a cancelled call is sent")
	}
}
