package bench

import (
	"context"
	"fmt"

	"github.com/fxamacker/cbor/v2"
	"github.com/ipfs/boxo/blockservice"
	"github.com/ipfs/boxo/blockstore"
	"github.com/ipfs/boxo/exchange/offline"
	"github.com/ipfs/boxo/ipld/merkledag"
	"github.com/ipfs/go-datastore"
	dssync "github.com/ipfs/go-datastore/sync"
	crdt "github.com/ipfs/go-ds-crdt"
	"github.com/merograph/merograph/dag"
	"lukechampine.com/blake3"
)

// decoded admits a history in its order.
func (h *history) decoded() (*dag.Graph, error) {
	g := dag.NewGraph(h.ctx)
	for _, e := range h.entries {
		if got, why := g.Add(e.ID, e.Delta); got != dag.Admitted {
			return nil, fmt.Errorf("%v was not admitted: %d %s", e.ID, got, why)
		}
	}
	return g, nil
}

// offered admits entries in any order, through the waiting room.
func (h *history) offered(entries []*dag.Entry) (*dag.Graph, error) {
	g := dag.NewGraph(h.ctx)
	admitted := 0
	for _, e := range entries {
		admitted += g.Offer(e)
	}
	if admitted != len(h.entries) || g.Waiting() != 0 {
		return nil, fmt.Errorf("%d of %d admitted, %d wait", admitted, len(h.entries), g.Waiting())
	}
	return g, nil
}

// read decodes, hashes and admits a history from its bytes; with verify it checks the signatures that are there, one in
// 256 of a chain.
func (h *history) read(verify bool) (*dag.Graph, error) {
	g := dag.NewGraph(h.ctx)
	for _, held := range h.entries {
		e, err := dag.NewEntry(held.Raw, held.Sig)
		if err != nil {
			return nil, err
		}
		if verify && e.Sig != nil && !dag.Verify(e.Delta.Author, e.ID, e.Sig) {
			return nil, fmt.Errorf("the signature on %v is not good", e.ID)
		}
		if got, why := g.Add(e.ID, e.Delta); got != dag.Admitted {
			return nil, fmt.Errorf("%v was not admitted: %d %s", e.ID, got, why)
		}
	}
	return g, nil
}

// wire is a delta as a CBOR library sees it, nothing checked.
type wire struct {
	_          struct{} `cbor:",toarray"`
	Version    uint64
	Context    []byte
	Author     []byte
	Chain      []byte
	Seq        uint64
	Nonce      []byte
	Prev       []byte
	Parents    [][]byte
	Ms, N      uint64
	Wall       int64
	Credential []byte
	Epoch      uint64
	Kind       uint64
	Payload    []byte
}

// bare hashes the bytes of a history and decodes them with fxamacker/cbor, and does nothing else.
func (h *history) bare() (sum [32]byte, err error) {
	for _, e := range h.entries {
		var w wire
		if err := cbor.Unmarshal(e.Raw, &w); err != nil {
			return sum, err
		}
		id := blake3.Sum256(e.Raw)
		for i := range sum {
			sum[i] ^= id[i]
		}
	}
	return sum, nil
}

// air is a broadcaster between two stores: it keeps what was said last, and gives what it is told to.
type air struct {
	said chan []byte
	last []byte
}

func (a *air) Broadcast(_ context.Context, b []byte) error { a.last = b; return nil }

func (a *air) Next(ctx context.Context) ([]byte, error) {
	select {
	case b := <-a.said:
		return b, nil
	case <-ctx.Done():
		return nil, crdt.ErrNoMoreBroadcast
	}
}

// A replica is a go-ds-crdt over datastores in memory.
type replica struct {
	*crdt.Datastore
	blocks blockstore.Blockstore
	air    *air
	got    chan struct{} // one for each value that was folded
}

// newReplica gives an empty replica; with another one it shares the blocks, as if they had all arrived.
func newReplica(other *replica) (*replica, error) {
	r := &replica{air: &air{said: make(chan []byte, 1)}, got: make(chan struct{}, 1<<20)}
	if other != nil {
		r.blocks = other.blocks
	} else {
		r.blocks = blockstore.NewBlockstore(dssync.MutexWrap(datastore.NewMapDatastore()))
	}
	service := merkledag.NewDAGService(blockservice.New(r.blocks, offline.Exchange(r.blocks)))
	o := crdt.DefaultOptions()
	o.PutHook = func(datastore.Key, []byte) { r.got <- struct{}{} }
	var err error
	r.Datastore, err = crdt.New(dssync.MutexWrap(datastore.NewMapDatastore()), datastore.NewKey("bench"), service, r.air, o)
	return r, err
}

// putAll puts the payloads of the first n deltas under keys of their own, each put a delta of its DAG.
func (r *replica) putAll(h *history, n int) error {
	for i, e := range h.entries[:n] {
		if err := r.Put(context.Background(), datastore.NewKey(fmt.Sprint(i)), e.Delta.Payload); err != nil {
			return err
		}
	}
	return nil
}

// follow has a replica ingest the n deltas of the one that it shares its blocks with.
func (r *replica) follow(other *replica, n int) {
	r.air.said <- other.air.last
	for range n {
		<-r.got
	}
}
