package graph

import (
	"errors"
	"strings"
	"testing"
	"time"
)

var echoOps = NewOpset("echo")

var text = Op1(echoOps, "text", 1, func(_ *Tick, r *Request[string, string]) (string, error) { return r.Value, nil })

var shout = Op1(echoOps, "shout", 1, func(_ *Tick, r *Request[string, string]) (string, error) {
	if r.Value == "" {
		return "", errors.New("nothing to say")
	}
	return strings.ToUpper(r.Value), nil
})

func echoGraph() *Graph {
	g := New("echo", 1)
	client, server := g.Role("client"), g.Role("server")
	peer := Param[Peer](client, "server_peer")
	said := Ask[string, string](client, "say")
	in, answer := Call(text(said), peer, server, Exchange[string, string]("echo", MaxRequest(64), MaxReply(64)), 5*time.Second, Anyone)
	Reply(in, shout(in))
	Reply(said, answer)
	return g
}

func TestEcho(t *testing.T) {
	w := newWorld(t)
	w.start(echoGraph(), "server", "s")
	c := w.start(echoGraph(), "client", "c", Bind("server_peer", Peer("s")))
	var got string
	var failed error
	say := func(s string) {
		got, failed = "", nil
		Submit(c.in, "say", s, time.Minute, func(a string, err error) { got, failed = a, err })
		w.settle()
	}
	if say("hello"); got != "HELLO" || failed != nil {
		t.Fatalf("got %q, %v", got, failed)
	}
	if say(""); ReasonOf(failed) != Remote {
		t.Fatalf("got %q, %v", got, failed)
	}
	if say(strings.Repeat("x", 100)); ReasonOf(failed) != TooLarge {
		t.Fatalf("got %q, %v", got, failed)
	}
}
