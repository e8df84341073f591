package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/merograph/merograph/sim"
)

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run simulates a minute and tells what some nodes count.
func run(out io.Writer) error {
	faults, err := sim.ParseFaults("loss,churn")
	if err != nil {
		return err
	}
	s := scenario
	s.Script = func(w *sim.World) {
		scenario.Script(w)
		fmt.Fprintln(out, "  time    seen  counted by the first five")
		for at := 5 * time.Second; at <= time.Minute; at += 5 * time.Second {
			w.After(at-time.Millisecond, w.Nodes()[5], func(*sim.Node) {
				fmt.Fprintf(out, "%4.0f s  %6d", w.Elapsed().Seconds(), *w.State.(*uint64))
				for _, n := range w.Nodes()[:5] {
					if n.Up() {
						fmt.Fprintf(out, "  %6d", total(n))
					} else {
						fmt.Fprint(out, "    down")
					}
				}
				fmt.Fprintln(out)
			})
		}
	}
	r, err := sim.Run(s, sim.Options{Nodes: 20, Seed: 1, Time: time.Minute, Faults: faults})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%v", r)
	return r.Err()
}
