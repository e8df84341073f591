package sim

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkRun prints how many events a second a simulation takes. The table of the first protocol is exposed, so each
// change pays for a snapshot; that of the second is not.
func BenchmarkRun(b *testing.B) {
	bare := pingScenario(time.Second)
	bare.Name, bare.Graph = "bare", pingGraphOf(2*time.Second, false)
	for _, s := range []Scenario{pingScenario(time.Second), bare, gossipScenario()} {
		s.Properties = s.Properties[:1]
		for _, nodes := range []int{20, 200} {
			for _, faults := range []Faults{0, allBuilt} {
				b.Run(fmt.Sprintf("%s/%d/%s", s.Name, nodes, faults), func(b *testing.B) {
					b.ReportAllocs()
					var events, messages uint64
					for b.Loop() {
						r := run(b, s, Options{Nodes: nodes, Seed: 7, Time: time.Minute, Faults: faults})
						events += r.Events
						messages += r.Messages
					}
					b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
					b.ReportMetric(float64(messages)/b.Elapsed().Seconds(), "messages/s")
				})
			}
		}
	}
}
