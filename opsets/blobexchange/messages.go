package blobexchange

import (
	"context"
	"time"

	"github.com/merograph/merograph/blob"
	"github.com/merograph/merograph/graph"
)

// MaxSlice is the greatest content of one reply, in bytes.
const MaxSlice = blob.MaxSlice

// Fetch is a local request: to have a blob within a time.
type Fetch struct {
	ID     blob.ID
	Within time.Duration
}

// Which names a blob.
type Which struct {
	ID blob.ID `cbor:"id"`
}

// Held answers Which.
type Held struct {
	Held bool  `cbor:"held"`
	Size int64 `cbor:"size"` // bytes
}

// A Span is a range of a blob, at most MaxSlice long.
type Span struct {
	ID     blob.ID `cbor:"id"`
	Offset int64   `cbor:"offset"`
	Length int64   `cbor:"length"`
}

// A Slice is a range of a blob with its proof.
type Slice struct {
	Data []byte `cbor:"data"`
}

// An Offer is a blob that a source says it has.
type Offer struct {
	ID   blob.ID
	Size int64 // bytes, as the source states it; it is verified with the content
}

// A Piece is a slice that arrived, for the component to verify and keep.
type Piece struct {
	Offer
	Offset int64
	Data   []byte
}

// Progress says what to ask for next.
type Progress struct {
	Done           bool
	Offset, Length int64
}

// Blobs is the node's store of blobs, as the protocol needs it. Size reads memory. Open begins or resumes to receive, and
// says what to ask for first. Keep refuses, with an error, a piece that is not part of the blob; when either says Done the
// blob is durable.
type Blobs interface {
	Size(id blob.ID) (bytes int64, held bool)
	Slice(ctx context.Context, s Span) (Slice, error)
	Open(ctx context.Context, o Offer) (Progress, error)
	Keep(ctx context.Context, p Piece) (Progress, error)
}

// A Want is a blob that this node wants. While it has no source it is asked for.
type Want struct {
	ID     blob.ID
	Source graph.Peer
	Size   int64
	Step   uint64 // counts what was done for it: a change of Step is the next thing to do
	Open   bool   // the component has said what to ask for
	Offset int64  // of the slice to ask for now
	Length int64
	Ends   graph.Time
	Bad    []graph.Peer // sources that failed: they are asked last
}

// Key is the want's place in its table.
func (w Want) Key() string { return string(w.ID[:]) }

// A Question asks one peer for one blob.
type Question struct {
	ID blob.ID
	Of graph.Peer
}

// Key is the question's place in its table.
func (q Question) Key() string { return string(q.ID[:]) + string(q.Of) }
