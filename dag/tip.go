package dag

import (
	"cmp"
	"encoding/binary"
	"slices"

	"lukechampine.com/blake3"
)

// Tip is the last delta of a branch of a chain that can be proved: synced, with a witness held (DATA 4.1). A forked
// chain has several.
type Tip struct {
	Chain ID
	ID    ID
	Seq   uint64
}

// Compare orders tips by chain, then id, then seq.
func (t Tip) Compare(o Tip) int {
	return cmp.Or(t.Chain.Compare(o.Chain), t.ID.Compare(o.ID), cmp.Compare(t.Seq, o.Seq))
}

// Digest gives the BLAKE3 of the canonical encoding of the tips, an array of [chain, id, seq] in the order of Compare.
// Two nodes with the same digest hold the same provable deltas. The order and repetition of the argument do not matter.
func Digest(tips []Tip) ID {
	if !slices.IsSortedFunc(tips, Tip.Compare) {
		tips = slices.Clone(tips)
		slices.SortFunc(tips, Tip.Compare) //lint:total-key equal tips are the same
	}
	tips = slices.Compact(slices.Clone(tips))
	b := make([]byte, 0, 9+len(tips)*78)
	b = appendHead(b, majorArray, uint64(len(tips)))
	for _, t := range tips {
		b = appendHead(b, majorArray, 3)
		b = appendBytes(b, t.Chain[:])
		b = appendBytes(b, t.ID[:])
		b = appendHead(b, majorUint, t.Seq)
	}
	return blake3.Sum256(b)
}

// tipList is the tips of a graph and their digest, kept until one of them moves: a node compares far more often than it changes.
type tipList struct {
	moved  bool // the list is not the graph's any more
	hashed bool
	list   []Tip
	digest ID
}

// Tips gives the tips of a context, sorted: on each branch of each chain the last delta that is synced and signed. An
// unknown context has none.
func (j *Journal) Tips(ctx ID) []Tip {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := j.ctxs[ctx]
	if c == nil {
		return nil
	}
	return c.g.Tips()
}

// Digest gives the Digest of the tips of a context. Of one that did not change since the last call it costs nothing.
func (j *Journal) Digest(ctx ID) ID {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := j.ctxs[ctx]
	if c == nil {
		return Digest(nil)
	}
	return c.g.Digest()
}

// Tips gives the last witnessed delta of each branch, sorted. The caller may keep and change it.
func (g *Graph) Tips() []Tip { return slices.Clone(g.tipsNow()) }

// Digest gives the Digest of the tips.
func (g *Graph) Digest() ID {
	tips := g.tipsNow()
	if !g.tips.hashed {
		g.tips.digest, g.tips.hashed = Digest(tips), true
	}
	return g.tips.digest
}

// tipsNow gives the list, which is in order but for the tips that moved.
func (g *Graph) tipsNow() []Tip {
	t := &g.tips
	if !t.moved {
		return t.list
	}
	t.moved, t.hashed, t.list = false, false, t.list[:0]
	for k := range g.chains {
		for _, i := range g.chains[k].ends {
			t.list = append(t.list, g.tip(i))
		}
	}
	slices.SortFunc(t.list, Tip.Compare) //lint:total-key equal tips are the same
	return t.list
}

// Sums gives the chains of sorted tips, ascending, and for each a number that nodes which hold the same tips of it have alike:
// the first 8 bytes of BLAKE3, keyed by the salt, of the ids of its tips. Who does not know the salt beforehand cannot look for
// tips whose numbers collide, or add up alike.
func Sums(tips []Tip, salt ID) (chains []ID, sums []uint64) {
	h := blake3.New(8, salt[:])
	sum := make([]byte, 0, 8)
	for i, t := range tips {
		_, _ = h.Write(t.ID[:])
		if i+1 < len(tips) && tips[i+1].Chain == t.Chain {
			continue
		}
		chains = append(chains, t.Chain)
		sums = append(sums, binary.BigEndian.Uint64(h.Sum(sum)))
		h.Reset()
	}
	return chains, sums
}
