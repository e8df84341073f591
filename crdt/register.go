package crdt

// Register is one value, decided by the last writer by clock (DATA 7.1): of the writes that it was given it holds the
// one whose [Stamp] is the greatest, in whatever order they came. The zero Register is empty and ready to use.
type Register[V any] struct {
	value V
	stamp Stamp
	set   bool
}

// Set gives the register a write, and reports whether it is now the value. A write that is older than the one held, or
// the same, changes nothing.
func (r *Register[V]) Set(s Stamp, v V) bool {
	if r.set && s.Compare(r.stamp) <= 0 {
		return false
	}
	r.value, r.stamp, r.set = v, s, true
	return true
}

// Get returns the value, or the zero value and false when nothing was ever set.
func (r *Register[V]) Get() (V, bool) { return r.value, r.set }

// Stamp returns the stamp of the write that Get shows, or the zero stamp and false.
func (r *Register[V]) Stamp() (Stamp, bool) { return r.stamp, r.set }
