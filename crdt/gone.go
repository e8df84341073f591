package crdt

// tombstone stands for a write that is gone.
var tombstone = write{gone: true}

// remove takes away names of a delta, and keeps the removal when the delta was not folded yet. Names that the delta did not
// make name nothing. A name is looked at once, however often it is removed.
func (d *Doc) remove(delta, first, count, by uint32) {
	h := &d.deltas[delta]
	if !h.folded {
		r := h.more()
		r.early = append(r.early, early{first, count, by})
		d.waits(by, 1)
		return
	}
	end := uint32(min(uint64(first)+uint64(count), uint64(len(h.made))))
	for i := h.skip(first, end); i < end; i = h.skip(i+1, end) {
		d.kill(h.made[i])
		if h.made[i].kind != changeAdd { // an amount may be continued yet
			h.made[i] = &tombstone
		}
		h.leave(i)
	}
}

// skip gives the first name from i on that was not removed, or end or more.
func (h *held) skip(i, end uint32) uint32 {
	if h.rest == nil {
		return i
	}
	next := h.rest.next
	for i < end && i < uint32(len(next)) && next[i] != i {
		if j := next[i]; j < uint32(len(next)) {
			next[i] = next[j] // the way gets shorter each time
		}
		i = next[i]
	}
	return i
}

// leave notes that name i was removed, where a delta made so many that it pays.
func (h *held) leave(i uint32) {
	if cap(h.made) <= 8 {
		return
	}
	r := h.more()
	for j := uint32(len(r.next)); j <= i; j++ {
		if r.next == nil {
			r.next = make([]uint32, 0, cap(h.made))
		}
		r.next = append(r.next, j)
	}
	r.next[i] = i + 1
}

// kill takes a write away, and with an amount those that it continues.
func (d *Doc) kill(w *write) {
	for ; w != nil && !w.gone; w = w.continues {
		w.gone = true
		n := w.node
		if n == nil {
			continue
		}
		if w.waits {
			w.waits = false
			d.waits(d.deltas[w.delta].author, -1)
		}
		n.sum.subtract(w.amount)
		n.gone++
		d.touch(w)
		d.bump(n, -1)
		if n.gone > 8 && n.gone > len(n.writes)/2 {
			d.sweep(n)
		}
		d.clearTop(n)
		if !w.told {
			w.value = nil
		}
	}
}

// push adds a write to the heap of a place.
func (d *Doc) push(n *node, w *write) {
	n.writes = append(n.writes, w)
	for at := len(n.writes) - 1; at > 0; {
		up := (at - 1) / 2
		if !d.over(n.writes[at], n.writes[up]) {
			return
		}
		n.writes[at], n.writes[up] = n.writes[up], n.writes[at]
		at = up
	}
}

func (d *Doc) over(a, b *write) bool { return d.compare(a.delta, a.index, b.delta, b.index) > 0 }

// sink puts the write at a place of the heap where it belongs below it.
func (d *Doc) sink(h []*write, at int) {
	for {
		top := at
		for _, c := range [...]int{2*at + 1, 2*at + 2} {
			if c < len(h) && d.over(h[c], h[top]) {
				top = c
			}
		}
		if top == at {
			return
		}
		h[at], h[top] = h[top], h[at]
		at = top
	}
}

// sweep drops the gone writes of a place.
func (d *Doc) sweep(n *node) {
	live := make([]*write, 0, len(n.writes)-n.gone)
	for _, w := range n.writes {
		if !w.gone {
			live = append(live, w)
		}
	}
	n.writes, n.gone = live, 0
	for i := len(live)/2 - 1; i >= 0; i-- {
		d.sink(live, i)
	}
}

// clearTop drops gone writes until the first of the heap is live.
func (d *Doc) clearTop(n *node) {
	for len(n.writes) > 0 && n.writes[0].gone {
		last := len(n.writes) - 1
		n.writes[0], n.writes[last] = n.writes[last], nil
		n.writes = n.writes[:last]
		n.gone--
		d.sink(n.writes, 0)
	}
}
