package bench

import (
	"fmt"
	"slices"
	"testing"
)

var transports = map[string]string{"tcp": "/ip4/127.0.0.1/tcp/0", "quic": "/ip4/127.0.0.1/udp/0/quic-v1"}

// BenchmarkCall: an op is a call through a graph on two hosts, asked by the node, over libp2p on the loopback. Beside it the
// same question on a bare kept stream of the same connection.
func BenchmarkCall(b *testing.B) {
	for _, transport := range []string{"tcp", "quic"} {
		for _, together := range []int{1, 64} {
			b.Run(fmt.Sprintf("%s/together=%d", transport, together), func(b *testing.B) { raceCalls(b, transports[transport], together) })
		}
	}
}

func raceCalls(b *testing.B, at string, together int) {
	w, err := newWired(at)
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	const n = 64 * 32
	calls := func(fn func(n, together int) error) func() {
		return func() {
			if err := fn(n, together); err != nil {
				b.Fatal(err)
			}
		}
	}
	ours := &lane{name: "graph", units: n, run: calls(w.graphs)}
	bare := &lane{name: "bare", units: n, run: calls(w.bares)}
	r := race{lanes: []*lane{ours, bare}}
	r.round(0) // the streams open
	ours.ns, bare.ns = nil, nil
	r.run(b)
	b.ReportMetric(median(ours.ns), "ns/op")
	b.ReportMetric(slices.Min(ours.ns), "best-ns/op")
	b.ReportMetric(median(bare.ns), "bare-ns")
	b.ReportMetric(ratio(ours.ns, bare.ns), "x-bare")
	b.ReportMetric(best(ours.ns, bare.ns), "best-x-bare")
	memory(b, n, ours.run, nil)
}

func TestCalls(t *testing.T) {
	for name, at := range transports {
		t.Run(name, func(t *testing.T) {
			w, err := newWired(at)
			if err != nil {
				t.Fatal(err)
			}
			for _, together := range []int{1, 8} {
				if err := w.graphs(16, together); err != nil {
					t.Error("through the graph: ", err)
				}
				if err := w.bares(16, together); err != nil {
					t.Error("bare: ", err)
				}
			}
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
