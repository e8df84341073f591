package replicate

import (
	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
)

// recorded has a recording keep what steps read of the log.
func recorded(r *graph.Reads, l Log) Log {
	return &reads{l, graph.Read[dag.ID](r, "Digest"), graph.Read[[]dag.Tip](r, "Tips"), graph.Read[[]dag.Tip](r, "Have"), graph.Read[bool](r, "Lacks"), graph.Read[[]dag.ID](r, "Recent")}
}

type reads struct {
	Log
	digest graph.Reading[dag.ID]
	tips   graph.Reading[[]dag.Tip]
	have   graph.Reading[[]dag.Tip]
	lacks  graph.Reading[bool]
	recent graph.Reading[[]dag.ID]
}

// Recent implements Log.
func (l *reads) Recent() []dag.ID { return l.recent.Do(func() []dag.ID { return l.Log.Recent() }) }

// Lacks implements Log.
func (l *reads) Lacks(ids []dag.ID) bool {
	return l.lacks.Do(func() bool { return l.Log.Lacks(ids) })
}

// Tips implements Log.
func (l *reads) Tips() []dag.Tip { return l.tips.Do(func() []dag.Tip { return l.Log.Tips() }) }

// Digest implements Log.
func (l *reads) Digest() dag.ID { return l.digest.Do(func() dag.ID { return l.Log.Digest() }) }

// Have implements Log.
func (l *reads) Have() []dag.Tip { return l.have.Do(func() []dag.Tip { return l.Log.Have() }) }

// recordedOutbox has a recording keep what steps read of the outbox.
func recordedOutbox(r *graph.Reads, o Outbox) Outbox {
	return &outboxReads{o, graph.Read[[]dag.Tip](r, "Mine"), graph.Read[[]dag.Tip](r, "Theirs")}
}

type outboxReads struct {
	Outbox
	mine, theirs graph.Reading[[]dag.Tip]
}

// Mine implements Outbox.
func (o *outboxReads) Mine() []dag.Tip { return o.mine.Do(func() []dag.Tip { return o.Outbox.Mine() }) }

// Theirs implements Outbox.
func (o *outboxReads) Theirs(p graph.Peer) []dag.Tip {
	return o.theirs.Do(func() []dag.Tip { return o.Outbox.Theirs(p) })
}
