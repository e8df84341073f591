package sim

import "time"

// sizes are how strong the faults of a run are, drawn once; zero where the fault is off.
type sizes struct {
	breaks   uint64        // of a million messages on connections
	drops    uint64        // of a million hops of a topic
	delays   uint64        // of a million messages
	delay    time.Duration // at most
	reorders uint64        // of a million hops
	repeats  uint64        // of a million hops
	hold     time.Duration // at most, of what is reordered or repeated
	up, down time.Duration // on average
	slot     [cuts]time.Duration
	rate     uint64        // bytes a second of a pair, on average
	ppm      uint64        // a steady clock drifts by at most so many in a million
	jump     time.Duration // a calendar jumps once in each such time
}

// drawSizes draws every size whatever the faults, so that a fault that is left out changes no other.
func (w *World) drawSizes() sizes {
	between := func(least, most uint64) uint64 {
		w.draws++
		return least + below(w.choices.at(siteSize, theWorld, w.draws), most-least)
	}
	lasts := func(least, most time.Duration) time.Duration {
		return time.Duration(between(uint64(least), uint64(most)))
	}
	s := sizes{
		breaks:   between(200, 5_000),
		drops:    between(5_000, 100_000),
		delays:   between(1_000, 20_000),
		delay:    lasts(100*time.Millisecond, 3*time.Second),
		reorders: between(10_000, 200_000),
		repeats:  between(10_000, 200_000),
		hold:     lasts(20*time.Millisecond, 2*time.Second),
		up:       lasts(30*time.Second, 5*time.Minute),
		down:     lasts(500*time.Millisecond, 15*time.Second),
	}
	s.slot[partition] = lasts(20*time.Second, 4*time.Minute)
	s.slot[oneWay] = lasts(20*time.Second, 4*time.Minute)
	s.rate = 32 << 10 << between(0, 7)
	s.ppm = between(50, 501)
	s.jump = lasts(2*time.Minute, 20*time.Minute)
	// A short run sees crashes, cuts and jumps too.
	for c := range s.slot {
		s.slot[c] = max(time.Millisecond, min(s.slot[c], time.Duration(w.heal)/4))
	}
	s.jump = max(time.Millisecond, min(s.jump, time.Duration(w.heal)/4))
	s.up, s.down = min(s.up, time.Duration(w.heal)/2), min(s.down, time.Duration(w.heal)/8)
	f := w.options.Faults
	if !f.Has(Loss) {
		s.breaks, s.drops = 0, 0
	}
	if !f.Has(Delay) {
		s.delays = 0
	}
	if !f.Has(Reorder) {
		s.reorders = 0
	}
	if !f.Has(Duplicate) {
		s.repeats = 0
	}
	if !f.Has(Churn) {
		s.up = 0
	}
	if !f.Has(Bandwidth) {
		s.rate = 0
	}
	if !f.Has(Partition) {
		s.slot[partition] = 0
	}
	if !f.Has(OneWay) {
		s.slot[oneWay] = 0
	}
	if !f.Has(Skew) {
		s.ppm, s.jump = 0, 0
	}
	return s
}
