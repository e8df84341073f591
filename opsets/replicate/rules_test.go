package replicate

import (
	"testing"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/graph/graphtest"
)

// A fetch that one of our own rounds brought about begins no round here, whatever it tells of.
func TestAskedRoundsAskNoMore(t *testing.T) {
	for asked, rounds := range map[bool]int{false: 1, true: 0} {
		w := graphtest.New(t)
		start(w, "a", journals(t, 1, 1)[0])
		var p Pages
		if f := w.Ask("x", "a", "fetch", Have{Held: []dag.ID{{1}}, Asked: asked}, &p); f != nil {
			t.Fatal(f)
		}
		if got := w.Count("a", "compare", graph.RequestMsg); got != rounds {
			t.Errorf("asked %v: %d rounds, want %d", asked, got, rounds)
		}
	}
}
