package sim

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/merograph/merograph/graph"
)

const allBuilt = Loss | Delay | Reorder | Duplicate | Churn | Bandwidth | Partition | OneWay | Skew

func scenarios() []Scenario {
	return []Scenario{pingScenario(300 * time.Millisecond), gossipScenario(), journalScenario(false)}
}

func TestScenariosHold(t *testing.T) {
	for _, s := range scenarios() {
		for _, faults := range []Faults{0, Loss, Churn, Bandwidth, Partition, OneWay, Skew, allBuilt} {
			t.Run(s.Name+"/"+faults.String(), func(t *testing.T) {
				for seed := range uint64(3) {
					r := run(t, s, Options{Nodes: 20, Seed: seed, Time: 2 * time.Minute, Faults: faults, CheckImmutable: true})
					if !r.OK {
						t.Errorf("seed %d: %+v", seed, r.Properties)
					}
					if r.Events == 0 {
						t.Errorf("nothing happened")
					}
					if seed == 0 {
						t.Logf("%d events, %d messages, faults %v", r.Events, r.Messages, r.Faults)
					}
				}
			})
		}
	}
}

func TestSameSeedSameHash(t *testing.T) {
	for _, s := range scenarios() {
		t.Run(s.Name, func(t *testing.T) {
			o := Options{Nodes: 30, Seed: 7, Time: time.Minute, Faults: allBuilt}
			first := run(t, s, o)
			again := map[string]func() *Report{
				"again": func() *Report { return run(t, s, o) },
				"one processor": func() *Report {
					defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
					return run(t, s, o)
				},
				"eight processors": func() *Report {
					defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(8))
					return run(t, s, o)
				},
				"no frame is used twice": func() *Report {
					fresh := s
					fresh.Bind = func(n *Node) []graph.Option {
						opts := []graph.Option{graph.WithoutFrameReuse()}
						if s.Bind != nil {
							opts = append(opts, s.Bind(n)...)
						}
						return opts
					}
					return run(t, fresh, o)
				},
				"no collector": func() *Report {
					defer debug.SetGCPercent(debug.SetGCPercent(-1))
					return run(t, s, o)
				},
				"collector all the time": func() *Report {
					defer debug.SetGCPercent(debug.SetGCPercent(1))
					return run(t, s, o)
				},
				"checked": func() *Report {
					checked := o
					checked.CheckImmutable = true
					return run(t, s, checked)
				},
			}
			for name, fn := range again {
				if diff := cmp.Diff(first, fn()); diff != "" {
					t.Errorf("%s: the report differs:\n%s", name, diff)
				}
			}
			seen := map[string]uint64{first.TraceHash: o.Seed}
			for seed := range uint64(6) {
				o.Seed = seed
				r := run(t, s, o)
				if was, ok := seen[r.TraceHash]; ok {
					t.Errorf("seeds %d and %d have the hash %s", was, seed, r.TraceHash)
				}
				seen[r.TraceHash] = seed
			}
		})
	}
}
