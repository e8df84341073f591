package blobs

import (
	"context"
	"fmt"
	"sync"

	"github.com/merograph/merograph/blob"
	"github.com/merograph/merograph/opsets/blobexchange"
)

// Blobs is a blob.Store with what is on its way in. Safe for concurrent use.
type Blobs struct {
	store *blob.Store

	mu      sync.Mutex
	coming  map[blobexchange.Offer]*blob.Receiver // by the size that its source stated, too: a liar spoils nothing
	waiting map[blob.ID][]chan struct{}
}

var _ blobexchange.Blobs = (*Blobs)(nil)

// New wraps a store.
func New(s *blob.Store) *Blobs {
	return &Blobs{store: s, coming: map[blobexchange.Offer]*blob.Receiver{}, waiting: map[blob.ID][]chan struct{}{}}
}

// Store is the store itself.
func (b *Blobs) Store() *blob.Store { return b.store }

// Size implements blobexchange.Blobs.
func (b *Blobs) Size(id blob.ID) (int64, bool) { return b.store.Has(id) }

// Slice implements blobexchange.Blobs.
func (b *Blobs) Slice(_ context.Context, s blobexchange.Span) (blobexchange.Slice, error) {
	data, err := b.store.ReadSlice(s.ID, s.Offset, s.Length)
	return blobexchange.Slice{Data: data}, err
}

// Open implements blobexchange.Blobs.
func (b *Blobs) Open(_ context.Context, o blobexchange.Offer) (blobexchange.Progress, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.coming[o]
	if r == nil {
		var err error
		if r, err = b.store.Receive(o.ID, o.Size); err != nil {
			return blobexchange.Progress{}, err
		}
		b.coming[o] = r
	}
	return b.progress(o, r), nil
}

// Keep implements blobexchange.Blobs.
func (b *Blobs) Keep(_ context.Context, p blobexchange.Piece) (blobexchange.Progress, error) {
	b.mu.Lock()
	r := b.coming[p.Offer]
	b.mu.Unlock()
	if r == nil {
		return blobexchange.Progress{}, fmt.Errorf("blob %s is not on its way in with %d bytes", p.ID, p.Size)
	}
	if err := r.Write(p.Offset, p.Data); err != nil {
		return blobexchange.Progress{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.progress(p.Offer, r), nil
}

// progress asks what is missing, and tells who waits when nothing is. The caller holds the lock.
func (b *Blobs) progress(o blobexchange.Offer, r *blob.Receiver) blobexchange.Progress {
	off, n, done := r.Next()
	if done {
		b.drop(o.ID)
		for _, w := range b.waiting[o.ID] {
			close(w)
		}
		delete(b.waiting, o.ID)
	}
	return blobexchange.Progress{Done: done, Offset: off, Length: n}
}

// drop ends what is on its way in of a blob. The caller holds the lock.
func (b *Blobs) drop(id blob.ID) {
	for o, r := range b.coming { //lint:unordered each is closed by itself
		if o.ID == id {
			r.Close()
			delete(b.coming, o)
		}
	}
}

// Abandon gives up what has come so far of a blob that nobody waits for.
func (b *Blobs) Abandon(id blob.ID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting[id]) == 0 {
		b.drop(id)
	}
}
