package dag

import "encoding/binary"

// pageWriter writes a page, one delta after the other; docs/formats/delta.md has the bytes.
type pageWriter struct {
	b        []byte
	ctx      ID
	names    map[ID]int // what was spelled out, by its place there
	written  map[ID]int // deltas of the page, by number
	count    int        // of them, one that stands there twice counted twice
	branches []branch
	ends     map[ID]int // the last delta of a branch → its place in branches
	past     moment
	w        window
}

// EncodePage writes a page of runs, each of deltas of one context of which one is the prev of the next, as they are: whether they may stand in
// a log, and fit a page, is not looked at. Journal.Batch and Journal.Serve give the pages of a log; this is for what tries how pages are refused.
func EncodePage(ctx ID, runs [][]*Entry) []byte {
	count, payload := 0, 0
	for _, run := range runs {
		count += len(run)
		for _, e := range run {
			payload += len(e.Delta.Payload)
		}
	}
	w := pageWriter{
		b: make([]byte, 0, pageHead+256+payload/2+16*count), ctx: ctx, names: map[ID]int{ctx: 0},
		written: make(map[ID]int, count), ends: make(map[ID]int), w: newWindow(payload, count),
	}
	w.b = append(w.b, pageVersion)
	w.b = append(w.b, ctx[:]...)
	w.uint(uint64(count))
	for _, stretch := range causal(runs) {
		w.run(stretch)
	}
	return w.b
}

// causal cuts runs where a delta stands on one of a later run, and gives the stretches in an order in which what a delta stands
// on comes before it, if the page has it at all.
func causal(runs [][]*Entry) (order [][]*Entry) {
	if len(runs) == 1 {
		return runs
	}
	type spot struct{ run, at int }
	spots := make(map[ID]spot)
	for i, run := range runs {
		for k, e := range run {
			if _, twice := spots[e.ID]; !twice {
				spots[e.ID] = spot{i, k}
			}
		}
	}
	from, done := make([]int, len(runs)), make([]int, len(runs)) // what is in order, and what was looked at
	needs := func(id ID) (spot, bool) {
		s, ok := spots[id]
		return s, ok && s.at >= done[s.run]
	}
	lacks := func(e *Entry, at spot) (spot, bool) {
		if at.at == 0 {
			if s, ok := needs(e.Delta.Prev); ok {
				return s, true
			}
		}
		for _, p := range e.Delta.Parents {
			if s, ok := needs(p); ok {
				return s, true
			}
		}
		return spot{}, false
	}
	cut := func(r int) {
		if from[r] < done[r] {
			order = append(order, runs[r][from[r]:done[r]])
			from[r] = done[r]
		}
	}
	for i, run := range runs {
		for todo := []spot{{i, len(run) - 1}}; len(todo) > 0; {
			top := todo[len(todo)-1]
			if done[top.run] > top.at {
				cut(top.run)
				todo = todo[:len(todo)-1]
				continue
			}
			at := spot{top.run, done[top.run]}
			if s, ok := lacks(runs[at.run][at.at], at); ok {
				cut(at.run)
				todo = append(todo, s)
				continue
			}
			done[at.run]++
		}
	}
	return order
}

func (w *pageWriter) uint(v uint64) { w.b = binary.AppendUvarint(w.b, v) }

// name writes a name of 32 bytes: as one that was spelled out before, as a delta of the page, counted back, or spelled out.
func (w *pageWriter) name(id ID) {
	if n, ok := w.names[id]; ok {
		w.uint(uint64(n)<<1 | 1)
		return
	}
	if n, ok := w.written[id]; ok {
		w.uint(uint64(w.count-n) << 1)
		return
	}
	w.uint(0)
	w.b = append(w.b, id[:]...)
	w.names[id] = len(w.names)
}

func (w *pageWriter) run(run []*Entry) {
	first := run[0].Delta
	at, open := w.ends[first.Prev]
	if open = open && first.Seq > 0; open {
		w.uint(uint64(at) + 1)
	} else {
		at = len(w.branches)
		w.branches = append(w.branches, newBranch(w.ctx, w.past))
		b := &w.branches[at]
		b.seq = first.Seq
		w.uint(0)
		w.name(ID(first.Author))
		w.uint(first.Seq)
		if first.Seq == 0 {
			w.b = append(w.b, first.Nonce...)
		} else {
			w.name(first.Chain)
			w.name(first.Prev)
		}
	}
	delete(w.ends, first.Prev)
	w.uint(uint64(len(run)))
	b := &w.branches[at]
	for _, e := range run {
		w.delta(b, e)
		b.pass(e.ID, e.Delta)
		w.past = b.past
		w.written[e.ID] = w.count
		w.count++
	}
	w.ends[b.prev] = at
}

func (w *pageWriter) delta(b *branch, e *Entry) {
	d := e.Delta
	flags, packed := w.flags(b, e)
	w.b = append(w.b, flags)
	if flags&flagMoved != 0 {
		w.uint(zigzag(d.Ms - b.past.ms))
	}
	if flags&flagCount != 0 {
		w.uint(d.N)
	}
	if flags&flagWall != 0 {
		w.uint(zigzag(uint64(d.Wall - b.past.wall)))
	}
	if flags&flagHead != 0 {
		w.uint(d.Version)
		w.uint(d.Kind)
		w.uint(d.Epoch)
		if d.Kind != KindGenesis {
			w.name(d.Credential)
		}
	}
	if flags&flagParents != 0 {
		w.uint(uint64(len(d.Parents)))
		for _, p := range d.Parents {
			w.name(p)
		}
	}
	if flags&flagExtra != 0 {
		w.uint(uint64(len(d.Extra)))
		for _, x := range d.Extra {
			w.uint(uint64(len(x)))
			w.b = append(w.b, x...)
		}
	}
	w.uint(uint64(len(d.Payload)))
	w.b = append(w.b, packed...)
	w.b = append(w.b, e.Sig...)
}

// flags gives what of a delta has to be told, and its payload as it is told.
func (w *pageWriter) flags(b *branch, e *Entry) (flags byte, payload []byte) {
	d := e.Delta
	set := func(f byte, is bool) {
		if is {
			flags |= f
		}
	}
	set(flagMoved, d.Ms != b.past.ms)
	set(flagCount, d.N != b.past.follow(d.Ms))
	set(flagWall, uint64(d.Wall) != d.Ms)
	set(flagHead, d.Version != b.version || d.Kind != b.kind || d.Epoch != b.epoch || d.Kind != KindGenesis && d.Credential != b.credential)
	set(flagParents, len(d.Parents) > 0)
	set(flagExtra, len(d.Extra) > 0)
	set(flagSigned, len(e.Sig) > 0)
	payload = w.w.pack(d.Payload, e.ID)
	set(flagPacked, len(payload) < len(d.Payload))
	if flags&flagPacked == 0 {
		payload = d.Payload
	}
	return flags, payload
}
