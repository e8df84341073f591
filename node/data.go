package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/merograph/merograph/blob"
	"github.com/merograph/merograph/components/store"
	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/opsets/blobexchange"
	"github.com/merograph/merograph/p2p"
)

// Put writes a key of the store. When it returns without an error the write is durable.
func (s *State) Put(key string, value []byte) (store.Written, error) {
	kv, err := s.Store()
	if err != nil {
		return store.Written{}, err
	}
	s.beforeFirst()
	w, err := kv.Put(key, value)
	return w, s.explain(err)
}

// Remove removes a key of the store; the error wraps store.ErrNotFound when it is not there.
func (s *State) Remove(key string) (store.Written, error) {
	kv, err := s.Store()
	if err != nil {
		return store.Written{}, err
	}
	s.beforeFirst()
	w, err := kv.Remove(key)
	return w, s.explain(err)
}

// explain says why this node may not write, and what became of a write whose sync failed.
func (s *State) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, dag.ErrNotMember), errors.Is(err, dag.ErrNoGenesis):
		why := "its grant has not arrived from the coordinator"
		if registered, _ := s.registered(); !registered {
			why = "no coordinator reached"
		}
		return &notMember{s.cfg.Network.Name, why}
	case errors.Is(err, store.ErrLags):
		return err // it says what is safe, and what to do
	case errors.Is(err, dag.ErrUnknownOutcome):
		return fmt.Errorf("%w: the disk did not confirm it, so it may be there or not; what was answered before is safe; mend the disk, start the node again and look", err)
	case errors.Is(err, dag.ErrNotWritten):
		return fmt.Errorf("%w: what was answered before is safe; make room on the disk or mend it, start the node again, and write it again", err)
	case errors.Is(err, dag.ErrStopped):
		return fmt.Errorf("%w: what was answered before is safe and can be read; mend the disk and start the node again", err)
	}
	return err
}

func (s *State) registered() (bool, string) {
	s.mu.Lock()
	lease := s.lease
	s.mu.Unlock()
	if lease == nil {
		return s.cfg.NodeType == Coordinator, ""
	}
	return lease()
}

// AddBlob stores all that r gives.
func (s *State) AddBlob(r io.Reader) (blob.ID, int64, error) {
	b := s.Blobs()
	if b == nil {
		return blob.ID{}, 0, ErrNotStarted
	}
	return b.Store().Add(r)
}

// Blob gives a blob, from this node or from whoever has it, within a time. The caller closes it. The error wraps
// blob.ErrNotFound when nobody gave it in time.
func (s *State) Blob(ctx context.Context, id blob.ID, within time.Duration) (io.ReadSeekCloser, int64, error) {
	b := s.Blobs()
	if b == nil {
		return nil, 0, ErrNotStarted
	}
	if _, held := b.Size(id); held {
		return b.Store().Get(id)
	}
	r := opened(s, &s.exchange)
	if r == nil {
		return nil, 0, fmt.Errorf("%w: %s is not here, and the transport does not run", blob.ErrNotFound, id)
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if _, err := p2p.Ask[blobexchange.Fetch, graph.Done](ctx, r, "fetch", blobexchange.Fetch{ID: id, Within: within}); err != nil {
		return nil, 0, err
	}
	if err := b.Wait(ctx, id); err != nil {
		b.Abandon(id)
		return nil, 0, fmt.Errorf("%w: nobody gave %s within %v; is a node that has it running and registered?", blob.ErrNotFound, id, within)
	}
	return b.Store().Get(id)
}
