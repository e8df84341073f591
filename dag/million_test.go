package dag

import (
	"os"
	"runtime"
	"testing"
	"time"
)

// TestOpenAMillion measures DESIGN 7's "open a log of 1,000,000 deltas"; it runs only when DAG_MILLION is set.
func TestOpenAMillion(t *testing.T) {
	if os.Getenv("DAG_MILLION") == "" {
		t.Skip("set DAG_MILLION=1 to measure")
	}
	dir := t.TempDir()
	w := newWorld(1)
	alice := person("alice")
	o := w.options()
	o.SegmentBytes = 0
	j, _ := open(t, OSDisk(dir), o)
	ctx := must(j.Found(alice, Grant{}))
	start := time.Now()
	for range 1_000_000 {
		must(j.Write(ctx, alice, Edit{Kind: KindData, Payload: []byte("keystroke")}))
	}
	closeJ(t, j)
	t.Logf("written in %v", time.Since(start))
	j = nil
	runtime.GC()
	start = time.Now()
	j, rec := open(t, OSDisk(dir), o)
	took := time.Since(start)
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("opened %d records in %v, %d MB live", rec.Records, took, m.HeapAlloc>>20)
	closeJ(t, j)
}
