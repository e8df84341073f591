package replicate

import (
	"testing"
	"time"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/graph/graphtest"
)

// racing is a journal in which a write is synced right after one of the digests that are read of it.
type racing struct {
	*journal
	in   int // so many digests later
	race func()
}

func (l *racing) Digest() dag.ID {
	d := l.journal.Digest()
	if l.in--; l.in == 0 {
		l.race()
	}
	return d
}

// DATA 3.5 and 4.2: what is synced while two compare is neither acknowledged nor agreed on, on either side, and catch-up
// brings it.
func TestWritesWhileTwoCompare(t *testing.T) {
	for _, asks := range []graph.Peer{"a", "b"} { // b races
		raced := 0
		for in := 1; in <= 4; in++ {
			w := graphtest.New(t)
			js := journals(t, 2, 2)
			b := &racing{journal: js[1]}
			_, nearA := start(w, "a", js[0])
			n, nearB := start(w, "b", b)
			nearA.Set([]graph.Peer{"b"})
			nearB.Set([]graph.Peer{"a"})
			w.Pass(time.Millisecond)
			publish(t, w, n, js[1].write(t, 1, 3, 10)) // since the two agreed
			w.Lose = func(from graph.Peer, m graph.Message) bool {
				return m.Channel != "compare" || m.Kind == graph.RequestMsg && from != asks
			}
			b.in, b.race = in, func() { raced++; js[1].write(t, 1, 1, 10) }
			w.Pass(31 * time.Second)
			for _, a := range graph.FeedOf[graph.Peer, Agreement](n.Instance, "agreed").Get().All() {
				if dag.Digest(a.Tips) != a.Digest {
					t.Errorf("%s asks, a write after digest %d: it is in what was agreed on", asks, in)
				}
			}
			for _, tip := range delivery(n, "a").Acknowledged {
				if !js[0].Has(tip.ID) {
					t.Errorf("%s asks, a write after digest %d: it counts as acknowledged", asks, in)
				}
			}
			w.Lose = func(_ graph.Peer, m graph.Message) bool { return m.Channel == "deliver" }
			if w.Pass(2 * time.Minute); js[0].Digest() != js[1].Digest() {
				t.Errorf("%s asks, a write after digest %d: the two never agree again", asks, in)
			}
		}
		if raced < 2 {
			t.Errorf("%s asks: %d digests were read while the two compared", asks, raced)
		}
	}
}
