package testnet

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/merograph/merograph/opsets/blobexchange"
	"github.com/merograph/merograph/opsets/globalregistry"
	"github.com/merograph/merograph/opsets/replicate"
	"github.com/merograph/merograph/sim"
	"github.com/merograph/merograph/testnet/simnode"
)

// Scenarios are the simulations that Sim knows, in the order in which they are told.
func Scenarios() []sim.Scenario {
	return []sim.Scenario{globalregistry.Scenario, replicate.Scenario, replicate.ScenarioPrivate, blobexchange.Scenario, simnode.Scenario}
}

// SimOptions says what Sim runs.
type SimOptions struct {
	Nodes  int
	Seed   uint64
	Time   time.Duration // virtual
	Faults string        // as sim.ParseFaults reads it
	Swarm  bool          // each seed leaves out half of them, and every other one has short buffers and early timeouts
	Trace  io.Writer     // one line an event; nil for none
	// TraceFrom and TraceTo bound the trace, in events that instances have taken; 0 is the end.
	TraceFrom, TraceTo uint64
	Overrides          []string // of choices, as sim.ParseOverride reads them
	OnlyOverrides      bool     // no fault happens but those of Overrides
}

// options gives the scenario of a name and what it is run with.
func (o *SimOptions) options(name string) (s sim.Scenario, so sim.Options, err error) {
	faults, err := sim.ParseFaults(o.Faults)
	if err != nil {
		return s, so, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	if o.Nodes < 1 || o.Nodes > 100_000 {
		return s, so, fmt.Errorf("%w: %d nodes: a simulation has from 1 to 100000", ErrUsage, o.Nodes)
	}
	if o.Time <= 0 {
		return s, so, fmt.Errorf("%w: a time of %v: give a positive one, such as 10m", ErrUsage, o.Time)
	}
	so = sim.Options{Nodes: o.Nodes, Seed: o.Seed, Time: o.Time, Faults: faults, Swarm: o.Swarm, Trace: o.Trace, TraceFrom: o.TraceFrom,
		TraceTo: o.TraceTo, OnlyOverrides: o.OnlyOverrides, Overrides: map[sim.Choice]uint64{}}
	for _, text := range o.Overrides {
		c, v, err := sim.ParseOverride(text)
		if err != nil {
			return s, so, fmt.Errorf("%w: %w", ErrUsage, err)
		}
		so.Overrides[c] = v
	}
	all := Scenarios()
	i := slices.IndexFunc(all, func(s sim.Scenario) bool { return s.Name == name })
	if i < 0 {
		var names []string
		for _, s := range all {
			names = append(names, s.Name)
		}
		return s, so, fmt.Errorf("%w: there is no simulation %q: there are %s", ErrUsage, name, strings.Join(names, ", "))
	}
	s = all[i]
	if missing := faults &^ s.Offers(); faults != sim.All && missing != 0 {
		return s, so, fmt.Errorf("%w: %s has no fault %v: choose of %v", ErrUsage, name, missing, s.Offers())
	}
	return s, so, nil
}

// Sim runs the scenario of a name. The report's wall seconds are measured here.
func Sim(name string, o SimOptions) (*sim.Report, error) {
	s, so, err := o.options(name)
	if err != nil {
		return nil, err
	}
	defer collectLess()()
	begin := time.Now()
	r, err := sim.Run(s, so)
	if err != nil {
		return nil, err
	}
	r.WallSeconds = time.Since(begin).Seconds()
	return r, nil
}

// Campaign runs the scenario of a name with so many seeds, from o.Seed on, as many at a time as there are processors. When one has
// failed, no more are begun; the seeds before it have all been run.
func Campaign(name string, o SimOptions, seeds int) (*sim.Campaign, error) {
	s, so, err := o.options(name)
	if err != nil {
		return nil, err
	}
	if seeds < 1 || o.Trace != nil {
		return nil, fmt.Errorf("%w: a campaign has at least one seed, and no trace: trace the run of a seed", ErrUsage)
	}
	defer collectLess()()
	begin := time.Now()
	reports, faults := make([]*sim.Report, seeds), make([]error, seeds)
	var next, failed atomic.Int64
	var all sync.WaitGroup
	for range min(seeds, runtime.GOMAXPROCS(0)) {
		all.Go(func() {
			for failed.Load() == 0 { // asked before a seed is taken, so that all before one that fails are run
				k := next.Add(1) - 1
				if k >= int64(seeds) {
					return
				}
				one := so
				one.Seed += uint64(k)
				reports[k], faults[k] = sim.Run(s, one)
				if faults[k] != nil || !reports[k].OK {
					failed.Add(1)
				}
			}
		})
	}
	all.Wait()
	var run []*sim.Report
	for k, r := range reports {
		if faults[k] != nil {
			return nil, fmt.Errorf("seed %d: %w", so.Seed+uint64(k), faults[k])
		}
		if r != nil {
			run = append(run, r)
		}
	}
	c := sim.Sum(run...)
	c.WallSeconds = time.Since(begin).Seconds()
	return c, nil
}

// Explain shrinks the failing run of a seed and tells its story; at most so many runs, 0 for the default.
func Explain(name string, o SimOptions, runs int) (*sim.Story, error) {
	s, so, err := o.options(name)
	if err != nil {
		return nil, err
	}
	defer collectLess()()
	return sim.Explain(s, so, runs)
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
