package sim

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// Options are what a run may vary without a change of the scenario.
type Options struct {
	Nodes  int           // 0 means 10
	Seed   uint64        // of every choice
	Time   time.Duration // virtual; 0 means one minute
	Faults Faults        // that may happen; none when zero
	// Swarm leaves out half of the kinds of Faults, drawn by the seed, and makes every other seed one with Plan.Buggify.
	Swarm bool
	// Plan says what may go wrong, in the place of Faults, Swarm and what the seed would draw.
	Plan *Plan
	// StopAtFailure ends the run when a property has failed.
	StopAtFailure bool
	// Overrides replaces choices: what stands here is drawn instead of what the seed gives.
	Overrides map[Choice]uint64
	// OnlyOverrides lets no fault happen but those of Overrides: a choice that decides a fault and is not there is 0.
	OnlyOverrides bool
	// CheckImmutable has the instances panic when a step changes what it was given; slower.
	CheckImmutable bool
	// Trace is written one line an event, for people; nil for none.
	Trace io.Writer
	// TraceFrom and TraceTo bound the trace to what happens when at least so many, and less than so many, events have been
	// taken; a TraceTo of 0 is the end. The hashes after each 1,000 events are written all the same.
	TraceFrom, TraceTo uint64

	record bool       // keep what went wrong
	only   string     // the property that counts; "" for all
	watch  func(Step) // is told each step
}

func (o Options) settled(s *Scenario) (Options, error) {
	offers := s.Offers()
	if o.Faults == All {
		o.Faults = offers
	}
	if o.Nodes == 0 {
		o.Nodes = 10
	}
	if o.Time == 0 {
		o.Time = time.Minute
	}
	missing := o.Faults &^ offers
	if o.Plan != nil {
		missing = o.Plan.Kinds() &^ offers
	}
	switch {
	case missing != 0:
		return o, fmt.Errorf("the scenario has no fault %v: choose of %v", missing, offers)
	case o.Nodes < 0 || o.Nodes > maxNodes:
		return o, fmt.Errorf("%d nodes: give 1 to %d", o.Nodes, maxNodes)
	case o.Time < 0 || o.Time > maxTime:
		return o, fmt.Errorf("a run of %v: give a time up to %v", o.Time, maxTime)
	}
	return o, nil
}

const (
	maxNodes = 1 << 20
	maxTime  = 10 * 365 * 24 * time.Hour
)

var errNoGraph = errors.New("the scenario has no Graph: give the function that records the protocol")

// healing gives the moment at which every fault has ended.
func healing(s Scenario, o Options) (time.Duration, error) {
	heal := o.Time / 4 * 3
	for i := range s.Properties {
		p := &s.Properties[i]
		if p.Kind == Liveness && p.Within > 0 {
			heal = min(heal, o.Time-p.Within)
		}
		if heal < 0 {
			return 0, fmt.Errorf("property %q needs %v after the last fault: run for longer than that, not for %v", p.Name, p.Within, o.Time)
		}
	}
	return heal, nil
}
