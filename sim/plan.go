package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Plan says what may go wrong in a run, and how much of it: a value, drawn from the seed or written by hand. What is zero
// does not happen, so the zero Plan is a network in which nothing goes wrong. Chances are per million.
type Plan struct {
	Breaks uint64 `json:"breaks,omitempty"` // loss: of the messages on connections, each breaks its own
	Drops  uint64 `json:"drops,omitempty"`  // loss: of the hops of topics

	Delays uint64        `json:"delays,omitempty"` // delay: of the messages
	Delay  time.Duration `json:"delay,omitempty"`  // for how long, at most

	Reorders   uint64        `json:"reorders,omitempty"`   // reorder: of the hops of topics
	Duplicates uint64        `json:"duplicates,omitempty"` // duplicate: of the hops of topics
	Hold       time.Duration `json:"hold,omitempty"`       // for how long what is reordered or repeated is held, at most

	Up   time.Duration `json:"up,omitempty"`   // churn: each node crashes once in such a time
	Down time.Duration `json:"down,omitempty"` // and is down for so long, on average

	Partition time.Duration `json:"partition,omitempty"` // the network falls apart once in such a time, for up to half of it
	OneWay    time.Duration `json:"oneWay,omitempty"`    // as a one-way cut

	Rate  uint64        `json:"rate,omitempty"`  // bandwidth: bytes a second of a connection, on average
	Drift uint64        `json:"drift,omitempty"` // skew: a steady clock drifts by up to so many in a million
	Jump  time.Duration `json:"jump,omitempty"`  // skew: a calendar jumps once in such a time

	Disk   time.Duration `json:"disk,omitempty"`   // disk: each disk does something wrong once in such a time, and tears what a crash finds unsynced
	Backup time.Duration `json:"backup,omitempty"` // backup: each node is put back to an old copy once in such a time
	Clone  time.Duration `json:"clone,omitempty"`  // clone: each node starts from a copied home once in such a time

	Hostile bool `json:"hostile,omitempty"` // the nodes that Scenario.Hostile names keep to no protocol
	Buggify bool `json:"buggify,omitempty"` // buffers are short and timeouts early, here and there: no fault, but rare
}

// planned says of each kind of fault whether a plan has it, and takes it out.
var planned = []struct {
	kind Faults
	on   func(p *Plan) bool
	off  func(p *Plan)
}{
	{Loss, func(p *Plan) bool { return p.Breaks+p.Drops > 0 }, func(p *Plan) { p.Breaks, p.Drops = 0, 0 }},
	{Delay, func(p *Plan) bool { return p.Delays > 0 }, func(p *Plan) { p.Delays, p.Delay = 0, 0 }},
	{Reorder, func(p *Plan) bool { return p.Reorders > 0 }, func(p *Plan) { p.Reorders = 0 }},
	{Duplicate, func(p *Plan) bool { return p.Duplicates > 0 }, func(p *Plan) { p.Duplicates = 0 }},
	{Churn, func(p *Plan) bool { return p.Up > 0 }, func(p *Plan) { p.Up, p.Down = 0, 0 }},
	{Bandwidth, func(p *Plan) bool { return p.Rate > 0 }, func(p *Plan) { p.Rate = 0 }},
	{Partition, func(p *Plan) bool { return p.Partition > 0 }, func(p *Plan) { p.Partition = 0 }},
	{OneWay, func(p *Plan) bool { return p.OneWay > 0 }, func(p *Plan) { p.OneWay = 0 }},
	{Skew, func(p *Plan) bool { return p.Drift > 0 || p.Jump > 0 }, func(p *Plan) { p.Drift, p.Jump = 0, 0 }},
	{DiskFault, func(p *Plan) bool { return p.Disk > 0 }, func(p *Plan) { p.Disk = 0 }},
	{Backup, func(p *Plan) bool { return p.Backup > 0 }, func(p *Plan) { p.Backup = 0 }},
	{Clone, func(p *Plan) bool { return p.Clone > 0 }, func(p *Plan) { p.Clone = 0 }},
	{Hostile, func(p *Plan) bool { return p.Hostile }, func(p *Plan) { p.Hostile = false }},
}

// Kinds are the kinds of fault that the plan lets happen.
func (p *Plan) Kinds() (f Faults) {
	for _, k := range planned {
		if k.on(p) {
			f |= k.kind
		}
	}
	return f
}

