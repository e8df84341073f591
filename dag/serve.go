package dag

import (
	"container/heap"
	"errors"
	"fmt"
	"slices"
)

// Have gives what this node has, for a peer's Serve: the tips; for each a locator, the deltas 1, 2, 4, … before it, so
// that branches meet without a search; and the ends of waiting runs, so that they are not sent again while they wait.
func (j *Journal) Have(ctx ID) []Tip {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := j.ctxs[ctx]
	if c == nil {
		return nil
	}
	g := c.g
	tips := g.Tips()
	for _, t := range tips {
		i := g.held(t.ID)
		for back := uint64(1); back <= t.Seq; back *= 2 {
			i = g.ancestor(i, t.Seq-back)
			tips = append(tips, g.tip(i))
		}
	}
	tips = append(tips, g.waitingEnds()...)
	slices.SortFunc(tips, Tip.Compare) //lint:total-key equal tips are the same
	return slices.Compact(tips)
}

// waitingEnds gives the signed deltas that wait and reach a held one, or the beginning of their chain, through waiting ones.
func (g *Graph) waitingEnds() (tips []Tip) {
	f := footing{g: g, known: make(map[ID]bool)}
	for id, w := range g.room.waiting { //lint:unordered the caller sorts
		if w.e.Sig != nil && f.of(w) {
			tips = append(tips, Tip{Chain: w.e.Delta.ChainOf(id), ID: id, Seq: w.e.Delta.Seq})
		}
	}
	return tips
}

// footing finds out which waiting deltas reach a held one, or the beginning of their chain, through waiting ones. It walks over
// each once: after damage a whole history may wait.
type footing struct {
	g      *Graph
	known  map[ID]bool // of those walked over
	walked int
}

func (f *footing) of(w *waiter) (reaches bool) {
	var path []ID
	for at := w; at != nil; at = f.g.room.waiting[at.e.Delta.Prev] {
		known, before := f.known[at.e.ID]
		if before {
			reaches = known
			break
		}
		path = append(path, at.e.ID)
		f.walked++
		if p := at.e.Delta.Prev; p.IsZero() || f.g.Has(p) {
			reaches = true
			break
		}
	}
	for _, id := range path {
		f.known[id] = reaches
	}
	return reaches
}

// Serve gives a page of what a peer lacks that has the given tips (its Have, or its Tips): whole pieces of chains, each up
// to a kept signature, oldest first, at most maxBytes (and MaxPage) long and MaxPageDeltas deltas. Tips that are not
// held here say nothing, so a peer on a fork gets the branch from the last delta it names that is held. more tells
// that something is left. An empty page with more false: nothing lacks. A piece that does not fit alone gives
// ErrTooLarge: an honest one is at most 64 KiB and one delta long, so MaxPage always fits. A branch ends before a damaged record;
// when nothing else is left, the error is ErrDamaged.
func (j *Journal) Serve(ctx ID, have []Tip, maxBytes int) (page []byte, more bool, err error) {
	return j.serve(ctx, have, maxBytes, MaxPageDeltas)
}

func (j *Journal) serve(ctx ID, have []Tip, maxBytes, deltas int) (page []byte, more bool, err error) {
	j.mu.Lock()
	c, err := j.known(ctx)
	if err != nil {
		j.mu.Unlock()
		return nil, false, fmt.Errorf("dag: serve: %w", err)
	}
	h := laneHeap(c.g.lanes(have))
	heap.Init(&h)
	j.mu.Unlock()
	b := &pageBuilder{j: j, c: c, log: ahead{w: j.w, next: aheadLeast}, most: min(maxBytes, MaxPage), size: pageHead, deltas: deltas}
	more, refused, err := b.fill(h)
	if err != nil {
		return nil, false, err
	}
	if len(b.runs) == 0 {
		return nil, false, refused
	}
	return EncodePage(ctx, b.runs), more, nil
}

// fill adds pieces of lanes, oldest first, until one does not fit. refused tells why a lane had to be left out.
func (b *pageBuilder) fill(h laneHeap) (more bool, refused, err error) {
	for len(h) > 0 {
		n, err := b.add(h[0])
		if errors.Is(err, ErrDamaged) { // the rest of this branch has to come from elsewhere
			heap.Pop(&h)
			refused = err
			continue
		}
		if err != nil {
			return false, nil, err
		}
		if n == 0 {
			if len(b.runs) > 0 {
				return true, refused, nil
			}
			// Over MaxPage it fits nowhere: only a dishonest author's run is so long, and it is left out.
			if heap.Pop(&h); b.most < MaxPage {
				refused = fmt.Errorf("dag: serve: a run does not fit in %d bytes: %w", b.most, ErrTooLarge)
			}
			continue
		}
		if h[0].nodes = h[0].nodes[n:]; len(h[0].nodes) == 0 {
			heap.Pop(&h)
		} else {
			heap.Fix(&h, 0)
		}
	}
	return false, refused, nil
}

// ServeIDs gives a page of named deltas, each with its run up to the next kept signature, in log order; at most maxBytes
// (and MaxPage) long. missing are those that are not held, not proved, damaged, or come from the first on that did not fit: what is read
// is about two pages at most. They keep the order of ids.
func (j *Journal) ServeIDs(ctx ID, ids []ID, maxBytes int) (page []byte, missing []ID, err error) {
	j.mu.Lock()
	c, err := j.known(ctx)
	if err != nil {
		j.mu.Unlock()
		return nil, nil, fmt.Errorf("dag: serve: %w", err)
	}
	lanes := make(map[ID]lane, len(ids))
	for _, id := range ids {
		if l, ok := c.g.laneOf(id); ok {
			lanes[id] = l
		}
	}
	j.mu.Unlock()
	b := &pageBuilder{j: j, c: c, log: ahead{w: j.w, next: aheadLeast}, most: min(maxBytes, MaxPage), size: pageHead, deltas: MaxPageDeltas}
	sent, full := make(map[uint32]bool), false
	for _, id := range ids {
		l, ok := lanes[id]
		if !ok || full {
			missing = append(missing, id)
			continue
		}
		if sent[l.nodes[0]] {
			continue
		}
		n, err := b.add(l)
		if err != nil && !errors.Is(err, ErrDamaged) {
			return nil, nil, err
		}
		if n == 0 {
			missing = append(missing, id)
			full = err == nil && len(b.runs) > 0
		}
		for _, i := range l.nodes[:n] {
			sent[i] = true
		}
	}
	if len(b.runs) == 0 {
		return nil, missing, nil
	}
	return EncodePage(ctx, b.runs), missing, nil
}

// laneOf gives the stretch from a witnessed delta to the first signature at or after it.
func (g *Graph) laneOf(id ID) (lane, bool) {
	i, ok := g.number(id)
	if !ok || !g.node(i).witness {
		return lane{}, false
	}
	l := lane{[]uint32{i}}
	for !g.node(i).signed {
		i = g.after(i)
		l.nodes = append(l.nodes, i)
	}
	return l, true
}
