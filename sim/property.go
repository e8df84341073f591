package sim

import (
	"fmt"

	"github.com/merograph/merograph/graph"
)

// checks is what is known of the properties of a run.
type checks struct {
	failed   []failure // by property
	first    int       // the property that failed first, -1 while all hold
	reached  map[string]bool
	everyOne []int // Safety properties that are checked as a whole after each change
	perNode  []int // Safety properties with CheckNode
}

// A failure says why a property does not hold, and where that was found.
type failure struct {
	why    string // "" while it holds
	at     graph.Time
	events uint64
	node   graph.Peer // "" for the whole
}

func newChecks(ps []Property, only string) (checks, error) {
	c := checks{failed: make([]failure, len(ps)), first: -1, reached: map[string]bool{}}
	seen := map[string]bool{}
	for i := range ps {
		p := &ps[i]
		if seen[p.Name] || p.Name == "" {
			return c, fmt.Errorf("property %q: give each property a name of its own", p.Name)
		}
		seen[p.Name] = true
		switch {
		case p.Kind != Safety && p.Kind != Liveness && p.Kind != Sometimes:
			return c, fmt.Errorf("property %q is of kind %q: choose safety, liveness or sometimes", p.Name, p.Kind)
		case p.CheckNode != nil && p.Kind != Safety:
			return c, fmt.Errorf("property %q: CheckNode is for safety alone", p.Name)
		case p.Check == nil && p.CheckNode == nil && p.Kind != Sometimes:
			return c, fmt.Errorf("property %q has no Check", p.Name)
		case only != "" && p.Name != only:
		case p.CheckNode != nil:
			c.perNode = append(c.perNode, i)
		case p.Kind == Safety:
			c.everyOne = append(c.everyOne, i)
		}
	}
	return c, nil
}

// counts says whether a property is judged in this run, and not decided yet.
func (w *World) counts(i int) bool {
	only := w.options.only
	return w.checks.failed[i].why == "" && (only == "" || only == w.scenario.Properties[i].Name)
}

// judge keeps the first error of a property; at and n say where it was found.
func (w *World) judge(i int, err error, at string, n *Node) {
	if err == nil || w.checks.failed[i].why != "" {
		return
	}
	f := failure{at: w.now, events: w.events}
	if n != nil {
		f.node = n.id
		at += string(n.id)
	}
	f.why = fmt.Sprintf("%v (at %d.%09d s%s, seed %d)", err, w.now/1e9, w.now%1e9, at, w.options.Seed)
	w.checks.failed[i] = f
	if w.checks.first < 0 {
		w.checks.first = i
	}
	if w.tracing() {
		w.tells(Step{Node: f.node, What: "property failed"}, "property %s failed: %s", w.scenario.Properties[i].Name, f.why)
	}
}

// over reports whether the run ends here because a property has failed.
func (w *World) over() bool { return w.options.StopAtFailure && w.checks.first >= 0 }

// checkChanged is called after an event of n that changed a table.
func (w *World) checkChanged(n *Node) {
	for _, i := range w.checks.perNode {
		if w.counts(i) {
			w.judge(i, w.scenario.Properties[i].CheckNode(w, n), ", on ", n)
		}
	}
	for _, i := range w.checks.everyOne {
		if w.counts(i) {
			w.judge(i, w.scenario.Properties[i].Check(w), ", after an event of ", n)
		}
	}
}

// checkAll is called each virtual second and at the end.
func (w *World) checkAll() {
	for i := range w.scenario.Properties {
		p := &w.scenario.Properties[i]
		switch {
		case p.Check == nil:
		case p.Kind == Safety && w.counts(i):
			w.judge(i, p.Check(w), "", nil)
		case p.Kind == Sometimes && !w.checks.reached[p.Name] && p.Check(w) == nil:
			w.checks.reached[p.Name] = true
		}
	}
}

// conclude judges liveness, when the run has come to its end.
func (w *World) conclude() {
	for i := range w.scenario.Properties {
		if p := &w.scenario.Properties[i]; p.Kind == Liveness && w.counts(i) && !w.over() {
			w.judge(i, p.Check(w), ", at the end", nil)
		}
	}
}

// results tells of every property.
func (w *World) results(r *Report) {
	r.OK = true
	for i := range w.scenario.Properties {
		p := &w.scenario.Properties[i]
		out := PropertyResult{Name: p.Name, Kind: p.Kind, Detail: w.checks.failed[i].why}
		out.Held = out.Detail == ""
		switch {
		case p.Kind == Sometimes && !w.checks.reached[p.Name]:
			out.Held, out.Detail = false, fmt.Sprintf("never reached with seed %d", w.options.Seed)
		case p.Kind == Liveness && out.Held && w.over():
			out.Held, out.Detail = false, notJudged
		}
		r.OK = r.OK && (out.Held || p.Kind == Sometimes)
		r.Properties = append(r.Properties, out)
	}
}

const notJudged = "not judged: the run ended before"
