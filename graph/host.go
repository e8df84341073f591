package graph

import (
	"context"
	"time"
)

// A Host is what an instance asks of the world. The instance calls it from the goroutine that runs Next; Now and Wake are
// also called from those that call Deliver, Submit and the Set of a feed. None of the methods may run the instance (Next,
// Stop) before it returns; Send may Deliver.
type Host interface {
	// Self is the node's own identity.
	Self() Peer
	// Now is the steady clock. It never goes back.
	Now() Time
	// Wall is the calendar, for stamps alone. It may jump.
	Wall() time.Time
	// Uint64 is randomness.
	Uint64() uint64
	// Send takes over a message that a tick has committed. It must not block; what cannot be sent is told with Deliver:
	// an Error message with the call's id and Unreachable or Lost. A Verdict message is for the host itself.
	Send(m Message)
	// Work starts t elsewhere. The host calls t.Run once, and after it t.Done once, both after Work has returned.
	Work(t *Task)
	// Wake says that the inbox holds something: Next has work.
	Wake()
}

// A Kind says what a Message is.
type Kind uint8

// The kinds of message between instances. The values are on the wire.
const (
	RequestMsg Kind = iota + 1
	ReplyMsg
	ErrorMsg  // in the place of a reply: Reason and Detail
	OneWayMsg // a MessageOf
	TopicMsg  // a publication
	CancelMsg // a hint: nobody waits for the reply to Call any more

	// VerdictMsg is never on the wire: the instance tells its host what becomes of the publication that the host has delivered
	// with a Call of its own.
	VerdictMsg
)

// A Message is what crosses between two instances, as host and instance hand it to each other.
type Message struct {
	Kind      Kind
	Channel   string
	Peer      Peer          // sent: whom to; received: the authenticated sender, or for a topic the signed author
	Relay     Peer          // received from a topic: the neighbour that handed it over
	Key       string        // the instance key, when it is shared
	Call      uint64        // the caller's id of the call; of a publication: the host's own, when it waits for the verdict, else 0
	Once      uint64        // RequestMsg with Retry: the same for all attempts; 0 without
	Relayed   bool          // sent: in work for another peer, after which the node's own goes; never on the wire
	Remaining time.Duration // what is left of the deadline when the message leaves or arrives; 0 for none
	Reason    Reason        // ErrorMsg
	Detail    string        // ErrorMsg
	Retry     time.Duration // ErrorMsg with Busy
	Verdict   Verdict       // VerdictMsg
	Payload   []byte        // owned by whoever holds the message
}

// A Task is durable or slow work that a tick asked for.
type Task struct {
	Name     string // component.name
	Deadline Time   // 0 for none
	run      func(context.Context)
	done     func()
}

// Run does the work. Any goroutine; ctx ends at the deadline.
func (t *Task) Run(ctx context.Context) { t.run(ctx) }

// Done hands the result to the instance. Any goroutine, after Run.
func (t *Task) Done() { t.done() }
