package dag

import (
	"errors"
	"io"
	"time"
)

// Options is what a journal is given when it opens. Wall and Rand are required, the rest has defaults.
type Options struct {
	// Index keeps what derives from the log in step with it; nil means that nothing does.
	Index Index
	// Observer is told of admitted and synced deltas; nil means nobody.
	Observer Observer
	// Wall gives the wall clock. It is called under the journal's order lock, and must be safe for concurrent use.
	Wall func() time.Time
	// Rand gives random bytes for nonces and the log's id. It is read under the journal's order lock.
	Rand io.Reader
	// SegmentBytes is the length of a segment of a new log: 4 MiB to 1 GiB, 32 MiB when zero. A log keeps the length
	// that it was made with.
	SegmentBytes int64
	// MaxUnsynced bounds the bytes that are admitted and not synced; a write over it syncs. 4 MiB when zero.
	MaxUnsynced int
	// MaxWaiting and MaxWaitingBytes bound, for each author of a context, the deltas that wait for their past (DATA
	// 4.4): 256 and 1 MiB when zero.
	MaxWaiting      int
	MaxWaitingBytes int
}

const (
	minSegment     = 4 << 20
	maxSegment     = 1 << 30
	defaultSegment = 32 << 20
)

// withDefaults fills the zero fields and checks the others.
func (o Options) withDefaults() (Options, error) {
	if o.Index == nil {
		o.Index = fixedIndex{}
	}
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	if o.Wall == nil || o.Rand == nil {
		return o, errors.New("dag: open: Options.Wall and Options.Rand are required")
	}
	if o.SegmentBytes == 0 {
		o.SegmentBytes = defaultSegment
	}
	if o.SegmentBytes < minSegment || o.SegmentBytes > maxSegment {
		return o, errors.New("dag: open: Options.SegmentBytes is between 4 MiB and 1 GiB")
	}
	for _, f := range []struct {
		v   *int
		def int
	}{{&o.MaxUnsynced, 4 << 20}, {&o.MaxWaiting, 256}, {&o.MaxWaitingBytes, 1 << 20}} {
		if *f.v < 0 {
			return o, errors.New("dag: open: a bound in Options is negative")
		}
		if *f.v == 0 {
			*f.v = f.def
		}
	}
	return o, nil
}
