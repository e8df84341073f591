package sim

import (
	"fmt"
	"strings"
)

// A Report is what a run found. As JSON it is what testnet sim prints.
type Report struct {
	OK             bool             `json:"ok"` // every Safety and Liveness property held
	Graph          string           `json:"graph"`
	Nodes          int              `json:"nodes"`
	Seed           uint64           `json:"seed"`
	VirtualSeconds float64          `json:"virtualSeconds"`
	WallSeconds    float64          `json:"wallSeconds"` // filled by the caller: a simulation has no clock
	Events         uint64           `json:"events"`      // taken by instances
	Messages       uint64           `json:"messages"`    // sent, each hop of a topic counted
	Bytes          uint64           `json:"bytes"`       // their payloads
	Properties     []PropertyResult `json:"properties"`
	Faults         map[string]int   `json:"faults"` // what happened, by name
	TraceHash      string           `json:"traceHash"`
	// Hashes is the trace hash after each 1,000 events: the first difference of two runs lies before the first difference here.
	Hashes []uint64 `json:"-"`
	Story  *Story   `json:"story,omitempty"` // of a failure, filled by a caller who has asked Explain for it
}

// Err is the first property that failed, with why; nil when all held. One that was not reached has not failed.
func (r *Report) Err() error {
	for _, p := range r.Properties {
		if p.broken() {
			return fmt.Errorf("%s: %s", p.Name, p.Detail)
		}
	}
	return nil
}

// String tells the run in a few lines, each of which ends: how large it was, what went wrong, and what became of each property.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d nodes, seed %d, %.0f virtual seconds, %d events, trace %s\n", r.Nodes, r.Seed, r.VirtualSeconds, r.Events, r.TraceHash)
	fmt.Fprintf(&b, "faults: %v\n", r.Faults)
	for _, p := range r.Properties {
		fmt.Fprintln(&b, p)
	}
	return b.String()
}

// A PropertyResult says whether a property held.
type PropertyResult struct {
	Name   string `json:"name"`
	Kind   Kind   `json:"kind"`
	Held   bool   `json:"held"`
	Detail string `json:"detail,omitempty"` // when it did not: what, when, and the seed
}

// broken says that the property failed; one that was not reached, or not judged, did not.
func (p PropertyResult) broken() bool { return !p.Held && p.Kind != Sometimes && p.Detail != notJudged }

// String tells it in a line.
func (p PropertyResult) String() string {
	switch {
	case p.Held:
		return "held: " + p.Name
	case p.broken():
		return "FAILED: " + p.Name + ": " + p.Detail
	case p.Kind == Sometimes:
		return "not reached: " + p.Name
	}
	return p.Name + ": " + p.Detail
}

// Unreached names the Sometimes properties that none of the runs reached, in the order of the first report.
func Unreached(reports ...*Report) []string {
	var names []string
	if len(reports) == 0 {
		return nil
	}
	for i, p := range reports[0].Properties {
		reached := p.Kind != Sometimes
		for _, r := range reports {
			reached = reached || i < len(r.Properties) && r.Properties[i].Held
		}
		if !reached {
			names = append(names, p.Name)
		}
	}
	return names
}
