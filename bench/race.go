package bench

import (
	"context"
	"runtime"
	"runtime/pprof"
	"slices"
	"testing"
	"time"
)

// A lane is one contender: what it does in a round, and how long that took for each of its units, round by round.
type lane struct {
	name   string
	units  int
	before func() // not timed, as after; both may be nil
	after  func()
	run    func()
	ns     []float64
}

// A race runs lanes in turn. In a profile each has a label: go tool pprof -tagfocus lane=NAME.
type race struct {
	lanes []*lane
	cpu   bool // measure the processor's time, and collect garbage before each lane, so that none pays for another's
}

var start = time.Now()

// round runs every lane once, each time beginning with another one.
func (r *race) round(n int) {
	for k := range r.lanes {
		l := r.lanes[(k+n)%len(r.lanes)]
		if l.before != nil {
			l.before()
		}
		clock := func() time.Duration { return time.Since(start) }
		if r.cpu {
			runtime.GC()
			clock = spent
		}
		pprof.Do(context.Background(), pprof.Labels("lane", l.name), func(context.Context) {
			begun := clock()
			l.run()
			l.ns = append(l.ns, float64(clock()-begun)/float64(l.units))
		})
		if l.after != nil {
			l.after()
		}
	}
}

func (r *race) run(b *testing.B) {
	n := 0
	for b.Loop() {
		r.round(n)
		n++
	}
}

// differ gives (a − b) / by for each round.
func differ(a, b []float64, by float64) []float64 {
	out := make([]float64, len(a))
	for i := range a {
		out[i] = (a[i] - b[i]) / by
	}
	return out
}

// ratio is the median over the rounds of a / b.
func ratio(a, b []float64) float64 {
	out := make([]float64, len(a))
	for i := range a {
		out[i] = a[i] / b[i]
	}
	return median(out)
}

// best is the quotient of the best rounds of each, for a machine on which the others were disturbed.
func best(a, b []float64) float64 { return slices.Min(a) / slices.Min(b) }

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	if len(s) == 0 {
		return 0
	}
	return s[len(s)/2]
}

// millions turns nanoseconds for one into millions in a second.
func millions(ns float64) float64 { return 1e3 / ns }

// memory reports what fn allocates for each of its units, as allocs/op and B/op, less what the same without them does.
func memory(b *testing.B, units int, fn, without func()) {
	var total [2]runtime.MemStats
	use := func(fn func()) (allocs, bytes float64) {
		if fn == nil {
			return 0, 0
		}
		fn()
		runtime.ReadMemStats(&total[0])
		fn()
		runtime.ReadMemStats(&total[1])
		return float64(total[1].Mallocs - total[0].Mallocs), float64(total[1].TotalAlloc - total[0].TotalAlloc)
	}
	allocs, bytes := use(fn)
	less, lessBytes := use(without)
	b.ReportAllocs()
	b.ReportMetric(max(0, allocs-less)/float64(units), "allocs/op")
	b.ReportMetric(max(0, bytes-lessBytes)/float64(units), "B/op")
}
