package store

import (
	"sync"

	"github.com/merograph/merograph/crdt"
	"github.com/merograph/merograph/dag"
)

// A View is told of a context's deltas: Admitted before the sync, in log order, and Synced after it. Both run under the
// journal's order, so they must be short; Failed drops what was admitted and not synced.
type View interface {
	Admitted(e *dag.Entry)
	Synced(entries []*dag.Entry)
	Failed(err error)
}

// A Fold is the dag.Observer of a node: it hands what the journal tells to the views of each context, in the order in which
// begin gave them. Safe for concurrent use.
type Fold struct {
	mu     sync.Mutex
	begin  func(ctx dag.ID) []View
	views  map[dag.ID][]View
	missed map[dag.ID][]*dag.Entry // told while the journal opens
	err    error
}

var _ dag.Observer = (*Fold)(nil)

// NewFold gives the observer to open a journal with. What the journal tells while it opens is kept until Opened.
func NewFold() *Fold { return &Fold{views: map[dag.ID][]View{}, missed: map[dag.ID][]*dag.Entry{}} }

// Opened hands over what the journal held when it opened. begin gives the views of a context, once, when it is told of first;
// it may run under the journal's order, so it must call nothing of the journal.
func (f *Fold) Opened(begin func(ctx dag.ID) []View) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begin = begin
	for ctx, entries := range f.missed { //lint:unordered contexts do not touch each other
		for _, v := range f.of(ctx) {
			for _, e := range entries {
				v.Admitted(e)
			}
			v.Synced(entries)
		}
	}
	f.missed = nil
}

// Begin makes the views of a context of which nothing may be told for a while.
func (f *Fold) Begin(ctx dag.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.of(ctx)
}

// of gives the views of a context, and makes them the first time. mu is held.
func (f *Fold) of(ctx dag.ID) []View {
	vs, ok := f.views[ctx]
	if !ok {
		vs = f.begin(ctx)
		f.views[ctx] = vs
	}
	return vs
}

// Err is why the journal stopped, or nil.
func (f *Fold) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// Admitted implements dag.Observer.
func (f *Fold) Admitted(ctx dag.ID, e *dag.Entry) {
	f.mu.Lock()
	if f.begin == nil {
		f.missed[ctx] = append(f.missed[ctx], e)
		f.mu.Unlock()
		return
	}
	vs := f.of(ctx)
	f.mu.Unlock()
	for _, v := range vs {
		v.Admitted(e)
	}
}

// Synced implements dag.Observer.
func (f *Fold) Synced(ctx dag.ID, entries []*dag.Entry, _ dag.Mark) {
	f.mu.Lock()
	if f.begin == nil {
		f.mu.Unlock()
		return
	}
	vs := f.of(ctx)
	f.mu.Unlock()
	for _, v := range vs {
		v.Synced(entries)
	}
}

// Failed implements dag.Observer.
func (f *Fold) Failed(err error) {
	f.mu.Lock()
	f.err = err
	var all []View
	for _, vs := range f.views { //lint:unordered every view is told the same
		all = append(all, vs...)
	}
	f.mu.Unlock()
	for _, v := range all {
		v.Failed(err)
	}
}

// StampOf gives what the conflict rules read of a delta.
func StampOf(e *dag.Entry) crdt.Delta {
	return crdt.Delta{ID: e.ID, Ms: e.Delta.Ms, N: e.Delta.N, Author: e.Delta.Author}
}
