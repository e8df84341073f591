package p2p

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
)

// A clerk accepts all that it hears, once it is on a disk when it has one.
type clerk struct {
	file *os.File
	told chan string // for the last one
}

func (c *clerk) Judge(_ context.Context, s string) (graph.Verdict, error) {
	if c.file != nil {
		if _, err := c.file.WriteString(s); err != nil {
			return graph.Ignore, err
		}
		if err := c.file.Sync(); err != nil {
			return graph.Ignore, err
		}
	}
	if c.told != nil {
		c.told <- s
	}
	return graph.Accept, nil
}

// BenchmarkHops: from a publication to its being heard over four hops of loopback, by what each host between waits for before it
// passes it on.
func BenchmarkHops(b *testing.B) {
	for _, c := range []struct {
		name         string
		judged, disk bool
	}{{"nothing", false, false}, {"verdict", true, false}, {"sync", true, true}} {
		b.Run(c.name, func(b *testing.B) { hops(b, c.judged, c.disk) })
	}
}

func hops(b *testing.B, judged, disk bool) {
	g := graph.New("hops", 1)
	r := g.Role("peer")
	said := graph.Ask[parcel, string](r, "publish")
	heard, done := graph.Publish(parcelOf(said), r, graph.Topic[string]("hops", graph.MaxRequest(4<<10)), graph.Anyone)
	content := graph.Op1(ops, "content", 1, func(_ *graph.Tick, r *graph.Received[string]) (string, error) { return r.Value, nil })
	verdict := graph.Work(content(heard), graph.Component[judging](r, "clerk"), "judge", judging.Judge, 5*time.Second)
	if judged {
		graph.Relay(heard, verdict)
	}
	graph.Reply(said, sent(done))
	told := make(chan string, 1024)
	var first *Running
	var before *Host
	for i := range 5 {
		h, c := testHost(b), &clerk{}
		if i == 4 {
			c.told = told
		} else if disk {
			f, err := os.Create(filepath.Join(b.TempDir(), "log"))
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { f.Close() })
			c.file = f
		}
		r := run(b, h, g, "peer", graph.Bind("clerk", c))
		if i == 0 {
			first = r
		} else if err := h.Connect(b.Context(), before.Addrs()[0]); err != nil {
			b.Fatal(err)
		}
		before = h
	}
	publish := func(s string) {
		if _, err := Ask[parcel, string](b.Context(), first, "publish", parcel{"", s}); err != nil {
			b.Fatal(err)
		}
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for len(told) == 0 { // until there are meshes
		publish("first")
		<-tick.C
	}
	for i := 0; b.Loop(); i++ {
		s := fmt.Sprintf("%d %01000d", i, i)
		publish(s)
		for got := ""; got != s; got = <-told {
		}
	}
}
