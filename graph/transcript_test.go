package graph

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
)

// TestTranscripts plays the files of testdata/transcripts over the club of draw_test.go. The commands:
//
//	node NAME role=R [club=NAME] [names=a,b] [banned=NAME] [outside=N] [disk=broken]
//	note NAME VALUE      the ask "note" of a guest
//	pass DURATION        time passes, and everything moves
//	cut FROM TO          what FROM sends to TO is dropped from now on; heal FROM TO ends it
//	members NAME         the table of a club
//	counters NAME        what each step did
//
// The output is what the nodes did since the last command, tick by tick.
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/transcripts", func(t *testing.T, path string) {
		w := newWorld(t)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string { return w.command(t, d) })
	})
}

func (w *world) command(t *testing.T, d *datadriven.TestData) string {
	arg := func(name string) (v string) {
		d.MaybeScanArgs(t, name, &v)
		return v
	}
	name := func(i int) string { return d.CmdArgs[i].Key }
	switch d.Cmd {
	case "node":
		opts := []Option{}
		switch arg("role") {
		case "guest":
			opts = append(opts, Bind("club_peer", Peer(arg("club"))), Bind("names", strings.FieldsFunc(arg("names"), func(r rune) bool { return r == '+' })))
		case "club":
			disk := &memDisk{}
			if arg("disk") == "broken" {
				disk.fail = fmt.Errorf("no space")
			}
			opts = append(opts, Bind("banned", map[Peer]bool{Peer(arg("banned")): true}), Bind("notes", disk))
		}
		w.start(clubGraph(), arg("role"), Peer(name(0)), opts...)
		w.settle()
	case "note":
		var v int
		_, _ = fmt.Sscan(name(1), &v)
		ask[int, int](w.node(name(0)), "note", v, time.Minute)
		w.settle()
	case "pass":
		p, err := time.ParseDuration(name(0))
		if err != nil {
			t.Fatal(err)
		}
		w.pass(p)
	case "cut":
		w.cuts[[2]Peer{Peer(name(0)), Peer(name(1))}] = true
	case "heal":
		delete(w.cuts, [2]Peer{Peer(name(0)), Peer(name(1))})
	case "members":
		return fmt.Sprintln(FeedOf[Peer, member](w.node(name(0)).in, "members").Get().All())
	case "counters":
		var b strings.Builder
		c := w.node(name(0)).in.Counters()
		fmt.Fprintf(&b, "ticks=%d activations=%d late=%d bytes=%d\n", c.Ticks, c.Activations, c.Late, c.Bytes)
		for _, s := range c.Steps {
			if s.Fired > 0 || len(s.Failed) > 0 {
				fmt.Fprintf(&b, "%d %s %s fired=%d failed=%v\n", s.Step, s.Name, s.Note, s.Fired, s.Failed)
			}
		}
		for _, r := range w.node(name(0)).in.Refused() {
			fmt.Fprintf(&b, "refused %s %v %d\n", r.Channel, r.Reason, r.Count)
		}
		return b.String()
	default:
		t.Fatalf("no command %q", d.Cmd)
	}
	var b strings.Builder
	for _, n := range w.nodes {
		for _, line := range n.log {
			fmt.Fprintf(&b, "%s: %s\n", n.self, line)
		}
		n.log = nil
	}
	return b.String()
}

func (w *world) node(name string) *node {
	for _, n := range w.nodes {
		if n.self == Peer(name) {
			return n
		}
	}
	w.t.Fatalf("no node %q", name)
	return nil
}
