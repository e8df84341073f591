package graph

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// A drawing with counts says what the instances of each role did; what counted travels as JSON and is drawn elsewhere.
func TestLiveDrawing(t *testing.T) {
	w := newWorld(t)
	s := w.start(echoGraph(), "server", "s")
	a := w.start(echoGraph(), "client", "a", Bind("server_peer", Peer("s")))
	b := w.start(echoGraph(), "client", "b", Bind("server_peer", Peer("s")))
	for n, said := range map[*node][]string{a: {"hello", ""}, b: {strings.Repeat("x", 100)}} {
		for _, say := range said {
			Submit(n.in, "say", say, time.Minute, func(string, error) {})
			w.settle()
		}
	}
	s.in.Deliver(Message{Kind: RequestMsg, Channel: "echo", Peer: "a", Payload: make([]byte, 65), Call: 1})
	d := echoGraph().Describe("")
	for _, n := range []*node{s, a, b} {
		d.Count(n.in)
	}
	d.Count(w.start(clubGraph(), "guest", "g", Bind("club_peer", Peer("s")), Bind("names", []string(nil))).in) // of another graph
	golden(t, "echo.live.text.golden", d.Text())
	raw, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var back Description
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	want(t, "the drawing of what travelled", back.Text(), d.Text())
	want(t, "as Mermaid", back.Mermaid(), d.Mermaid())
	for line := range strings.Lines(d.Mermaid()) {
		if !mermaidLine.MatchString(strings.TrimSuffix(line, "\n")) {
			t.Errorf("%q", line)
		}
	}
	if !strings.Contains(d.DOT(), "shout  ×2, failed: local ×1") {
		t.Error(d.DOT())
	}
}

// Tables with their rows, in all instances.
func TestLiveTables(t *testing.T) {
	g, r := one()
	in := Ask[int, int](r, "put")
	rows := Table(r, "rows", self, Capacity(10))
	Reply(in, put(valueOf(in), rows))
	w := newWorld(t)
	d := g.Describe("r")
	for i, n := range []*node{w.start(g, "r", "a"), w.start(g, "r", "b")} {
		for v := range 2 + i {
			Submit(n.in, "put", v, time.Minute, func(int, error) {})
		}
		w.settle()
		d.Count(n.in)
	}
	want(t, "rows", *d.Roles[0].Tables[0].Rows, 5)
	want(t, "instances", d.Roles[0].Live.Instances, 2)
}
