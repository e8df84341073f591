package blobs

import (
	"context"

	"github.com/merograph/merograph/blob"
)

// Wait returns when the blob is held, or with the context's error.
func (b *Blobs) Wait(ctx context.Context, id blob.ID) error {
	b.mu.Lock()
	if _, ok := b.store.Has(id); ok {
		b.mu.Unlock()
		return nil
	}
	c := make(chan struct{})
	b.waiting[id] = append(b.waiting[id], c)
	b.mu.Unlock()
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		b.mu.Lock()
		defer b.mu.Unlock()
		for i, w := range b.waiting[id] {
			if w == c {
				b.waiting[id] = append(b.waiting[id][:i:i], b.waiting[id][i+1:]...)
				break
			}
		}
		if len(b.waiting[id]) == 0 {
			delete(b.waiting, id)
		}
		return ctx.Err()
	}
}
