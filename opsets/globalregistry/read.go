package globalregistry

import (
	"fmt"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/sim"
)

// A reading is a client that reads the whole view of the first server, page by page.
type reading struct {
	client, server *sim.Node
	begun          graph.Time
	life           int                       // of the server
	listed         map[graph.Peer]graph.Time // when each of the cohort was registered last, as the reading began
	seen           map[graph.Peer]bool
}

const (
	readingTakes = 15 * time.Second // at most, or it counts for nothing
	pagesMost    = 500
)

// readEach is how often a reader reads: the larger the network the more seldom, or the readings would be most of what a large one does.
func readEach(w *sim.World) time.Duration {
	return max(time.Minute, time.Duration(len(w.Nodes()))*100*time.Millisecond)
}

// read begins a reading.
func read(n *sim.Node) {
	server := n.World().Nodes()[0]
	r := &reading{n, server, n.World().Now(), server.Restarts(), map[graph.Peer]graph.Time{}, map[graph.Peer]bool{}}
	for _, row := range cohortOf(server).All() {
		r.listed[row.Member.Peer] = keptOf(server).admitted[row.Member.Peer]
	}
	r.turn(nil, 0)
}

func (r *reading) turn(cookie []byte, pages int) {
	wanted := Turning{r.server.ID(), PageWanted{cookie, r.client.RandN("page", 2) * (1 + r.client.RandN("size", 2*MaxPage))}}
	if r.client.Buggify("one-on-a-page") {
		wanted.N = 1
	}
	graph.Submit(r.client.Instance(), "view", wanted, callTimeout, func(p Page, err error) {
		for _, m := range p.Members {
			r.seen[m.Peer] = true
		}
		switch {
		case err != nil || pages == pagesMost || !r.client.Up():
		case len(p.Next) > 0:
			r.client.World().After(0, r.client, func(*sim.Node) { r.turn(p.Next, pages+1) })
		default:
			r.done()
		}
	})
}

// done looks for those that were registered all the time.
func (r *reading) done() {
	w, k, cohort := r.server.World(), keptOf(r.server), cohortOf(r.server)
	if w.Now().Sub(r.begun) > readingTakes || r.server.Restarts() != r.life || !r.server.Up() {
		return
	}
	w.Reached(readWhole)
	for _, row := range cohort.All() {
		p := row.Member.Peer
		at, listed := r.listed[p]
		if listed && !r.seen[p] && r.begun.Sub(at) < drawnOf(w).ttl-readingTakes-time.Second && k.parted[p] < r.begun {
			k.fault(wholeView, fmt.Errorf("%s was registered with %s all the time, and %s has read the view without it", p, r.server.ID(), r.client.ID()))
		}
	}
}
