package bench

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var idleFlag = flag.Duration("idle", 20*time.Second, "how long an idle node is watched")

// The budgets of an idle node.
const (
	mostReady    = 300.0 // ms
	mostResident = 60.0  // MB
	mostCore     = 0.5   // per cent of a core
	mostBinary   = 45.0  // MB, stripped
)

// daemon is a running merod.
type daemon struct {
	cmd   *exec.Cmd
	ready time.Duration // from the start of the process
	at    []string      // where it listens
}

// build makes the stripped binary.
func build(tb testing.TB) (file string, megabytes float64) {
	tb.Helper()
	file = filepath.Join(tb.TempDir(), "merod")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", file, "./cmd/merod")
	cmd.Dir, cmd.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("%v: %s", err, out)
	}
	info, err := os.Stat(file)
	if err != nil {
		tb.Fatal(err)
	}
	return file, float64(info.Size()) / 1e6
}

// boot starts a node on free ports and returns when it says that it is ready.
func boot(tb testing.TB, binary, home string, more ...string) *daemon {
	tb.Helper()
	args := append([]string{"run", "--json", "--home", home, "--api-addr", "127.0.0.1:0",
		"--swarm-addrs", "/ip4/127.0.0.1/tcp/0,/ip4/127.0.0.1/udp/0/quic-v1"}, more...)
	d := &daemon{cmd: exec.Command(binary, args...)}
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	begin := time.Now()
	if err := d.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(d.stop)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var l struct {
			State  string
			Listen []string
		}
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			tb.Fatal(err)
		}
		if l.State == "ready" {
			d.ready, d.at = time.Since(begin), l.Listen
			return d
		}
	}
	tb.Fatal("merod ended before it was ready")
	return nil
}

func (d *daemon) stop() {
	if d.cmd.ProcessState == nil {
		_ = d.cmd.Process.Signal(os.Interrupt)
		_ = d.cmd.Wait()
	}
}

// proc reads what Linux says of a process: the resident memory in MB, of which own is not the binary's, and the processor
// time that it has taken.
func (d *daemon) proc(tb testing.TB) (resident, own float64, cpu time.Duration) {
	tb.Helper()
	dir := fmt.Sprintf("/proc/%d/", d.cmd.Process.Pid)
	status, err := os.ReadFile(dir + "status")
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		kb, _ := strconv.ParseFloat(f[1], 64)
		switch f[0] {
		case "VmRSS:":
			resident = kb * 1024 / 1e6
		case "RssAnon:":
			own = kb * 1024 / 1e6
		}
	}
	// The scheduler's count is in nanoseconds, for each thread; that of stat is in hundredths of a second.
	threads, err := filepath.Glob(dir + "task/*/schedstat")
	if err != nil {
		tb.Fatal(err)
	}
	for _, t := range threads {
		raw, err := os.ReadFile(t)
		if err != nil {
			continue // it ended
		}
		ran, _, _ := strings.Cut(string(raw), " ")
		ns, _ := strconv.ParseInt(ran, 10, 64)
		cpu += time.Duration(ns)
	}
	return resident, own, cpu
}

// BenchmarkIdle: what a node costs that has nothing to do; alone, and as a coordinator of two peers.
func BenchmarkIdle(b *testing.B) {
	if runtime.GOOS != "linux" {
		b.Skip("reads /proc")
	}
	binary, size := build(b)
	for _, c := range []struct {
		name  string
		peers int
	}{{"alone", 0}, {"peers=2", 2}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				watchIdle(b, binary, c.peers)
			}
			b.ReportMetric(size, "binary-MB")
			b.ReportMetric(size/mostBinary, "of-binary-budget")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// watchIdle starts a node five times, the first on a new home, and then watches it.
func watchIdle(b *testing.B, binary string, peers int) {
	home := b.TempDir()
	first := boot(b, binary, home)
	first.stop()
	var again []time.Duration
	var d *daemon
	for range 5 {
		if d != nil {
			d.stop()
		}
		d = boot(b, binary, home)
		again = append(again, d.ready)
	}
	slices.Sort(again)
	for range peers {
		boot(b, binary, b.TempDir(), "--node-type", "peer", "--bootstrap", d.at[0])
	}
	<-time.After(3 * time.Second) // until those have registered and all is quiet
	_, _, before := d.proc(b)
	begin := time.Now()
	<-time.After(*idleFlag)
	resident, own, after := d.proc(b)
	core := 100 * float64(after-before) / float64(time.Since(begin))
	ready := float64(again[len(again)/2].Microseconds()) / 1000
	b.ReportMetric(float64(first.ready.Microseconds())/1000, "first-ready-ms")
	b.ReportMetric(ready, "ready-ms")
	b.ReportMetric(ready/mostReady, "of-ready-budget")
	b.ReportMetric(resident, "resident-MB")
	b.ReportMetric(own, "own-MB")
	b.ReportMetric(resident/mostResident, "of-resident-budget")
	b.ReportMetric(core, "core-%")
	b.ReportMetric(core/mostCore, "of-core-budget")
}
