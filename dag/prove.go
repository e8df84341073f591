package dag

// prove signs what a signer wrote here and nothing proves any more: the delta that carried the signature of its run is lost
// to damage, and without a witness a peer takes none of them. It happens once for each author, before its first write after
// damage was found. mu is held.
func (j *Journal) prove(c *context, s Signer) {
	author := s.Public()
	if !j.damaged || c.proved[author] {
		return
	}
	c.proved[author] = true
	covered := make(map[uint32]bool)
	for i := uint32(c.g.Len()); i > 0; i-- {
		nd := c.g.node(i - 1)
		if !nd.local || nd.witness || covered[i-1] || c.g.chains[nd.chain].author != author {
			continue
		}
		for p := i - 1; p != none && !c.g.node(p).witness && !covered[p]; p = c.g.node(p).prev {
			covered[p] = true
		}
		j.enqueue(&item{c: c, kind: recordWitness, id: nd.id, node: i - 1, signer: s})
	}
}
