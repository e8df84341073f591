package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merograph/merograph/dag"
)

var (
	crowdFlag = flag.Int("crowd", 20, "nodes of BenchmarkSpread and BenchmarkSaturated")
	onlyFlag  = flag.String("only", "", "one contender of BenchmarkSpread alone, for a profile: ours, memory, bare, signed")
	aheadFlag = flag.Int64("ahead", 1024, "writes under way in BenchmarkSaturated, as long as it looks for what the nodes can fold")
	busyFlag  = flag.Duration("busy", 5*time.Second, "how long BenchmarkSaturated writes, each time")
	valueFlag = flag.Int("value", 256, "bytes of a value that they write")
)

const writersEach = 16 // on each node, so that they share syncs and messages

const mostOfPubsub = 1.3 // the budget, p50 to p50

// load is what the machine does beside this.
func load() string {
	raw, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	f := strings.Fields(string(raw))
	return strings.Join(f[:min(3, len(f))], " ")
}

// BenchmarkSpread: a write on one of twenty real nodes, each with a home on the disk, until it is answered, until all have folded it, and until all
// show it, which is when each has synced it. Beside it the same nodes in memory, and a message of the same size on bare
// gossipsub over hosts that are connected in the same way.
func BenchmarkSpread(b *testing.B) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	b.Logf("load at the start: %s", load())
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(max(runtime.NumCPU(), *crowdFlag))) // a sync of one node keeps no other from running
	lanes, about := spreaders(b, ctx, *crowdFlag)
	if *onlyFlag != "" {
		lanes = slices.DeleteFunc(lanes, func(l *spreader) bool { return l.name != *onlyFlag })
	}
	seq := 0
	for b.Loop() {
		for i := range *crowdFlag {
			for k := range lanes {
				seq++
				if err := lanes[(k+i)%len(lanes)].take(i, seq); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	b.Logf("load at the end: %s; %s, %d samples each", load(), about, lanes[0].n)
	b.ReportMetric(0, "ns/op")
	p50 := map[string]float64{}
	for _, l := range lanes {
		b.ReportMetric(l.cpu/float64(l.n), l.name+"-cpu-ms")
		for what, took := range l.took {
			p50[l.name+what] = at(took, 0.50)
			b.ReportMetric(p50[l.name+what], l.name+what+"-p50-ms")
			b.ReportMetric(at(took, 0.99), l.name+what+"-p99-ms")
		}
	}
	if *onlyFlag != "" {
		return
	}
	b.ReportMetric(p50["ours-folded"]/p50["bare"], "x-bare-p50")
	b.ReportMetric(p50["ours-folded"]/p50["bare"]/mostOfPubsub, "of-budget")
	b.ReportMetric(at(lanes[0].took["-folded"], 0.99)/at(lanes[2].took[""], 0.99), "x-bare-p99")
	b.ReportMetric(p50["ours-shown"]/p50["bare"], "shown-x-bare-p50")
	b.ReportMetric(p50["memory-folded"]/p50["bare"], "memory-x-bare-p50")
	b.ReportMetric(p50["ours-folded"]/p50["signed"], "x-signed-p50")
	b.ReportMetric(lanes[0].cpu/lanes[2].cpu, "cpu-x-bare")
}

// spreaders starts all that spread something, and says how.
func spreaders(b *testing.B, ctx context.Context, n int) (lanes []*spreader, about string) {
	disk, memory := openCrowd(b, ctx, folder(b), n), openCrowd(b, ctx, "", n)
	w, err := disk.nodes[0].State().Put("size", make([]byte, *valueFlag))
	if err != nil {
		b.Fatal(err)
	}
	size, err := disk.published(0, w.Version)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := memory.nodes[0].State().Put("size", make([]byte, *valueFlag)); err != nil {
		b.Fatal(err)
	}
	links := disk.links()
	bare, signed := openSwarm(b, ctx, n, links, false), openSwarm(b, ctx, n, links, true)
	<-time.After(5 * time.Second) // until the meshes stand
	return []*spreader{
		{name: "ours", one: func(i, seq int, told func(string)) error { return disk.spread(ctx, i, seq, told) }},
		{name: "memory", one: func(i, seq int, told func(string)) error { return memory.spread(ctx, i, seq, told) }},
		{name: "bare", one: func(i, seq int, told func(string)) error { return bare.spread(ctx, i, seq, size, told) }},
		{name: "signed", one: func(i, seq int, told func(string)) error { return signed.spread(ctx, i, seq, size, told) }},
	}, fmt.Sprintf("%d links, a message has %d bytes", len(links), size)
}

func openCrowd(b testing.TB, ctx context.Context, dir string, n int) *crowd {
	b.Helper()
	c, err := newCrowd(ctx, dir, n)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := c.Close(); err != nil {
			b.Error(err)
		}
	})
	return c
}

