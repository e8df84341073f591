package sim

import "fmt"

// checks is what is known of the properties of a run.
type checks struct {
	failed   []string // by property: why not, "" while it holds
	reached  map[string]bool
	everyOne []int // Safety properties that are checked as a whole after each change
	perNode  []int // Safety properties with CheckNode
}

func newChecks(ps []Property) (checks, error) {
	c := checks{failed: make([]string, len(ps)), reached: map[string]bool{}}
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
		case p.CheckNode != nil:
			c.perNode = append(c.perNode, i)
		case p.Kind == Safety:
			c.everyOne = append(c.everyOne, i)
		}
	}
	return c, nil
}

// judge keeps the first error of a property; at and n say where it was found.
func (w *World) judge(i int, err error, at string, n *Node) {
	if err != nil && w.checks.failed[i] == "" {
		if n != nil {
			at += string(n.id)
		}
		w.checks.failed[i] = fmt.Sprintf("%v (at %d.%09d s%s, seed %d)", err, w.now/1e9, w.now%1e9, at, w.options.Seed)
		w.line("property %s failed: %s", w.scenario.Properties[i].Name, w.checks.failed[i])
	}
}

// checkChanged is called after an event of n that changed a table.
func (w *World) checkChanged(n *Node) {
	for _, i := range w.checks.perNode {
		if w.checks.failed[i] == "" {
			w.judge(i, w.scenario.Properties[i].CheckNode(w, n), ", on ", n)
		}
	}
	for _, i := range w.checks.everyOne {
		if w.checks.failed[i] == "" {
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
		case p.Kind == Safety && w.checks.failed[i] == "":
			w.judge(i, p.Check(w), "", nil)
		case p.Kind == Sometimes && !w.checks.reached[p.Name] && p.Check(w) == nil:
			w.checks.reached[p.Name] = true
		}
	}
}

// results judges liveness and tells of every property.
func (w *World) results(r *Report) {
	r.OK = true
	for i := range w.scenario.Properties {
		p := &w.scenario.Properties[i]
		if p.Kind == Liveness {
			w.judge(i, p.Check(w), ", at the end", nil)
		}
		out := PropertyResult{Name: p.Name, Kind: p.Kind, Detail: w.checks.failed[i]}
		out.Held = out.Detail == ""
		if p.Kind == Sometimes && !w.checks.reached[p.Name] {
			out.Held, out.Detail = false, fmt.Sprintf("never reached with seed %d", w.options.Seed)
		}
		r.OK = r.OK && (out.Held || p.Kind == Sometimes)
		r.Properties = append(r.Properties, out)
	}
}
