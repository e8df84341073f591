package replicate

import (
	"errors"
	"fmt"

	"github.com/merograph/merograph/sim"
)

// each checks every honest node.
func each(w *sim.World, check func(*sim.World, *sim.Node) error) error {
	for _, n := range honest(w) {
		if err := check(w, n); err != nil {
			return err
		}
	}
	return nil
}

// onlyLiars says that what an honest node passes on is rejected nowhere: it took all of it in itself.
func onlyLiars(w *sim.World, n *sim.Node) error {
	for _, p := range n.Shunned() {
		if !w.Node(p).Hostile() {
			return fmt.Errorf("%s shuns %s, which is honest", n.ID(), p)
		}
	}
	return nil
}

var errNobodyShunned = errors.New("nobody was shunned")

func shunned(w *sim.World) error {
	for _, n := range honest(w) {
		if len(n.Shunned()) > 0 {
			return nil
		}
	}
	return errNobodyShunned
}
