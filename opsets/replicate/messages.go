package replicate

import (
	"context"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
)

// MaxPage is the greatest page of deltas, in bytes.
const MaxPage = 1 << 20

// MaxBatch is the greatest page that is published, in bytes: it fits a publication with its envelope.
const MaxBatch = 768 << 10

// MaxTips is how many branches a node remembers to have in common with a peer, and how many new ones it tells without looking
// for those that differ.
const MaxTips = 4096

// MaxPlaces is how many chains and deltas a request names.
const MaxPlaces = 12288

// A Batch is a page of deltas: the runs of an author's chain, each under its last signature.
type Batch struct {
	Page []byte `cbor:"page"`
}

// A Digest is the hash of a node's tips.
type Digest struct {
	Digest dag.ID `cbor:"digest"`
}

// A Verdict answers a digest.
type Verdict struct {
	Equal bool `cbor:"equal"`
}

// Have tells what a node holds, by ids: where its branches end, and some deltas on the way there. With chains it tells of them
// alone, and of other chains nothing lacks. With a base it tells what has come since the two agreed on tips of that digest.
type Have struct {
	Base   dag.ID   `cbor:"base"`
	Chains []dag.ID `cbor:"chains"`
	Held   []dag.ID `cbor:"held"`

	Asked bool `cbor:"asked"` // the receiver's round brought this one about
}

// With gives what is held, as tips of which the ids count, with the tips of the node that serves of the chains that are not
// asked for.
func (h Have) With(own []dag.Tip) []dag.Tip {
	have := make([]dag.Tip, 0, len(h.Held))
	for _, id := range h.Held {
		have = append(have, dag.Tip{ID: id})
	}
	if len(h.Chains) == 0 {
		return have
	}
	asked := make(map[dag.ID]bool, len(h.Chains))
	for _, c := range h.Chains {
		asked[c] = true
	}
	for _, t := range own {
		if !asked[t.Chain] {
			have = append(have, t)
		}
	}
	return have
}

// Pages is a part of what a node lacks, oldest first: a page, and the names of the lots that follow.
type Pages struct {
	Page []byte `cbor:"page"`
	Lots []Lot  `cbor:"lots"`
	More bool   `cbor:"more"`

	Forgot bool `cbor:"forgot,omitempty"` // the server does not know the base: tell all tips
}

// Brought is what a turn brought.
type Brought struct {
	Admitted int
	More     bool // the other has more, or not all that differs was asked for
	Forgot   bool
	Lots     []Lot
}

// An Agreement is what this node and a peer both held when they last compared and found no difference.
type Agreement struct {
	Peer   graph.Peer
	Digest dag.ID
	Tips   []dag.Tip
}

// Key is the agreement's place in its table.
func (a Agreement) Key() graph.Peer { return a.Peer }

// A Log is the history of one context, as the protocol needs it. Digest, Tips, Have and Lacks read memory, and tell of what is
// synced alone; Lacks tells whether one of some deltas is not held; Tips and Have are in the order of dag.Tip. Ingest verifies, admits and syncs before it returns; Serve and Part
// read, as ServeFrom and PartFrom do. Recent gives the tips that were admitted last, at most dag.MaxBack; Back reads what a gap asks for.
type Log interface {
	Digest() dag.ID
	Tips() []dag.Tip
	Have() []dag.Tip
	Lacks(ids []dag.ID) bool
	Recent() []dag.ID
	Ingest(ctx context.Context, b Batch) (Intake, error)
	Serve(ctx context.Context, h Have) (Pages, error)
	Part(ctx context.Context, l Lot) (Part, error)
	Back(ctx context.Context, g Gap) (Batch, error)
}

// A Cause says why there is a turn.
type Cause uint8

// The causes, the greater going before the lesser.
const (
	NoCause Cause = iota
	Asked         // the peer's own round brought it about, so the peer is not asked to make one
	Own
)

// A Round is a catch-up with one peer. Each Turn is one comparison.
type Round struct {
	Peer  graph.Peer
	Turn  uint64
	Fetch uint64 // counts fetches
	Cause Cause  // of this turn
	Again Cause  // of one more turn after this: something new came up meanwhile
	Idle  int    // turns in a row in which the peer had more and brought nothing

	Brought bool // something was admitted in this round
	Gained  bool // something was admitted in this turn
	News    int  // how much that was
	Whole   bool // the peer has forgotten what the two agreed on
	Known   bool // the two agreed on something that both remember, as far as is known here
	Sifting Sifting

	Holds bool         // it finds or fetches what lacks
	Waits bool         // until another has done so
	Since graph.Time   // it holds, or last brought something
	Unfit []graph.Peer // who did not serve a portion of this turn
}

// Key is the round's place in its table.
func (r Round) Key() graph.Peer { return r.Peer }
