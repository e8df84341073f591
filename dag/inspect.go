package dag

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// ErrNoLog: the disk holds no log.
var ErrNoLog = errors.New("there is no log")

// Inspection tells what a log holds, as Open would find it.
type Inspection struct {
	Recovery
	// Bytes is the log's length up to its last good group, over all segments; Segments is the number of files.
	Bytes    int64
	Segments int
	// Contexts are sorted by id. Those that wait there stand on deltas that are lost.
	Contexts []ContextStats
	// Missing are lost deltas that others name, by context and ascending: at most 64 of each.
	Missing []Lack
	// Forks are the chains with several branches, by context.
	Forks []Fork
}

// Lack names a delta that its context lacks.
type Lack struct{ Context, ID ID }

// Record is one good record of a log.
type Record struct {
	// Sequence is its number, from 1.
	Sequence uint64
	// Segment and Offset are its place, Size its length in bytes.
	Segment int
	Offset  int64
	Size    int
	// Kind is "received" or "written" for a delta, "witness" for a signature that came later, "proof" for what stands in for one, "joined" for a context.
	Kind string
	// Context and ID are of the delta, the witness or the proof; a joined context has no ID.
	Context, ID ID
	// Entry is the delta, nil for the other kinds; it may be kept.
	Entry *Entry
}

// VerifyLog reads a whole log and checks it, by the code that opens it, and changes nothing. The mark is that of what derives
// from the log (Index.Mark), or zero: what it proves to be synced and is not there is damage. Of a torn tail (Recovery.Cut)
// it tells what the next Open would cut. Errors: ErrNoLog, ErrInUse while a journal has the log open, a log of a later version
// or of another home, an error of the disk. Damage is no error.
func VerifyLog(disk Disk, mark Mark) (Inspection, error) { return DumpLog(disk, mark, nil) }

// DumpLog is VerifyLog, and calls each for every good record, in log order, before it is admitted. It stops at each's first error.
func DumpLog(disk Disk, mark Mark, each func(Record) error) (Inspection, error) {
	if err := holdsLog(disk); err != nil {
		return Inspection{}, err
	}
	o := Options{Index: fixedIndex{mark}, Wall: func() time.Time { return time.Time{} }, Rand: noRand{}}
	j, rec, err := openJournal(glass{disk}, o, each)
	if err != nil {
		return Inspection{}, err
	}
	in := j.inspect(rec)
	return in, errors.Join(j.w.close(), j.lock.Close())
}

func (j *Journal) inspect(rec Recovery) Inspection {
	s := j.Stats()
	in := Inspection{Recovery: rec, Bytes: s.Bytes, Segments: s.Segments, Contexts: s.Contexts}
	for _, c := range s.Contexts {
		in.Forks = append(in.Forks, j.Forks(c.ID)...)
		for _, id := range j.Missing(c.ID) {
			in.Missing = append(in.Missing, Lack{c.ID, id})
		}
	}
	return in
}

func holdsLog(disk Disk) error {
	numbers, err := segmentNumbers(disk)
	if err == nil && len(numbers) == 0 {
		err = fmt.Errorf("dag: log: %w", ErrNoLog)
	}
	return err
}

// show hands the k-th good record of a group to each.
func (r *replay) show(g *span, k int) error {
	if r.each == nil {
		return nil
	}
	rd := r.s.records[g.from+k]
	seq := g.head.first + uint64(k)
	if len(g.lost) > 0 && rd.place.Offset > g.lost[0].at { // what follows a lost one is counted from the end
		seq = g.head.first + uint64(g.head.count) - uint64(g.to-g.from-k)
	}
	w := r.j.w
	out := Record{Sequence: seq, Segment: int(rd.place.Offset / w.length), Offset: rd.place.Offset % w.length, Size: rd.place.Size,
		Kind: rd.kind.String()}
	switch body := bytes.Clone(rd.body); {
	case rd.kind == recordReceived || rd.kind == recordWritten:
		e, err := entryOf(body)
		if err != nil {
			return nil // it is damage
		}
		out.Entry, out.ID, out.Context = e, e.ID, e.Delta.ContextOf(e.ID)
	case rd.kind == recordWitness && len(body) == 64+SigLen, rd.kind == recordProof && len(body) > 64+SigLen:
		out.Context, out.ID = ID(body[:32]), ID(body[32:64])
	case rd.kind == recordJoined && len(body) == 32:
		out.Context = ID(body)
	}
	return r.each(out)
}

// String gives the word of a kind in a Record.
func (k recordKind) String() string {
	switch k {
	case recordReceived:
		return "received"
	case recordWritten:
		return "written"
	case recordWitness:
		return "witness"
	case recordJoined:
		return "joined"
	case recordProof:
		return "proof"
	default:
		return fmt.Sprint(byte(k))
	}
}
