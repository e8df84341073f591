package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"
)

// BenchmarkContexts: what contexts cost in which nothing happens, for one of two connected nodes: bytes that it sends in a second, its
// memory, and its part of a core. Both are of this process, with the same contexts.
func BenchmarkContexts(b *testing.B) {
	counts, d := []int{1, 10, 1000}, *idleFlag
	if testing.Short() {
		counts, d = counts[:2], time.Second
	}
	for _, n := range counts {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			for b.Loop() {
				watchContexts(b, n, d)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func watchContexts(b *testing.B, n int, d time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute+d)
	defer cancel()
	b.Logf("load at the start: %s", load())
	before := settled()
	x, y, err := keepers(ctx, n, folder(b), folder(b))
	if err != nil {
		b.Fatal(err)
	}
	defer closeKeepers(b, x, y)
	open := settled()
	if err := connect(ctx, x, y); err != nil {
		b.Fatal(err)
	}
	<-time.After(5 * time.Second) // the acknowledgements
	sent, received, cpu, begun := x.host.Stats().BytesSentStreams, x.host.Stats().BytesReceivedStreams, spent(), time.Now()
	<-time.After(d)
	took := time.Since(begun).Seconds()
	core := 100 * (spent() - cpu).Seconds() / took / 2
	out := float64(x.host.Stats().BytesSentStreams-sent) / took
	in := float64(x.host.Stats().BytesReceivedStreams-received) / took
	run := settled()
	b.Logf("load at the end: %s; %d deltas in a context; %d goroutines; refused: %v", load(), 3, runtime.NumGoroutine(), x.host.Stats().Refused)
	b.ReportMetric(out, "sent-B/s")
	b.ReportMetric(in, "received-B/s")
	b.ReportMetric(out/float64(n), "sent-B/s·context")
	b.ReportMetric(core, "core-%")
	b.ReportMetric((run.live-before.live)/2e6, "live-MB")
	b.ReportMetric((run.resident-before.resident)/2e6, "resident-MB")
	b.ReportMetric((open.live-before.live)/2e3/float64(n), "state-KB/context")
	b.ReportMetric((run.live-open.live)/2e3/float64(n), "running-KB/context")
}

// keepers are two nodes that hold the same n contexts.
func keepers(ctx context.Context, n int, dirs ...string) (x, y *keeper, err error) {
	if x, err = newKeeper(ctx, dirs[0]); err != nil {
		return x, y, err
	}
	if y, err = newKeeper(ctx, dirs[1]); err == nil {
		err = x.found(n, y)
	}
	if err != nil {
		err = errors.Join(err, x.Close(), y.Close())
	}
	return x, y, err
}

func closeKeepers(tb testing.TB, x, y *keeper) {
	tb.Helper()
	if err := errors.Join(x.Close(), y.Close()); err != nil {
		tb.Error(err)
	}
}

// connect runs the replication on both and returns when they have agreed on all.
func connect(ctx context.Context, x, y *keeper) error {
	if err := errors.Join(x.run(), y.run()); err != nil {
		return err
	}
	if err := x.host.Connect(ctx, y.host.Addrs()[0]); err != nil {
		return err
	}
	return errors.Join(x.agree(ctx, y), y.agree(ctx, x))
}

// resting is the memory of this process: what lives on the heap and on stacks, and what is resident, in bytes.
type resting struct{ live, resident float64 }

func settled() (m resting) {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	m.live = float64(s.HeapAlloc + s.StackInuse)
	if raw, err := os.ReadFile("/proc/self/statm"); err == nil {
		var size, pages float64
		fmt.Sscan(string(raw), &size, &pages)
		m.resident = pages * float64(os.Getpagesize())
	}
	return m
}

func TestContexts(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	x, y, err := keepers(ctx, 5, t.TempDir(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer closeKeepers(t, x, y)
	if err := connect(ctx, x, y); err != nil {
		t.Fatal(err)
	}
	if x.host.Stats().BytesSentStreams == 0 {
		t.Error("nothing was counted")
	}
}
