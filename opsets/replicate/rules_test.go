package replicate

import (
	"testing"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/graph/graphtest"
)

// A comparison that one of our own rounds brought about begins no round here, whatever it shows.
func TestAskedRoundsAskNoMore(t *testing.T) {
	for asked, rounds := range map[bool]int{false: 1, true: 0} {
		w := graphtest.New(t)
		start(w, "a", journals(t, 1, 1)[0])
		var v Verdict
		if f := w.Ask("x", "a", "compare", Digest{dag.ID{1}, asked}, &v); f != nil || v.Equal {
			t.Fatal(f, v)
		}
		if got := w.Count("a", "compare", graph.RequestMsg); got != rounds {
			t.Errorf("asked %v: %d rounds, want %d", asked, got, rounds)
		}
	}
}
