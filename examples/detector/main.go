package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/sim"
)

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run simulates a few minutes and tells what the first member thinks of the others.
func run(out io.Writer) error {
	faults, err := sim.ParseFaults("loss,churn")
	if err != nil {
		return err
	}
	s, says := scenario, teller{out: out, before: map[graph.Peer]string{}}
	s.Script = func(w *sim.World) {
		w.EveryOn(w.Nodes()[0], 100*time.Millisecond, 0, says.look)
	}
	r, err := sim.Run(s, sim.Options{Nodes: 12, Seed: 3, Time: 4 * time.Minute, Faults: faults})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%v", r)
	return r.Err()
}

// teller prints what a member has changed its mind about.
type teller struct {
	out    io.Writer
	before map[graph.Peer]string
	lives  int
}

func (t *teller) look(n *sim.Node) {
	line := func(format string, args ...any) {
		fmt.Fprintf(t.out, "%6.1f s  %s: %s\n", n.World().Elapsed().Seconds(), n.ID(), fmt.Sprintf(format, args...))
	}
	if n.Restarts() > t.lives {
		t.lives = n.Restarts()
		clear(t.before)
		line("crashed itself, starts again and has forgotten all")
	}
	suspects, down := listed(n, "suspects"), listed(n, "down")
	for _, other := range n.World().Nodes() {
		p, word := other.ID(), "alive"
		if _, ok := suspects.Get(p); ok {
			word = "suspect"
		}
		if _, ok := down.Get(p); ok {
			word = "down"
		}
		was, known := t.before[p]
		if t.before[p] = word; known && was != word {
			truth := "it is up"
			if !other.Up() {
				truth = "it has crashed"
			}
			line("%s is %s (%s)", p, word, truth)
		}
	}
}
