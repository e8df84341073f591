package sim

import (
	"fmt"

	"github.com/fxamacker/cbor/v2"
	"github.com/merograph/merograph/graph"
)

// A Step is something that happened in a run, as a trace tells it.
type Step struct {
	Seconds float64    `json:"seconds"`
	Node    graph.Peer `json:"node,omitempty"` // who did it, or to whom it happened; "" for the network
	What    string     `json:"what"`           // sends, takes, refuses, crashes, starts, …
	Peer    graph.Peer `json:"peer,omitempty"` // with whom
	Channel string     `json:"channel,omitempty"`
	Kind    string     `json:"kind,omitempty"`  // of a message
	Value   string     `json:"value,omitempty"` // what was sent, in the diagnostic notation of CBOR (RFC 8949 §8), or in hex
	Text    string     `json:"text"`            // the whole as a line

	idle bool // a tick that changed nothing and did not fail
}

// tracing reports whether steps are wanted now.
func (w *World) tracing() bool {
	o := &w.options
	return o.watch != nil || o.Trace != nil && w.events >= o.TraceFrom && (o.TraceTo == 0 || w.events < o.TraceTo)
}

// line tells a step of the network, when that is wanted.
func (w *World) line(format string, args ...any) {
	if w.tracing() {
		w.tells(Step{What: "network"}, format, args...)
	}
}

// on tells a step of a node, when that is wanted.
func (w *World) on(n *Node, what, format string, args ...any) {
	if w.tracing() {
		w.tells(Step{Node: n.id, What: what}, format, args...)
	}
}

// tells tells a step; the caller has asked whether it is wanted.
func (w *World) tells(s Step, format string, args ...any) {
	if w.options.watch != nil {
		s.Seconds = w.seconds()
		s.Text = fmt.Sprintf(format, args...)
		w.options.watch(s)
	}
	w.write(format, args...)
}

func (w *World) seconds() float64 { return float64(w.now) / 1e9 }

// write writes one line whatever part of the trace is wanted. A writer that fails gets no more.
func (w *World) write(format string, args ...any) {
	if w.options.Trace == nil {
		return
	}
	_, err := fmt.Fprintf(w.options.Trace, "%d.%09d "+format+"\n", append([]any{w.now / 1e9, w.now % 1e9}, args...)...)
	if err != nil {
		w.options.Trace = nil
		w.err = fmt.Errorf("write the trace: %w", err)
	}
}

// readable shows the bytes of a message to people.
func readable(payload []byte) string {
	text, err := cbor.Diagnose(payload)
	if err != nil {
		text = fmt.Sprintf("h'%x'", payload)
	}
	if len(text) > readableMost {
		text = text[:readableMost] + fmt.Sprintf("… (%d bytes)", len(payload))
	}
	return text
}

const readableMost = 600
