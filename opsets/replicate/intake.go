package replicate

import (
	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
)

// An Intake says what became of a page.
type Intake struct {
	Admitted int
	Missing  bool   // it names deltas that this node does not hold
	Held     bool   // all of it is held now, and synced
	False    bool   // some of it is false for everyone: its bytes, a signature, the context
	Refused  string // why some of it is refused for good; "" when none of it is
}

// IntakeOf tells what became of a page that a journal has ingested.
func IntakeOf(in dag.Ingested) Intake {
	out := Intake{Admitted: in.Admitted, Missing: len(in.Missing) > 0, Held: in.Waiting == 0}
	for _, r := range in.Refused {
		out.Held = false
		out.False = out.False || r.Reason.Fault()
		if r.Reason == dag.WaitingFull { // forgotten for want of room, or of a known author: who sent it has the past of it
			out.Missing = true
		} else if out.Refused == "" {
			out.Refused = string(r.Reason)
		}
	}
	return out
}

// Passed is the verdict on what was heard: passed on is what is news and held, rejected what is false for everyone.
var Passed = graph.Op1(Ops, "passed", 1, func(_ *graph.Tick, in Intake) (graph.Verdict, error) {
	switch {
	case in.False:
		return graph.Reject, nil
	case in.Held && in.Admitted > 0:
		return graph.Accept, nil
	}
	return graph.Ignore, nil
})