func openSwarm(b testing.TB, ctx context.Context, n int, links [][2]int, signed bool) *swarm {
	b.Helper()
	s, err := newSwarm(ctx, n, links, signed)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

// A spreader is a contender: one spreads something from a node, and tells what has happened when.
type spreader struct {
	name string
	one  func(i, seq int, told func(what string)) error
	took map[string][]float64 // by what: milliseconds
	cpu  float64              // of this process, in milliseconds, until a while after
	n    int
}

// take takes one sample, and leaves a while for what it brought about.
func (l *spreader) take(i, seq int) error {
	if l.took == nil {
		l.took = map[string][]float64{}
	}
	cpu, begun := spent(), time.Now()
	err := l.one(i, seq, func(what string) {
		l.took[what] = append(l.took[what], float64(time.Since(begun).Microseconds())/1000)
	})
	<-time.After(5 * time.Millisecond)
	l.cpu += float64((spent() - cpu).Microseconds()) / 1000
	l.n++
	return err
}

// at gives what a part of the samples do not exceed.
func at(took []float64, part float64) float64 {
	s := slices.Sorted(slices.Values(took))
	if len(s) == 0 {
		return 0
	}
	return s[min(len(s)-1, int(part*float64(len(s))))]
}

// spread writes on node i and waits until all have it.
func (c *crowd) spread(ctx context.Context, i, seq int, told func(string)) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	folded, has := c.folded.at[i].Load()+1, c.has.at[i].Load()+1
	if _, err := c.nodes[i].State().Put(fmt.Sprint("spread/", i), value(seq)); err != nil {
		return err
	}
	told("-answered")
	if err := c.folded.reach(ctx, folded); err != nil {
		return err
	}
	told("-folded")
	err := c.has.reach(ctx, has)
	told("-shown")
	return err
}

func value(seq int) []byte {
	v := bytes.Repeat([]byte{7}, max(8, *valueFlag))
	binary.BigEndian.PutUint64(v, uint64(seq))
	return v
}

func (s *swarm) spread(ctx context.Context, i, seq, size int, told func(string)) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	want := s.has.at[i].Load() + 1
	data := bytes.Repeat([]byte{7}, size)
	binary.BigEndian.PutUint64(data, uint64(seq))
	if err := s.topics[i].Publish(ctx, data); err != nil {
		return err
	}
	err := s.has.reach(ctx, want)
	told("")
	return err
}

// BenchmarkSaturated: twenty real nodes that all write. First each goes on as long as the slowest of all is not more than -ahead
// deltas behind what was written: that is what they can fold. Then ten times as many in a second are offered by writers that
// wait for nothing but their own node, and all that was acknowledged has to be on all in the end.
func BenchmarkSaturated(b *testing.B) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	defer cancel()
	b.Logf("load at the start: %s", load())
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(max(runtime.NumCPU(), *crowdFlag)))
	c := openCrowd(b, ctx, folder(b), *crowdFlag)
	<-time.After(3 * time.Second)
	d := *busyFlag
	if testing.Short() {
		d = time.Second
	}
	var last saturation
	for b.Loop() {
		s, err := c.saturate(ctx, *aheadFlag, d)
		if err != nil {
			b.Fatal(err)
		}
		s.over, err = c.flood(ctx, 10*s.rate, d)
		if err != nil {
			b.Fatal(err)
		}
		last = s
	}
	b.Logf("load at the end: %s", load())
	for reason, n := range c.refused() {
		b.Logf("refused in all: %s: %d", reason, n)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(last.rate, "deltas/s")
	b.ReportMetric(last.cpu, "cpu-µs/delta")
	b.ReportMetric(last.cpu/float64(len(c.nodes)), "cpu-µs/delta·node")
	b.ReportMetric(last.over.offered/last.rate, "offered-x")
	b.ReportMetric(last.over.rate/last.rate, "written-x")
	b.ReportMetric(float64(last.over.acked), "acknowledged")
	b.ReportMetric(float64(last.over.refused), "refused")
	b.ReportMetric(last.over.settled.Seconds(), "settled-s")
}

