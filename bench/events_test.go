package bench

import (
	"container/heap"
	"testing"
	"time"

	"github.com/merograph/merograph/opsets/globalregistry"
	"github.com/merograph/merograph/sim"
)

// An agenda is the least that a simulator does for an event: a heap of closures by time.
type agenda []due

type due struct {
	at int64
	fn func()
}

func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].at < a[j].at }
func (a agenda) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(v any)        { *a = append(*a, v.(due)) }
func (a *agenda) Pop() any {
	s := *a
	v := s[len(s)-1]
	*a = s[:len(s)-1]
	return v
}

// bareEvents runs n events of as many clocks as there are nodes, each of which sets the next of its own.
func bareEvents(n, nodes int) (sum int64) {
	var a agenda
	done := 0
	for i := range nodes {
		at := int64(i)
		var tick func()
		tick = func() {
			sum += at
			at += 1000 + at%7
			heap.Push(&a, due{at, tick})
		}
		heap.Push(&a, due{at, tick})
	}
	for ; done < n; done++ {
		heap.Pop(&a).(due).fn()
	}
	return sum
}

func simulate(tb testing.TB, nodes int, d time.Duration) uint64 {
	faults, err := sim.ParseFaults("loss,churn")
	if err != nil {
		tb.Fatal(err)
	}
	r, err := sim.Run(globalregistry.Scenario, sim.Options{Nodes: nodes, Seed: 7, Time: d, Faults: faults})
	if err != nil || !r.OK {
		tb.Fatal(err, r)
	}
	return r.Events
}

// BenchmarkEvents: an op is one event taken by an instance of the registry, simulated with loss and churn, its properties
// checked, on 200 nodes for half an hour; beside a heap of closures, the least that an event costs.
func BenchmarkEvents(b *testing.B) {
	const nodes, span = 200, 30 * time.Minute
	events := int(simulate(b, nodes, span))
	ours := &lane{name: "sim", units: events, run: func() { simulate(b, nodes, span) }}
	bare := &lane{name: "heap", units: events, run: func() { bareEvents(events, nodes) }}
	r := race{lanes: []*lane{ours, bare}, cpu: true}
	r.run(b)
	b.ReportMetric(median(ours.ns), "ns/op")
	b.ReportMetric(1e9/median(ours.ns), "events/s")
	b.ReportMetric(1e9/median(bare.ns), "heap-events/s")
	b.ReportMetric(ratio(ours.ns, bare.ns), "x-heap")
}

func TestEventsAreTheSame(t *testing.T) {
	if a, b := simulate(t, 20, 10*time.Minute), simulate(t, 20, 10*time.Minute); a != b || a == 0 {
		t.Fatalf("%d and %d events", a, b)
	}
}
