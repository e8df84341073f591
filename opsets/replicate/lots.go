package replicate

import (
	"slices"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
)

const (
	// maxLots is how many lots an answer tells, maxStretches of how many stretches.
	maxLots      = 64
	maxStretches = 8192
	lotBytes     = 768 << 10
	// maxAhead is how many lots are fetched or wait for their turn at once.
	maxAhead = 8
)

// LotDeltas is how many deltas a lot holds at most: fewer than a page may, so that several nodes can share what lacks.
const LotDeltas = 8192

// A Lot is a page's worth of what lacks, by name: for each stretch its last delta, and how many there are. Any node that holds
// these can serve it.
type Lot struct {
	Lasts  []dag.ID `cbor:"lasts"`
	Counts []uint64 `cbor:"counts"`
}

// A Part is the page of a lot. Lacks says that the server does not hold all of it.
type Part struct {
	Page  []byte `cbor:"page"`
	Lacks bool   `cbor:"lacks"`
}

// ServeFrom answers a fetch from a journal: with the first lot of what lacks, and the names of those that follow. A lot holds
// at most deltas, but for a single run of one chain.
func ServeFrom(j *dag.Journal, ctx dag.ID, h Have, deltas int) (Pages, error) {
	lots, more, err := j.Lots(ctx, h.With(j.Tips(ctx)), dag.LotBounds{Lots: maxLots, Stretches: maxStretches, Deltas: deltas, Bytes: lotBytes})
	if err != nil || len(lots) == 0 {
		return Pages{}, err
	}
	page, _, err := j.ServeLot(ctx, lots[0], MaxPage)
	p := Pages{Page: page, More: more || len(lots) > 1}
	for _, l := range lots[1:] {
		var lot Lot
		for _, s := range l {
			lot.Lasts, lot.Counts = append(lot.Lasts, s.Last), append(lot.Counts, s.Count)
		}
		p.Lots = append(p.Lots, lot)
	}
	return p, err
}

// PartFrom serves a lot from a journal.
func PartFrom(j *dag.Journal, ctx dag.ID, l Lot) (Part, error) {
	if err := l.check(); err != nil {
		return Part{}, err
	}
	lot := make([]dag.Stretch, len(l.Lasts))
	for i := range lot {
		lot[i] = dag.Stretch{Last: l.Lasts[i], Count: l.Counts[i]}
	}
	page, held, err := j.ServeLot(ctx, lot, MaxPage)
	return Part{Page: page, Lacks: !held}, err
}

func (l Lot) check() error {
	if len(l.Lasts) != len(l.Counts) || len(l.Lasts) > maxStretches || len(l.Lasts) == 0 || slices.Contains(l.Counts, 0) {
		return graph.Fail(graph.Malformed, "a lot of %d stretches with %d counts, of which none is 0; the bound is %d", len(l.Lasts), len(l.Counts), maxStretches)
	}
	return nil
}

// A Portion is a lot on its way: named, asked of a peer, come, and being taken in. Portions are taken in in order.
type Portion struct {
	No     uint64
	Lot    Lot
	Peer   graph.Peer // who was asked; "" for nobody yet
	Ticket uint64     // drawn for each asking
	Came   bool
	Page   []byte
	Taking bool
}

// Key is the portion's place in its table.
func (p Portion) Key() uint64 { return p.No }

// open has the portion asked for again.
func (p Portion) open() Portion { return Portion{No: p.No, Lot: p.Lot} }

type portions = graph.Rows[uint64, Portion]

// holder gives the round that is finding or fetching what lacks: one at a time, so that nothing is fetched twice.
func holder(t *rounds) (Round, bool) {
	for _, r := range t.View().All() {
		if r.Holds {
			return r, true
		}
	}
	return Round{}, false
}

// fit gives whom to ask, who has nothing to do: the round's peer and the neighbours, but who failed before. While the turn has
// brought nothing what the peer claims is asked of it alone (DATA 4.4): others need not have it, and nobody may.
func fit(r Round, near []graph.Peer, busy map[graph.Peer]bool) (free []graph.Peer, some bool) {
	all := near
	switch {
	case !r.Gained:
		all = []graph.Peer{r.Peer}
	case !slices.Contains(near, r.Peer):
		all = append([]graph.Peer{r.Peer}, near...)
	}
	for _, p := range all {
		if slices.Contains(r.Unfit, p) {
			continue
		}
		some = true
		if !busy[p] {
			free = append(free, p)
		}
	}
	return free, some
}
