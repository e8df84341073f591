package dag

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// pageBuilder chooses what a page has.
type pageBuilder struct {
	j      *Journal
	c      *context
	log    ahead
	proofs proofs
	runs   [][]*Entry
	// size is what the runs take at most, and most bounds it. MaxPage of it is rebuilt to less than MaxPageRebuilt.
	size, most int
	// deltas is for how many there is room.
	deltas int
}

// add adds the first piece of a lane, up to the last signature within MaxRun deltas and MaxRunBytes, or else the first
// after them. It gives the length of the piece, 0 when it does not fit.
func (b *pageBuilder) add(l lane) (int, error) {
	var run []*Entry
	var kept, got pieceSize // up to the last signature that fits, and up to what was loaded
	var n int               // as many deltas of the lane are kept
	var proof []*Entry      // of the last of them
	for at, i := range l.nodes {
		if kept.deltas > 0 && (got.deltas+1 > min(MaxRun, b.deltas) || got.rebuilt > MaxRunBytes) {
			break
		}
		if kept.deltas == 0 && b.size+got.bytes() > b.most {
			return 0, nil
		}
		e, rest, err := b.load(i, at == len(l.nodes)-1)
		if errors.Is(err, ErrDamaged) && kept.deltas > 0 {
			break
		}
		if err != nil {
			return 0, err
		}
		run = append(run, e)
		got.add(e)
		switch whole := got.with(rest); {
		case len(rest) > 0 && (kept.deltas == 0 || whole.deltas <= min(MaxRun, b.deltas) && whole.before() <= MaxRunBytes && b.size+whole.bytes() <= b.most):
			kept, n, proof = whole, len(run), rest
		case len(e.Sig) > 0 && (kept.deltas == 0 || b.size+got.bytes() <= b.most):
			kept, n, proof = got, len(run), nil
		}
	}
	if n == 0 || b.size+kept.bytes() > b.most || kept.deltas > b.deltas && len(b.runs) > 0 || kept.deltas > MaxPageDeltas {
		return 0, nil
	}
	run = append(run[:n], proof...)
	for _, e := range run[:len(run)-1] { // a signature nearer than the next kept one is left out
		e.Sig = nil
	}
	b.runs = append(b.runs, run)
	b.size += kept.bytes()
	b.deltas -= kept.deltas
	return n, nil
}

// pieceSize is how large a piece is, and how much it takes in a page at most: how much it repeats shows when all pieces are there.
type pieceSize struct {
	deltas, rebuilt int
	parents, packed int
	end             int // the bytes of the last
	last            *Delta
}

func (s *pieceSize) add(e *Entry) {
	d := e.Delta
	s.deltas++
	s.rebuilt, s.end = s.rebuilt+len(e.Raw), len(e.Raw)
	s.parents += len(d.Parents)
	s.packed += 1 + 4*binary.MaxVarintLen64 + len(d.Payload)
	if s.last == nil || s.last.Version != d.Version || s.last.Kind != d.Kind || s.last.Epoch != d.Epoch || s.last.Credential != d.Credential {
		s.packed += 3*binary.MaxVarintLen64 + maxName
	}
	for _, x := range d.Extra {
		s.packed += binary.MaxVarintLen64 + len(x)
	}
	s.last = d
}

// with gives the size of a piece with what proves it.
func (s pieceSize) with(rest []*Entry) pieceSize {
	for _, e := range rest {
		s.add(e)
	}
	return s
}

// before gives the bytes of all but the last.
func (s *pieceSize) before() int { return s.rebuilt - s.end }

// bytes counts for a parent that it may cut two runs.
func (s *pieceSize) bytes() int {
	return runHead + s.packed + s.parents*(maxName+2*runCut) + SigLen
}

// load reads one synced delta of the context by its number, and what proves it where no admitted delta does, or did when the lane
// that ends with it was made.
func (b *pageBuilder) load(i uint32, ends bool) (e *Entry, rest []*Entry, err error) {
	b.j.mu.Lock()
	nd := b.c.g.node(i)
	id, at := nd.id, nd.place
	late := b.c.sigs[id]
	proof, half := b.c.proofs[id], b.c.g.half[i]
	b.j.mu.Unlock()
	if half || ends && proof != (Place{}) && len(late) == 0 {
		if rest, err = b.proofs.of(b.j, id, proof); err != nil {
			return nil, nil, err
		}
	}
	r, err := b.log.read(at.unpack())
	if err != nil {
		return nil, nil, err
	}
	s, ok := sealedOf(r.body)
	if !ok {
		return nil, nil, fmt.Errorf("dag: serve: no delta stands at the place of %v: %w", id, ErrDamaged)
	}
	if len(s.sig) == 0 {
		s.sig = late
	}
	e, err = decodeEntry(s.raw, s.sig)
	if err != nil {
		return nil, nil, fmt.Errorf("dag: serve: what stands at the place of %v is no delta: %w: %w", id, err, ErrDamaged)
	}
	e.ID = id
	return e, rest, nil
}
