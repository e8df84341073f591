package replicate

import (
	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
)

// An Intake says what became of a page.
type Intake struct {
	Admitted int
	Missing  []dag.ID // deltas that it stands on and that this node does not hold, at most dag.MaxBack
	Held     bool     // all of it is held now, and synced
	False    bool     // some of it is false for everyone: its bytes, a signature, the context
	Refused  string   // why some of it is refused for good; "" when none of it is
}

// IntakeOf tells what became of a page that a journal has ingested.
func IntakeOf(in dag.Ingested) Intake {
	out := Intake{Admitted: in.Admitted, Missing: in.Missing, Held: in.Waiting == 0}
	for _, r := range in.Refused {
		out.Held = false
		out.False = out.False || r.Reason.Fault()
		if out.Refused == "" && r.Reason != dag.WaitingFull { // what is forgotten for want of room is no refusal for good
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

// PassedLate is the verdict on what was heard once the gap before it was asked back for: it was news.
var PassedLate = graph.Op1(Ops, "passed_late", 1, func(_ *graph.Tick, in Intake) (graph.Verdict, error) {
	switch {
	case in.False:
		return graph.Reject, nil
	case in.Held:
		return graph.Accept, nil
	}
	return graph.Ignore, nil
})
