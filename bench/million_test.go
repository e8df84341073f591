package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// openDir is the environment's word to the test binary that it is to open a log and say what that took.
const openDir = "BENCH_OPEN_DIR"

func TestMain(m *testing.M) {
	dir := os.Getenv(openDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	o, err := reopen(dir)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// BenchmarkMillion: an op is the opening of a log of a million deltas after an unclean stop.
func BenchmarkMillion(b *testing.B) {
	const n = 1_000_000
	dir := folder(b)
	if err := million(dir, n); err != nil {
		b.Fatal(err)
	}
	dir = filepath.Join(dir, "stopped")
	var took, cpu, read, resident []float64
	for b.Loop() {
		begun := time.Now()
		if err := readAll(dir); err != nil {
			b.Fatal(err)
		}
		read = append(read, float64(time.Since(begun)))
		o, spent := openElsewhere(b, dir)
		if o.Records != n {
			b.Fatalf("%d records, not %d", o.Records, n)
		}
		took, cpu = append(took, float64(o.Took)), append(cpu, float64(spent))
		resident = append(resident, float64(o.Resident)/(1<<20))
	}
	b.ReportMetric(median(took), "ns/op")
	b.ReportMetric(median(took)/1e9, "s")
	b.ReportMetric(slices.Min(took)/1e9, "best-s")
	b.ReportMetric(median(cpu)/1e9, "cpu-s")
	b.ReportMetric(median(resident), "MB-resident")
	b.ReportMetric(ratio(took, read), "x-read")
}

// openElsewhere opens a log in a process of its own.
func openElsewhere(tb testing.TB, dir string) (o opening, cpu time.Duration) {
	tb.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), openDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &o)
	}
	if err != nil {
		tb.Fatalf("open %s: %v", dir, err)
	}
	return o, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

func TestMillion(t *testing.T) {
	dir := t.TempDir()
	if err := million(dir, 3000); err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(dir, "stopped")
	for range 2 {
		if o, _ := openElsewhere(t, dir); o.Records != 3000 || o.Took <= 0 {
			t.Errorf("%+v", o)
		}
	}
}
