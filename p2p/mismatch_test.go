package p2p

import (
	"strings"
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
)

type wide struct{ Text, More string }

var widen = graph.Op1(ops, "widen", 1, func(_ *graph.Tick, r *graph.Request[parcel, string]) (wide, error) {
	return wide{Text: r.Value.Text}, nil
})

var narrow = graph.Op1(ops, "narrow", 1, func(_ *graph.Tick, r *graph.Request[wide, string]) (string, error) { return r.Value.Text, nil })

// otherTalk is a protocol of the same name whose echo means something else.
func otherTalk() *graph.Graph {
	g := graph.New("talk", 1)
	client, server := g.Role("client"), g.Role("server")
	said := graph.Ask[parcel, string](client, "echo")
	in, answer := graph.Call(widen(said), parcelTo(said), server,
		graph.Exchange[wide, string]("echo", graph.MaxRequest(1<<10), graph.MaxReply(1<<10)), 10*time.Second, graph.Anyone)
	graph.Reply(in, narrow(in))
	graph.Reply(said, answer)
	return g
}

func TestMismatchInWordsOnBothSides(t *testing.T) {
	a, b := testHost(t), testHost(t)
	server(t, b, newEars())
	c := run(t, a, otherTalk(), "client")
	learn(t, a, b)
	for range 3 {
		_, err := Ask[parcel, string](t.Context(), c, "echo", parcel{b.ID(), "x"})
		wantReason(t, err, graph.Mismatch)
		theirs := compile(t, talk(), "server").Channels()[0].Fingerprint
		for _, word := range []string{"/merograph/talk/1/echo", hex16(c.Instance().Program().Channels()[0].Fingerprint), hex16(theirs)} {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%q is not in: %v", word, err)
			}
		}
	}
	for name, h := range map[string]*Host{"caller": a, "callee": b} {
		if got := count(h, "echo", refusedMismatch); got < 1 {
			t.Errorf("the %s counted %d", name, got)
		}
		if got := h.Stats().Problems; len(got) != 1 || !strings.Contains(got[0], "fingerprint") {
			t.Errorf("the %s has the problems %q", name, got)
		}
	}
}

func hex16(n uint64) string {
	const digits = "0123456789abcdef"
	b := make([]byte, 16)
	for i := range b {
		b[15-i] = digits[n>>(4*i)&15]
	}
	return string(b)
}

func TestMismatchOnOneHost(t *testing.T) {
	h := testHost(t)
	server(t, h, newEars())
	if _, err := h.Run(compile(t, otherTalk(), "client")); err == nil || !strings.Contains(err.Error(), "fingerprint") {
		t.Fatalf("got %v", err)
	}
	c := client(t, h) // the failed Run left nothing behind
	if got, err := Ask[parcel, string](t.Context(), c, "echo", parcel{h.ID(), "x"}); err != nil || got != "X" {
		t.Fatalf("got %q, %v", got, err)
	}
}

func TestMismatchOfVersionAndRole(t *testing.T) {
	h := testHost(t)
	server(t, h, newEars())
	s := stranger(t, h)
	for name, change := range map[string]func(*frame){
		"version 2": func(f *frame) { f.version = 2 },
		"role":      func(f *frame) { f.role = "server" },
	} {
		t.Run(name, func(t *testing.T) {
			last := ended(t, open(t, s, h, echoID, change))
			if last.reason != graph.Mismatch || !strings.Contains(last.detail, "differ") {
				t.Errorf("got %+v", last)
			}
		})
	}
}
