package store

import "context"

// Next gives the changes since the last call, at least one, in the order of the log; it waits for the first. The error is
// the context's, ErrBehind, or ErrClosed; after one of the last two there is nothing more.
func (w *Watcher) Next(ctx context.Context) ([]Event, error) {
	for {
		events, ready, err := w.take()
		if ready == nil {
			return events, err
		}
		select {
		case <-ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
