package blobexchange

import (
	"github.com/merograph/merograph/blob"
	"github.com/merograph/merograph/graph"
)

// recorded has a recording keep what steps read of the blobs.
func recorded(r *graph.Reads, b Blobs) Blobs { return &reads{b, graph.Read[Held](r, "Size")} }

type reads struct {
	Blobs
	size graph.Reading[Held]
}

// Size implements Blobs.
func (b *reads) Size(id blob.ID) (int64, bool) {
	h := b.size.Do(func() Held {
		n, ok := b.Blobs.Size(id)
		return Held{ok, n}
	})
	return h.Size, h.Held
}
