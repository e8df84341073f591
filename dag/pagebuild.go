package dag

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// pageBuilder chooses what a page has.
type pageBuilder struct {
	j    *Journal
	c    *context
	log  ahead
	runs [][]*Entry
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
	for _, i := range l.nodes {
		if kept.deltas > 0 && (got.deltas+1 > min(MaxRun, b.deltas) || got.rebuilt > MaxRunBytes) {
			break
		}
		if kept.deltas == 0 && b.size+got.bytes() > b.most {
			return 0, nil
		}
		e, err := b.load(i)
		if errors.Is(err, ErrDamaged) && kept.deltas > 0 {
			break
		}
		if err != nil {
			return 0, err
		}
		run = append(run, e)
		if got.add(e); len(e.Sig) > 0 && (kept.deltas == 0 || b.size+got.bytes() <= b.most) {
			kept = got
		}
	}
	n := kept.deltas
	if n == 0 || b.size+kept.bytes() > b.most || n > b.deltas && len(b.runs) > 0 || n > MaxPageDeltas {
		return 0, nil
	}
	for _, e := range run[:n-1] { // a signature nearer than the next kept one is left out
		e.Sig = nil
	}
	b.runs = append(b.runs, run[:n])
	b.size += kept.bytes()
	b.deltas -= n
	return n, nil
}

// pieceSize is how large a piece is, and how much it takes in a page at most: how much it repeats shows when all pieces are there.
type pieceSize struct {
	deltas, rebuilt int
	parents, packed int
	last            *Delta
}

func (s *pieceSize) add(e *Entry) {
	d := e.Delta
	s.deltas++
	s.rebuilt += len(e.Raw)
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

// bytes counts for a parent that it may cut two runs.
func (s *pieceSize) bytes() int {
	return runHead + s.packed + s.parents*(maxName+2*runCut) + SigLen
}

// load reads one synced delta of the context by its number.
func (b *pageBuilder) load(i uint32) (*Entry, error) {
	b.j.mu.Lock()
	nd := b.c.g.node(i)
	id, at := nd.id, nd.place
	late := b.c.sigs[id]
	b.j.mu.Unlock()
	r, err := b.log.read(at.unpack())
	if err != nil {
		return nil, err
	}
	s, ok := sealedOf(r.body)
	if !ok {
		return nil, fmt.Errorf("dag: serve: no delta stands at the place of %v: %w", id, ErrDamaged)
	}
	if len(s.sig) == 0 {
		s.sig = late
	}
	e, err := decodeEntry(s.raw, s.sig)
	if err != nil {
		return nil, fmt.Errorf("dag: serve: what stands at the place of %v is no delta: %w: %w", id, err, ErrDamaged)
	}
	e.ID = id
	return e, nil
}
