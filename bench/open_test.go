package bench

import (
	"crypto/rand"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/merograph/merograph/components/store"
	"github.com/merograph/merograph/crdt"
	"github.com/merograph/merograph/dag"
)

var deltasFlag = flag.Int("deltas", 100_000, "deltas in the log that BenchmarkOpen opens")

// writeLog makes a log of n puts, and its store.
func writeLog(dir string, n int) error {
	l, err := openLog(dir, signerOf(1), true)
	if err != nil {
		return err
	}
	for i := range n {
		payload, err := crdt.EncodeOps([]crdt.Op{crdt.Put{Key: fmt.Sprintf("key%07d", i%(n/2+1)), Value: []byte("a value of some bytes")}})
		if err != nil {
			return err
		}
		if _, err := l.journal.Write(l.ctx, l.signer, dag.Edit{Kind: dag.KindData, Payload: payload}); err != nil {
			return err
		}
	}
	if err := l.journal.Flush(); err != nil {
		return err
	}
	return l.close()
}

// opened opens log and store and gives how long each took, and how many deltas the store folded.
func opened(dir, storeDir string) (storeNs, logNs time.Duration, folded uint64, err error) {
	begin := time.Now()
	s, _, err := store.Open(storeDir)
	if err != nil {
		return 0, 0, 0, err
	}
	storeNs = time.Since(begin)
	begin = time.Now()
	j, _, err := dag.Open(dag.OSDisk(filepath.Join(dir, "log")), dag.Options{Wall: time.Now, Rand: rand.Reader, Index: s, Observer: s})
	if err != nil {
		return 0, 0, 0, err
	}
	logNs, folded = time.Since(begin), s.Folded()
	if err := j.Close(); err != nil {
		return 0, 0, 0, err
	}
	return storeNs, logNs, folded, s.Close()
}

// BenchmarkOpen: an op opens a log and its store after a clean stop. Beside it: the same log over an empty store, which is
// built of it.
func BenchmarkOpen(b *testing.B) {
	dir := folder(b)
	if err := writeLog(dir, *deltasFlag); err != nil {
		b.Fatal(err)
	}
	var inStore, inLog, again time.Duration
	var folded uint64
	for b.Loop() {
		s, l, n, err := opened(dir, filepath.Join(dir, "store"))
		if err != nil {
			b.Fatal(err)
		}
		inStore, inLog, folded = inStore+s, inLog+l, folded+n
	}
	b.StopTimer()
	other := filepath.Join(dir, "built")
	_, again, built, err := opened(dir, other)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(inStore.Nanoseconds())/float64(b.N), "store-ns")
	b.ReportMetric(float64(inLog.Nanoseconds())/float64(b.N), "log-ns")
	b.ReportMetric(float64(folded)/float64(b.N), "folded")
	b.ReportMetric(float64(again.Nanoseconds()), "log-and-rebuild-ns")
	b.ReportMetric(float64(built)/again.Seconds(), "rebuilt/s")
	if err := os.RemoveAll(other); err != nil {
		b.Error(err)
	}
}

func TestOpenFoldsNothingAgain(t *testing.T) {
	dir := folder(t)
	if err := writeLog(dir, 2000); err != nil {
		t.Fatal(err)
	}
	if _, _, folded, err := opened(dir, filepath.Join(dir, "store")); err != nil || folded != 0 {
		t.Errorf("%d deltas were folded again, %v", folded, err)
	}
	if _, _, folded, err := opened(dir, filepath.Join(dir, "built")); err != nil || folded != 2001 {
		t.Errorf("%d deltas were folded, %v", folded, err)
	}
}
