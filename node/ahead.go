package node

import (
	"crypto/ed25519"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/merograph/merograph/components/store"
	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/p2p"
)

const (
	farAhead   = time.Hour // by which a clock may be ahead and not be shown (DATA 1.8)
	mostAhead  = 64        // authors that are shown
	stampAhead = "2006-01-02T15:04:05Z"
)

// ahead keeps the authors whose deltas are dated far ahead of this node's wall time. Such a delta counts as any other: its
// author is shown until this node's own time has come near.
type ahead struct {
	wall    func() time.Time
	changed func() // after an author has come; called without a lock

	mu      sync.Mutex
	authors map[dag.Key]dated
}

// dated is the greatest time of an author's deltas, and the one that is shown. The second follows the first in steps of
// farAhead, so that a sentence stays as it is while the author writes on.
type dated struct{ last, shown time.Time }

// note looks at deltas that are synced.
func (a *ahead) note(entries []*dag.Entry) {
	limit := a.wall().Add(farAhead)
	news := false
	for _, e := range entries {
		if at := moved(e.Delta); at.After(limit) && a.add(e.Delta.Author, at) {
			news = true
		}
	}
	if news {
		a.changed()
	}
}

// moved is the latest time that the author of a delta gives: its wall time, or the clock where it is not that of the past.
func moved(d *dag.Delta) time.Time {
	ms := d.Wall
	if d.N == 0 {
		ms = max(ms, int64(d.Ms))
	}
	return time.UnixMilli(ms)
}

// add notes a time, and tells whether something new is shown. When there is no room the least far gives way.
func (a *ahead) add(k dag.Key, at time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	d, known := a.authors[k]
	if !known && len(a.authors) >= mostAhead {
		least := slices.MinFunc(a.sorted(), func(x, y dag.Key) int { return a.authors[x].last.Compare(a.authors[y].last) })
		if !at.After(a.authors[least].last) {
			return false
		}
		delete(a.authors, least)
	}
	if at.After(d.last) {
		d.last = at
	}
	news := !known || d.last.Sub(d.shown) > farAhead
	if news {
		d.shown = d.last
	}
	a.authors[k] = d
	return news
}

// sorted gives the authors in the order of their keys; mu is held.
func (a *ahead) sorted() []dag.Key {
	keys := make([]dag.Key, 0, len(a.authors))
	for k := range a.authors { //lint:unordered sorted below
		keys = append(keys, k)
	}
	slices.SortFunc(keys, dag.Key.Compare) //lint:total-key keys are unique
	return keys
}

// problems says whose clocks are ahead now, and forgets those that this node's time has come near to.
func (a *ahead) problems() (out []string) {
	limit := a.wall().Add(farAhead)
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, k := range a.sorted() {
		if !a.authors[k].last.After(limit) {
			delete(a.authors, k)
			continue
		}
		who := k.String()
		if p, err := p2p.PeerOf(ed25519.PublicKey(k[:])); err == nil {
			who = string(p)
		}
		out = append(out, fmt.Sprintf("the clock of %s is more than an hour ahead of this node's: it wrote at %s; until then its writes win over others that have not seen them: set the clock that is wrong, there or here",
			who, a.authors[k].shown.UTC().Format(stampAhead)))
	}
	return out
}

// aheadOf looks, when the log is opened, at what a context holds already: whole only where its heads are ahead, since an
// honest clock never goes back.
func (s *State) aheadOf(ctx dag.ID) error {
	limit := s.Wall().Add(farAhead)
	for _, id := range s.journal.Heads(ctx) {
		e, ok, err := s.journal.Get(id)
		if err != nil || !ok || !time.UnixMilli(int64(e.Delta.Ms)).After(limit) {
			continue
		}
		return s.journal.Each(ctx, func(e *dag.Entry) error {
			s.ahead.note([]*dag.Entry{e})
			return nil
		})
	}
	return nil
}

// clocks is the view of a context that looks at its clocks.
type clocks struct{ *ahead }

var _ store.View = clocks{}

// Admitted implements store.View.
func (clocks) Admitted(*dag.Entry) {}

// Synced implements store.View.
func (c clocks) Synced(entries []*dag.Entry) { c.note(entries) }

// Failed implements store.View.
func (clocks) Failed(error) {}