type saturation struct {
	rate float64 // deltas in a second that are folded on all
	cpu  float64 // microseconds of the processor for one
	over flooded
}

type flooded struct {
	offered, rate  float64 // writes in a second
	acked, refused int
	settled        time.Duration // from the last write to all on all
}

// saturate has each node write, at most ahead deltas in front of the slowest node, for a while.
func (c *crowd) saturate(ctx context.Context, ahead int64, d time.Duration) (s saturation, err error) {
	var work sync.WaitGroup
	run, stop := context.WithTimeout(ctx, d)
	defer stop()
	errs := make(chan error, len(c.nodes)*writersEach)
	var turn, wrote atomic.Int64
	before, begun, cpu := c.has.least(), time.Now(), spent()
	for i, nd := range c.nodes {
		for w := range writersEach {
			work.Go(func() {
				for n := 0; c.has.reach(run, before+turn.Add(1)-ahead) == nil; n++ {
					if _, err := nd.State().Put(fmt.Sprintf("saturate/%d/%d/%d", i, w, n%64), value(n)); err != nil {
						errs <- err
						return
					}
					wrote.Add(1)
				}
			})
		}
	}
	work.Wait()
	select {
	case err := <-errs:
		return s, err
	default:
	}
	if err := c.has.reach(ctx, before+wrote.Load()); err != nil {
		return s, err
	}
	n := float64(wrote.Load())
	return saturation{rate: n / time.Since(begun).Seconds(), cpu: float64((spent() - cpu).Microseconds()) / n}, nil
}

// flood has each node write at its part of a rate, whether or not others follow, and waits until all hold all.
func (c *crowd) flood(ctx context.Context, rate float64, d time.Duration) (f flooded, err error) {
	var mu sync.Mutex
	var versions []dag.ID
	var work sync.WaitGroup
	run, stop := context.WithTimeout(ctx, d)
	defer stop()
	gap := time.Duration(float64(time.Second) * float64(len(c.nodes)*writersEach) / rate)
	before, begun := c.has.least(), time.Now()
	for i, nd := range c.nodes {
		for w := range writersEach {
			work.Go(func() {
				for n := 0; run.Err() == nil; n++ {
					if wait := gap*time.Duration(n) - time.Since(begun); wait > 0 {
						select {
						case <-time.After(wait):
						case <-run.Done():
							return
						}
					}
					put, err := nd.State().Put(fmt.Sprintf("flood/%d/%d/%d", i, w, n%64), value(n))
					mu.Lock()
					if err == nil {
						versions = append(versions, put.Version)
					} else {
						f.refused++
					}
					mu.Unlock()
				}
			})
		}
	}
	work.Wait()
	f.acked, f.offered, f.rate = len(versions), rate, float64(len(versions))/time.Since(begun).Seconds()
	wrote := time.Now()
	if err := c.has.reach(ctx, before+int64(len(versions))); err != nil {
		return f, err
	}
	f.settled = time.Since(wrote)
	return f, c.hold(versions)
}

// hold looks for deltas on every node.
func (c *crowd) hold(versions []dag.ID) error {
	for i, nd := range c.nodes {
		for _, v := range versions {
			if !nd.State().Journal().Has(v) {
				return fmt.Errorf("node %d lacks %v, which was acknowledged", i, v)
			}
		}
	}
	return nil
}

// refused counts what the nodes refused, by channel and reason.
func (c *crowd) refused() map[string]uint64 {
	out := map[string]uint64{}
	for _, nd := range c.nodes {
		for _, r := range nd.State().Status().Refused {
			out[r.Channel+": "+r.Reason] += r.Count
		}
	}
	return out
}

func TestSpread(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := openCrowd(t, ctx, t.TempDir(), 3)
	s := openSwarm(t, ctx, 3, c.links(), false)
	for i := range 3 {
		if err := c.spread(ctx, i, i, func(string) {}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.spread(ctx, 0, 0, 100, func(string) {}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.saturate(ctx, 16, 200*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if f, err := c.flood(ctx, 20_000, 200*time.Millisecond); err != nil || f.acked == 0 {
		t.Fatalf("%+v, %v", f, err)
	}
}
