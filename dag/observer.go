package dag

// Observer is told what happens to a journal's deltas. A nil Observer is allowed. Admitted must call nothing of the journal
// that calls it; Synced and Failed may call what reads (Tips, Get, Batch, Serve, …) and nothing that writes or waits.
// The entries are immutable and may be kept.
type Observer interface {
	// Admitted: the delta is admitted and not yet synced; fold it into an overlay that only the next write sees. It is
	// called in log order, under the journal's order lock, so it must be short. Open calls it too, for every delta that
	// the log holds beyond the index's mark.
	Admitted(ctx ID, e *Entry)
	// Synced: the entries, in log order and of one context, are durable; the mark is that of their group. Now they may be
	// stored, published and answered. A group of several contexts gives one call for each, with the same mark. It is
	// called in log order, one call at a time, while the next group may already sync. Open calls it too.
	Synced(ctx ID, entries []*Entry, mark Mark)
	// Failed: the outcome of everything admitted and not synced is unknown; drop the overlay. The journal refuses every
	// write until it is opened again. It is called once.
	Failed(err error)
}

// nobody is the Observer of those who gave none.
type nobody struct{}

func (nobody) Admitted(ID, *Entry)       {}
func (nobody) Synced(ID, []*Entry, Mark) {}
func (nobody) Failed(error)              {}
