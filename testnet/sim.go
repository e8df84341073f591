package testnet

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/merograph/merograph/opsets/blobexchange"
	"github.com/merograph/merograph/opsets/globalregistry"
	"github.com/merograph/merograph/opsets/replicate"
	"github.com/merograph/merograph/sim"
)

// Scenarios are the simulations that Sim knows, in the order in which they are told.
func Scenarios() []sim.Scenario {
	return []sim.Scenario{globalregistry.Scenario, replicate.Scenario, blobexchange.Scenario}
}

// SimOptions says what Sim runs.
type SimOptions struct {
	Nodes  int
	Seed   uint64
	Time   time.Duration // virtual
	Faults string        // as sim.ParseFaults reads it
	Trace  io.Writer     // one line an event; nil for none
	// TraceFrom and TraceTo bound the trace, in events that instances have taken; 0 is the end.
	TraceFrom, TraceTo uint64
	Overrides          []string // of choices, as sim.ParseOverride reads them
	OnlyOverrides      bool     // no fault happens but those of Overrides
}

// Sim runs the scenario of a name. The report's wall seconds are measured here.
func Sim(name string, o SimOptions) (*sim.Report, error) {
	faults, err := sim.ParseFaults(o.Faults)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	if o.Nodes < 1 || o.Nodes > 100_000 {
		return nil, fmt.Errorf("%w: %d nodes: a simulation has from 1 to 100000", ErrUsage, o.Nodes)
	}
	if o.Time <= 0 {
		return nil, fmt.Errorf("%w: a time of %v: give a positive one, such as 10m", ErrUsage, o.Time)
	}
	so := sim.Options{Nodes: o.Nodes, Seed: o.Seed, Time: o.Time, Faults: faults, Trace: o.Trace, TraceFrom: o.TraceFrom, TraceTo: o.TraceTo,
		OnlyOverrides: o.OnlyOverrides, Overrides: map[sim.Choice]uint64{}}
	for _, text := range o.Overrides {
		c, v, err := sim.ParseOverride(text)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUsage, err)
		}
		so.Overrides[c] = v
	}
	var names []string
	for _, s := range Scenarios() {
		if s.Name == name {
			defer collectLess()()
			begin := time.Now()
			r, err := sim.Run(s, so)
			if err != nil {
				return nil, err
			}
			r.WallSeconds = time.Since(begin).Seconds()
			return r, nil
		}
		names = append(names, s.Name)
	}
	return nil, fmt.Errorf("%w: there is no simulation %q: there are %s", ErrUsage, name, strings.Join(names, ", "))
}

// collectLess lets the heap grow to five times what is in use, unless somebody has said otherwise with GOGC: a simulation
// makes garbage all the time, and a third of its time would go by collecting it. The function that it gives ends it.
func collectLess() (end func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	was := debug.SetGCPercent(400)
	return func() { debug.SetGCPercent(was) }
}