// String tells the plan in a line: what is on, and how strong.
func (p *Plan) String() string {
	var words []string
	add := func(on bool, format string, args ...any) {
		if on {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	add(p.Breaks+p.Drops > 0, "loss (%d ppm of messages, %d ppm of hops)", p.Breaks, p.Drops)
	add(p.Delays > 0, "delay (%d ppm, up to %v)", p.Delays, brief(p.Delay))
	add(p.Reorders > 0, "reorder (%d ppm, up to %v)", p.Reorders, brief(p.Hold))
	add(p.Duplicates > 0, "duplicate (%d ppm)", p.Duplicates)
	add(p.Rate > 0, "bandwidth (%d B/s)", p.Rate)
	add(p.Partition > 0, "partition (each %v)", brief(p.Partition))
	add(p.OneWay > 0, "oneway (each %v)", brief(p.OneWay))
	add(p.Up > 0, "churn (each %v, for %v)", brief(p.Up), brief(p.Down))
	add(p.Drift > 0 || p.Jump > 0, "skew (%d ppm, a jump each %v)", p.Drift, brief(p.Jump))
	add(p.Disk > 0, "disk (each %v)", brief(p.Disk))
	add(p.Backup > 0, "backup (each %v)", brief(p.Backup))
	add(p.Clone > 0, "clone (each %v)", brief(p.Clone))
	add(p.Hostile, "hostile")
	add(p.Buggify, "buggify")
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, ", ")
}

func brief(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

// PlanOf gives the plan that a run has.
func PlanOf(s Scenario, o Options) (Plan, error) {
	o, err := o.settled(&s)
	if err != nil {
		return Plan{}, err
	}
	heal, err := healing(s, o)
	if err != nil {
		return Plan{}, err
	}
	return o.plan(newChoices(o), heal), nil
}

// plan is the plan of the options, drawn where none is given. Every size is drawn whatever the kinds, so that a kind that is
// left out changes no other.
func (o *Options) plan(c *choices, heal time.Duration) Plan {
	if o.Plan != nil {
		return *o.Plan
	}
	draws := uint64(0)
	between := func(least, most uint64) uint64 {
		draws++
		return least + below(c.at(siteSize, theWorld, draws), most-least)
	}
	lasts := func(least, most time.Duration) time.Duration {
		return time.Duration(between(uint64(least), uint64(most)))
	}
	p := Plan{
		Breaks:     between(200, 5_000),
		Drops:      between(5_000, 100_000),
		Delays:     between(1_000, 20_000),
		Delay:      lasts(100*time.Millisecond, 3*time.Second),
		Reorders:   between(10_000, 200_000),
		Duplicates: between(10_000, 200_000),
		Hold:       lasts(20*time.Millisecond, 2*time.Second),
		Up:         lasts(30*time.Second, 5*time.Minute),
		Down:       lasts(500*time.Millisecond, 15*time.Second),
		Partition:  lasts(20*time.Second, 4*time.Minute),
		OneWay:     lasts(20*time.Second, 4*time.Minute),
		Rate:       32 << 10 << between(0, 7),
		Drift:      between(50, 501),
		Jump:       lasts(2*time.Minute, 20*time.Minute),
		Hostile:    true,
		Disk:       lasts(30*time.Second, 10*time.Minute),
		Backup:     lasts(4*time.Minute, 30*time.Minute),
		Clone:      lasts(4*time.Minute, 30*time.Minute),
	}
	// A short run sees crashes, cuts and jumps too.
	soon := max(time.Millisecond, heal/4)
	p.Up, p.Down = min(p.Up, 2*soon), min(p.Down, soon/2)
	p.Partition, p.OneWay, p.Jump = min(p.Partition, soon), min(p.OneWay, soon), min(p.Jump, soon)
	p.Disk, p.Backup, p.Clone = min(p.Disk, 2*soon), min(p.Backup, 4*soon), min(p.Clone, 4*soon)
	kinds := o.Faults
	if o.Swarm {
		kinds, p.Buggify = swarm(c, kinds)
	}
	p.keep(kinds)
	return p
}

// swarm leaves out half of the kinds, and says whether buffers are short: what goes wrong alone shows what many faults together
// hide (Groce et al., Swarm Testing, ISSTA 2012).
func swarm(c *choices, kinds Faults) (left Faults, buggify bool) {
	var all []Faults
	for k := Faults(1); k != 0; k <<= 1 {
		if kinds.Has(k) {
			all = append(all, k)
		}
	}
	drawn := func(k Faults) uint64 { return c.at(siteSwarm, theWorld, uint64(k)) }
	slices.SortStableFunc(all, func(a, b Faults) int { //lint:total-key drawn, then in order of the kinds
		if drawn(a) < drawn(b) {
			return -1
		}
		return 1
	})
	for _, k := range all[len(all)/2:] {
		left |= k
	}
	return left, drawn(0)&1 == 1
}

// keep takes out of the plan every kind that is not in the set.
func (p *Plan) keep(kinds Faults) {
	for _, k := range planned {
		if !kinds.Has(k.kind) {
			k.off(p)
		}
	}
	if !kinds.Has(Reorder) && !kinds.Has(Duplicate) {
		p.Hold = 0 // of both
	}
}
