package replicate

import (
	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
)

// recorded has a recording keep what steps read of the log.
func recorded(r *graph.Reads, l Log) Log {
	return &reads{l, graph.Read[dag.ID](r, "Digest"), graph.Read[[]dag.Tip](r, "Have")}
}

type reads struct {
	Log
	digest graph.Reading[dag.ID]
	have   graph.Reading[[]dag.Tip]
}

// Digest implements Log.
func (l *reads) Digest() dag.ID { return l.digest.Do(func() dag.ID { return l.Log.Digest() }) }

// Have implements Log.
func (l *reads) Have() []dag.Tip { return l.have.Do(func() []dag.Tip { return l.Log.Have() }) }
