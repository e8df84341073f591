package replicate

import (
	"context"
	"time"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
)

// An Outbox is what was written on this node, as the protocol needs it. Mine and Theirs read memory, and tell of what is
// synced alone.
type Outbox interface {
	Mine() []dag.Tip               // the tips of the chains that are written here
	Theirs(p graph.Peer) []dag.Tip // of the chains that p writes
	Batch(ctx context.Context, q Queued) (Batch, error)
}

// Queued asks for the oldest of what is written here and not acknowledged.
type Queued struct {
	Acknowledged []dag.Tip // of this node's chains
	Most         int       // deltas; one run may be longer
}

// An Ack tells which tips of the receiver's chains the sender has synced. Refused says why it takes no more.
type Ack struct {
	Tips    []dag.Tip `cbor:"tips"`
	Refused string    `cbor:"refused,omitempty"`
}

// Pace is how the outbox delivers. What is zero is the default.
type Pace struct {
	Batch   int           // deltas in one delivery
	Retries int           // deliveries that nobody answers, before the peer is left to catch-up
	Timeout time.Duration // for an acknowledgement
}

// The defaults of Pace.
const (
	DefaultBatch   = 64
	DefaultRetries = 5
	DefaultTimeout = 10 * time.Second
)

// Whole puts the defaults in, and brings what is out of bounds within them: a batch of 1 to 16,384, up to 100 retries, a
// timeout of 100 ms to an hour.
func (p Pace) Whole() Pace {
	if p.Batch == 0 {
		p.Batch = DefaultBatch
	}
	if p.Retries == 0 {
		p.Retries = DefaultRetries
	}
	if p.Timeout == 0 {
		p.Timeout = DefaultTimeout
	}
	return Pace{min(max(p.Batch, 1), dag.MaxPageDeltas), min(max(p.Retries, 0), 100), min(max(p.Timeout, 100*time.Millisecond), time.Hour)}
}

// A Delivery is what a peer has acknowledged, and what is being done about the rest.
type Delivery struct {
	Peer         graph.Peer
	Acknowledged []dag.Tip  // of this node's chains
	Seen         []dag.Tip  // this node's tips when it last looked with nothing overdue
	Since        graph.Time // of that look
	Next         graph.Time // no delivery before it
	Turn         uint64     // counts deliveries
	Open         int        // deltas in the delivery that goes on
	Tries        int        // deliveries in a row that brought no acknowledgement
	Retries      int        // all deliveries: each is of what was published before
	Refused      string     // why the peer takes no more
	Away         bool       // it was not connected at the last look
	Back         bool       // it was away since it acknowledged: it may have lost some, and what it says next is so
}

// Key is the delivery's place in its table.
func (d Delivery) Key() graph.Peer { return d.Peer }

// A Step asks for one look at the outbox now, whatever was tried before. Prune forgets the peers that are not connected, and
// why others refused.
type Step struct {
	Prune bool
}

// Stepped is what a step began: to how many peers it delivers again, the greatest batch, the deltas sent to all, and the
// peers that were forgotten.
type Stepped struct {
	Retried int
	Batch   int
	Sent    int
	Pruned  int
}

const (
	// maxDeliveries is of how many peers a node knows what they have acknowledged.
	maxDeliveries = 256
	// maxAckTips bounds an acknowledgement.
	maxAckTips = 256
	// acksEvery is how long acknowledgements are collected.
	acksEvery = time.Second
)
