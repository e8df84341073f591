package sim

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// A Shrunk is a failing run with few faults left.
type Shrunk struct {
	Property string
	Options  Options // of the run in which nothing goes wrong but Faults, and the property fails all the same
	Faults   []Fault // what is left, in the order in which it happened
	Before   int     // faults that happened in the run that was given, until the property failed
	Runs     int     // that it took
}

// ErrHolds says that there is nothing to shrink: no property of the run fails.
var ErrHolds = errors.New("every property holds")

// Shrink finds a run like the given one in which the same property fails and as little as possible goes wrong: it writes down the
// faults of the run as overrides, lets no others happen, and deletes from them, in ever smaller parts, what is not needed (delta
// debugging; Zeller and Hildebrandt, TSE 2002). It ends after so many runs, 0 for 400, with the best that it has.
func Shrink(s Scenario, o Options, runs int) (*Shrunk, error) {
	if runs == 0 {
		runs = 400
	}
	o.Trace, o.record, o.StopAtFailure = nil, true, true
	w, err := finished(s, o)
	if err != nil {
		return nil, err
	}
	if w.checks.first < 0 {
		return nil, fmt.Errorf("shrink %s, seed %d: %w", s.Name, o.Seed, ErrHolds)
	}
	z := &shrinker{scenario: s, property: s.Properties[w.checks.first].Name, base: o.Overrides, left: runs}
	plan := w.plan
	o.Plan, o.only, o.OnlyOverrides = &plan, z.property, true
	z.options = o
	if !z.fails(w.wrongs) {
		return nil, fmt.Errorf("shrink %s, seed %d: %q does not fail again with the faults of its run alone: the scenario keeps state between runs, or draws nothing from the seed", s.Name, o.Seed, z.property)
	}
	before := len(w.wrongs)
	z.shrink()
	z.options.Overrides = z.overrides(z.best)
	z.options.record = false
	return &Shrunk{z.property, z.options, z.best, before, runs - z.left}, nil
}

// finished runs a scenario to its end.
func finished(s Scenario, o Options) (*World, error) {
	w, err := newWorld(s, o)
	if err == nil {
		err = w.run()
	}
	if err != nil {
		return nil, fmt.Errorf("simulate %s: %w", s.Name, err)
	}
	return w, nil
}

type shrinker struct {
	scenario Scenario
	options  Options
	property string
	base     map[Choice]uint64 // what the caller has overridden
	best     []Fault           // with these the property fails
	left     int               // runs
}

func (z *shrinker) overrides(faults []Fault) map[Choice]uint64 {
	out := maps.Clone(z.base)
	if out == nil {
		out = map[Choice]uint64{}
	}
	for _, f := range faults {
		out[f.Choice] = f.Value
	}
	return out
}

// fails tries a run with these faults alone. When the property fails, those that happened in it are the best that is known.
func (z *shrinker) fails(faults []Fault) bool {
	z.left--
	o := z.options
	o.Overrides = z.overrides(faults)
	w, err := finished(z.scenario, o)
	if err != nil || w.checks.first < 0 {
		return false
	}
	z.best = w.wrongs
	return true
}

// shrink takes away everything, then all of a site, then ever smaller parts in order of time.
func (z *shrinker) shrink() {
	if len(z.best) == 0 || z.fails(nil) {
		return
	}
	var names []string
	for _, f := range z.best {
		if !slices.Contains(names, f.Choice.Site) {
			names = append(names, f.Choice.Site)
		}
	}
	for _, name := range names {
		z.without(func(_ int, f Fault) bool { return f.Choice.Site == name })
	}
	for size := max(1, len(z.best)/2); z.left > 0; {
		fewer := false
		for from := 0; from < len(z.best) && z.left > 0; {
			if z.without(func(i int, _ Fault) bool { return from <= i && i < from+size }) {
				fewer = true
			} else {
				from += size
			}
		}
		if size == 1 && !fewer {
			return
		}
		if !fewer || size > len(z.best) {
			size = max(1, min(size, len(z.best))/2)
		}
	}
}

// without tries the best without some of its faults.
func (z *shrinker) without(these func(i int, f Fault) bool) bool {
	var rest []Fault
	for i, f := range z.best {
		if !these(i, f) {
			rest = append(rest, f)
		}
	}
	return len(rest) < len(z.best) && z.left > 0 && z.fails(rest)
}
