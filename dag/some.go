package dag

import "slices"

// TipsOf gives those of the tips of a context that are of chains of one author, sorted. An unknown context, and an author who
// has written nothing that is proved here, have none.
func (j *Journal) TipsOf(ctx ID, author Key) []Tip {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := j.ctxs[ctx]
	if c == nil {
		return nil
	}
	var tips []Tip
	for k := range c.g.chains {
		if c.g.chains[k].author != author {
			continue
		}
		for _, i := range c.g.chains[k].ends {
			tips = append(tips, c.g.tip(i))
		}
	}
	slices.SortFunc(tips, Tip.Compare) //lint:total-key equal tips are the same
	return tips
}

// ServeSome is Serve with a greatest number of deltas, which one run alone may exceed: it is not cut before its signature.
func (j *Journal) ServeSome(ctx ID, have []Tip, maxBytes, deltas int) (page []byte, more bool, err error) {
	return j.serve(ctx, have, maxBytes, min(max(1, deltas), MaxPageDeltas))
}
