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

// run simulates one group for a minute and tells what its clients see.
func run(out io.Writer) error {
	faults, err := sim.ParseFaults("loss,churn")
	if err != nil {
		return err
	}
	s := scenario
	s.Script = func(w *sim.World) {
		script(w)
		w.Every(3*time.Second, time.Second, func(n *sim.Node) {
			if n.Role() != "client" {
				return
			}
			began := w.Elapsed()
			n.Kept.(*user).access(n, func(a Access, x Answer, err error) {
				fmt.Fprintf(out, "%5.1f s  %s %s in %v\n", w.Elapsed().Seconds(), n.ID(), sentence(a, x, err), (w.Elapsed() - began).Round(time.Millisecond))
			})
		})
	}
	r, err := sim.Run(s, sim.Options{Nodes: groupOf, Seed: 2, Time: time.Minute, Faults: faults})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%v", r)
	return r.Err()
}

func sentence(a Access, x Answer, err error) string {
	word := "reads " + a.Key
	if a.Write {
		word = fmt.Sprintf("writes %s = %q", a.Key, a.Text)
	}
	switch {
	case err != nil:
		return fmt.Sprintf("%s: %v,", word, err)
	case x.Failure != "":
		return fmt.Sprintf("%s: %s,", word, x.Failure)
	case a.Write:
		return word + fmt.Sprintf(" as version %d", x.Register.Version.N)
	default:
		return word + fmt.Sprintf(" = %q of version %d", x.Register.Text, x.Register.Version.N)
	}
}
