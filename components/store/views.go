package store

import (
	"sync"

	"github.com/merograph/merograph/dag"
)

// A View is told of a context's deltas: Admitted before the sync, in log order, and Synced after it, when the store shows
// them. Both run under the journal's order, so they must be short; Failed says that what was admitted and not synced is
// dropped. What the log held when it was opened a view reads with dag.Journal.Each.
type View interface {
	Admitted(e *dag.Entry)
	Synced(entries []*dag.Entry)
	Failed(err error)
}

// views are the views of each context, in the order in which begin gave them.
type views struct {
	mu    sync.Mutex
	begin func(ctx dag.ID) []View
	of    map[dag.ID][]View
}

// Opened gives the views of the contexts that the journal held when it opened, and of those that come later: begin is
// called once for each context. It may run under the journal's order, so it must call nothing of the journal.
func (s *Store) Opened(contexts []dag.ID, begin func(ctx dag.ID) []View) {
	s.views.mu.Lock()
	defer s.views.mu.Unlock()
	s.views.begin, s.views.of = begin, map[dag.ID][]View{}
	for _, ctx := range contexts {
		s.views.get(ctx)
	}
}

// Begin makes the views of a context of which nothing may be told for a while.
func (s *Store) Begin(ctx dag.ID) { s.told(ctx) }

// get gives the views of a context, and makes them the first time. mu is held.
func (v *views) get(ctx dag.ID) []View {
	vs, ok := v.of[ctx]
	if !ok {
		vs = v.begin(ctx)
		v.of[ctx] = vs
	}
	return vs
}

// told gives those whom something is to be told; nobody while the journal opens.
func (s *Store) told(ctx dag.ID) []View {
	s.views.mu.Lock()
	defer s.views.mu.Unlock()
	if s.views.begin == nil {
		return nil
	}
	return s.views.get(ctx)
}

// Admitted implements dag.Observer.
func (s *Store) Admitted(ctx dag.ID, e *dag.Entry) {
	vs := s.told(ctx)
	s.mu.Lock()
	s.overlay.admit(s.present(ctx), e)
	s.mu.Unlock()
	for _, v := range vs {
		v.Admitted(e)
	}
}

// Synced implements dag.Observer. The store itself took the entries in Put.
func (s *Store) Synced(ctx dag.ID, entries []*dag.Entry, _ dag.Mark) {
	s.mu.Lock()
	if c := s.ctxs[ctx]; c != nil && c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
	s.mu.Unlock()
	for _, v := range s.told(ctx) {
		v.Synced(entries)
	}
}

// Failed implements dag.Observer: nothing that was not synced is ever shown.
func (s *Store) Failed(err error) {
	s.mu.Lock()
	if s.err == nil {
		s.err = err
	}
	s.overlay.drop(s.ctxs)
	s.mu.Unlock()
	s.views.mu.Lock()
	var all []View
	for _, vs := range s.views.of { //lint:unordered every view is told the same
		all = append(all, vs...)
	}
	s.views.mu.Unlock()
	for _, v := range all {
		v.Failed(err)
	}
}
