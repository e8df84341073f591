package replicate

import (
	"context"
	"slices"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
)

// MaxPage is the greatest page of deltas, in bytes.
const MaxPage = 1 << 20

// MaxBatch is the greatest page that is published, in bytes: it fits a publication with its envelope.
const MaxBatch = 768 << 10

// MaxTips is how many branches a node tells of in one request; a context with more is caught up in parts.
const MaxTips = 4096

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

// Have tells where a node's branches end, for the chains from From on and before To; a zero id is no bound. With more tips
// than fit a node asks for one part of the chains after the other. With a base the tips are only those that have come since the
// two agreed on tips of that digest.
type Have struct {
	Base dag.ID    `cbor:"base"`
	From dag.ID    `cbor:"from"`
	To   dag.ID    `cbor:"to"`
	Tips []dag.Tip `cbor:"tips"`

	Asked bool `cbor:"asked"` // the receiver's round brought this one about
}

// With adds the tips of the node that serves, of the chains that are not asked for: of them nothing lacks.
func (h Have) With(own []dag.Tip) []dag.Tip {
	if h.From.IsZero() && h.To.IsZero() {
		return h.Tips
	}
	have := slices.Clone(h.Tips)
	for _, t := range own {
		if t.Chain.Compare(h.From) < 0 || !h.To.IsZero() && t.Chain.Compare(h.To) >= 0 {
			have = append(have, t)
		}
	}
	return have
}

// Pages is a part of what a node lacks, oldest first.
type Pages struct {
	Page []byte `cbor:"page"`
	More bool   `cbor:"more"`

	Forgot bool `cbor:"forgot,omitempty"` // the server does not know the base: tell all tips
}

// Brought is what a turn brought.
type Brought struct {
	Admitted int
	More     bool   // the other has more for this part of the chains
	To       dag.ID // the part ends here; zero for the end of all
	Forgot   bool
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
// synced alone; Lacks tells whether one of some deltas is not held; Have is in the order of dag.Tip. Ingest verifies, admits and syncs before it returns; Serve reads, and gives what
// lacks to a node that has Have.With of the tips held here. Recent gives the tips that were admitted last, at most dag.MaxBack; Back
// reads what a gap asks for.
type Log interface {
	Digest() dag.ID
	Tips() []dag.Tip
	Have() []dag.Tip
	Lacks(tips []dag.Tip) bool
	Recent() []dag.ID
	Ingest(ctx context.Context, b Batch) (Intake, error)
	Serve(ctx context.Context, h Have) (Pages, error)
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
	Cause Cause  // of this turn
	Again Cause  // of one more turn after this: something new came up meanwhile
	From  dag.ID // the part of the chains that is being asked for begins here
	News  bool   // something was admitted since the first part
	Idle  int    // turns in a row in which the peer had more and brought nothing

	Brought bool // something was admitted in this round
	Whole   bool // the peer has forgotten what the two agreed on
}

// Key is the round's place in its table.
func (r Round) Key() graph.Peer { return r.Peer }
