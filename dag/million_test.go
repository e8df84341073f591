package dag

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"testing"
	"time"
)

// openDir is the environment's word to the test binary that it is to open a log and say what that cost.
const openDir = "DAG_OPEN_DIR"

// TestOpenAMillion measures DESIGN 7's "open a log of 1,000,000 deltas", after an unclean stop, in a process of its own; it runs
// only when DAG_MILLION is set.
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
	for i := range 1_000_000 {
		p := must(j.Write(ctx, alice, Edit{Kind: KindData, Payload: []byte("keystroke")}))
		if i%1000 == 0 {
			must(p.Wait())
		}
	}
	if err := j.Flush(); err != nil {
		t.Fatal(err)
	}
	t.Logf("written in %v, %d MB", time.Since(start), j.Stats().Bytes>>20)
	j.lock.Close() // it is not closed
	for range 5 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), openDir+"="+dir)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		t.Logf("%s, %v of the processor's time", out, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
	}
}

// openOnce opens a log and prints what it took.
func openOnce(dir string) {
	start := time.Now()
	j, rec, err := Open(OSDisk(dir), newWorld(1).options())
	took := time.Since(start)
	if err != nil {
		fmt.Println(err)
		os.Exit(3)
	}
	status, _ := os.ReadFile("/proc/self/status")
	peak := regexp.MustCompile(`VmHWM:\s*(\d+ kB)`).FindString(string(status))
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Printf("%d records in %v, heap %d MB, at most resident %s, clean %v", rec.Records, took.Round(time.Millisecond), m.HeapAlloc>>20, peak, rec.Clean)
	j.lock.Close()
	os.Exit(0)
}
