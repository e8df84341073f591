package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/merograph/merograph/api"
	"github.com/merograph/merograph/components/store"
	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/node"
	"github.com/merograph/merograph/testnet/simnode"
)

const (
	shortKills = 5  // where no time is given
	killAfter  = 40 // writes that every node has acknowledged since the kill before
	writers    = 3  // on each node
	sharedKeys = 6
)

// TestNothingAcknowledgedIsLostOrHidden: three processes, the clock of one an hour ahead and of another an hour behind. All
// write; one after the other is killed at random and started again. In the end all are equal: every write that was
// acknowledged is on each, what each shows is the naive fold of its deltas, and who had seen a write wins over it.
// MEROD_KILLS is how long it goes on, as 5m; MEROD_KILLS_SEED draws the same kills again.
func TestNothingAcknowledgedIsLostOrHidden(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	k := newKills(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var work sync.WaitGroup
	for i := range k.procs {
		for w := range writers {
			work.Go(func() { k.fail(k.write(ctx, i, w)) })
		}
	}
	for b := range 2 {
		work.Go(func() { k.fail(k.pass(ctx, b)) })
	}
	k.fail(k.kill(ctx))
	stop()
	work.Wait()
	k.settle(t)
	t.Logf("%d kills; %d acknowledged writes, %d without an answer, handed on %d times; seed %d", k.killed, len(k.acked), k.unknown, k.handed, k.seed)
}

// kills is a run: the processes and what they have acknowledged.
type kills struct {
	procs []*proc
	seed  uint64
	rand  *rand.Rand // of who kills alone
	for_  time.Duration

	mu      sync.Mutex
	acked   []api.Written
	own     map[string]string // by key: the value, of those that are written once
	since   []int             // by process: acknowledged since the last kill
	news    chan struct{}     // closed when since changes
	batons  [2]string         // their last value
	unknown int
	killed  int
	handed  int
	refused [3]error // by process: the last write that was not answered well
	err     error
}

func newKills(t *testing.T) *kills {
	t.Helper()
	k := &kills{seed: rand.Uint64(), own: map[string]string{}, since: make([]int, 3), news: make(chan struct{})}
	if s := os.Getenv("MEROD_KILLS_SEED"); s != "" {
		if _, err := fmt.Sscan(s, &k.seed); err != nil {
			t.Fatal(err)
		}
	}
	if s := os.Getenv("MEROD_KILLS"); s != "" {
		var err error
		if k.for_, err = time.ParseDuration(s); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("seed %d", k.seed)
	k.rand = rand.New(rand.NewPCG(k.seed, 1))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	swarm := fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", l.Addr().(*net.TCPAddr).Port)
	l.Close()
	dir := t.TempDir()
	c := newProc(t, "coordinator", filepath.Join(dir, "c"), 0, "--swarm-addrs", swarm)
	if err := c.start(); err != nil {
		t.Fatal(err)
	}
	k.procs = append(k.procs, c)
	for _, p := range []struct {
		name   string
		offset time.Duration
	}{{"ahead", time.Hour}, {"behind", -time.Hour}} {
		one := newProc(t, p.name, filepath.Join(dir, p.name), p.offset, "--swarm-addrs", "/ip4/127.0.0.1/tcp/0", "--node-type", "peer",
			"--bootstrap", swarm+"/p2p/"+string(c.id))
		if err := one.start(); err != nil {
			t.Fatal(err)
		}
		k.procs = append(k.procs, one)
	}
	return k
}

// fail keeps the first error that is no end.
func (k *kills) fail(err error) {
	if err == nil || errors.Is(err, context.Canceled) {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err == nil {
		k.err = err
	}
}

// acknowledge notes a write that process i has answered.
func (k *kills) acknowledge(i int, w api.Written) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.acked = append(k.acked, w)
	k.since[i]++
	close(k.news)
	k.news = make(chan struct{})
}

// write writes through one process until ctx ends: keys of its own, each once, and keys that all put and remove.
func (k *kills) write(ctx context.Context, i, writer int) error {
	p, r := k.procs[i], rand.New(rand.NewPCG(k.seed, uint64(100*i+writer)))
	for n := 0; ctx.Err() == nil; n++ {
		key, value := fmt.Sprintf("own/%d/%d/%d", i, writer, n), fmt.Sprintf("%d/%d/%d", i, writer, n)
		method, params := "store_put", any(api.Put(key, []byte(value)))
		if r.IntN(2) == 0 {
			key = fmt.Sprintf("shared/%d", r.IntN(sharedKeys))
			if params = api.Put(key, []byte(value)); r.IntN(4) == 0 {
				method, params = "store_remove", api.Key(key)
			}
		}
		var w api.Written
		err := p.call(ctx, method, params, &w)
		if e := (*api.Error)(nil); err != nil {
			if !errors.As(err, &e) || e.Kind != api.NotFound {
				k.mu.Lock()
				k.unknown++
				k.refused[i] = err
				k.mu.Unlock()
				<-time.After(10 * time.Millisecond) // not before its grant has come, or its end has been seen
			}
			continue
		}
		k.acknowledge(i, w)
		if strings.HasPrefix(key, "own/") {
			k.mu.Lock()
			k.own[key] = value
			k.mu.Unlock()
		}
	}
	return nil
}

// pass hands a key on from process to process: each writes when it shows what the one before has written. That has to show
// everywhere in turn, whatever the clocks say; else it is hidden, and the next one waits in vain.
func (k *kills) pass(ctx context.Context, baton int) error {
	key, last := fmt.Sprintf("baton/%d", baton), ""
	r := rand.New(rand.NewPCG(k.seed, uint64(1000+baton)))
	end := ctx.Done()
	ctx = context.WithoutCancel(ctx) // a call that is given up may be done later
	for n := 1; ; n++ {
		i := r.IntN(len(k.procs))
		shows := func(ctx context.Context, p *proc, want ...string) (got string, err error) {
			return got, until(ctx, fmt.Sprintf("%s on %s", key, p.name), func(ctx context.Context) error {
				var e api.Entry
				if err := p.call(ctx, "store_get", api.Key(key), &e); err != nil && last != "" {
					return err
				}
				if e.Value != nil {
					got = *e.Value
				}
				if !slices.Contains(want, got) {
					return fmt.Errorf("it shows %q, and the last that was written is %q", got, want[0])
				}
				return nil
			})
		}
		if _, err := shows(ctx, k.procs[i], last); err != nil {
			return err
		}
		next := fmt.Sprintf("%d by %s", n, k.procs[i].name)
		var w api.Written
		if err := k.procs[i].call(ctx, "store_put", api.Put(key, []byte(next)), &w); err == nil {
			last = next
			k.acknowledge(i, w)
		} else if last, err = shows(ctx, k.procs[i], last, next); err != nil { // it is there, or never will be
			return err
		}
		k.mu.Lock()
		k.batons[baton], k.handed = last, k.handed+1
		k.mu.Unlock()
		select {
		case <-end:
			return nil
		default:
		}
	}
}

// kill kills one process after the other and starts it again, each time when all have written, until there were enough.
func (k *kills) kill(ctx context.Context) error {
	end := time.Now().Add(k.for_)
	for k.for_ == 0 && k.killed < shortKills || k.for_ > 0 && time.Now().Before(end) {
		if err := k.written(ctx, killAfter+k.rand.IntN(killAfter), -1); err != nil {
			return err
		}
		i := k.rand.IntN(len(k.procs))
		if err := k.procs[i].end(syscall.SIGKILL); err == nil {
			return fmt.Errorf("%s ended well when it was killed", k.procs[i].name)
		}
		k.killed++
		if k.rand.IntN(2) == 0 { // the others go on meanwhile
			if err := k.written(ctx, k.rand.IntN(killAfter), i); err != nil {
				return err
			}
		}
		if err := k.procs[i].start(); err != nil {
			return err
		}
	}
	return k.written(ctx, 1, -1)
}

// written waits until every process but one has acknowledged so many writes from now on.
func (k *kills) written(ctx context.Context, n, but int) error {
	k.mu.Lock()
	clear(k.since)
	k.mu.Unlock()
	limit := time.NewTimer(time.Minute)
	defer limit.Stop()
	for {
		k.mu.Lock()
		news, err := k.news, k.err
		done := true
		for i, got := range k.since {
			done = done && (got >= n || i == but)
		}
		k.mu.Unlock()
		if done || err != nil {
			return err
		}
		select {
		case <-news:
		case <-limit.C:
			return fmt.Errorf("after a minute not every process has acknowledged %d writes: %v; the last refusals are %v; %s", n, k.since, k.refused, k.states(ctx))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// states is what the processes say of themselves.
func (k *kills) states(ctx context.Context) (all string) {
	for _, p := range k.procs {
		var st node.Status
		err := p.call(ctx, "status", nil, &st)
		all += fmt.Sprintf("\n%s: %+v %v", p.name, st, err)
	}
	return all
}

// settle waits until all hold the same, and looks for everything that was acknowledged.
func (k *kills) settle(t *testing.T) {
	t.Helper()
	if k.err != nil {
		t.Fatalf("seed %d, after %d kills: %v", k.seed, k.killed, k.err)
	}
	if err := until(t.Context(), "all equal", k.equal); err != nil {
		t.Fatalf("seed %d: %v", k.seed, err)
	}
	for i, p := range k.procs {
		var st node.Status
		if err := p.call(t.Context(), "status", nil, &st); err != nil {
			t.Fatal(err)
		}
		list, err := k.list(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.end(os.Interrupt.(syscall.Signal)); err != nil {
			t.Errorf("%s: %v", p.name, err)
		}
		k.judge(t, p, st, list)
		for j, other := range k.procs {
			told := strings.Contains(strings.Join(st.Problems, "\n"), "the clock of "+string(other.id)+" is more than an hour ahead")
			if told != (i == 2 && j == 1) {
				t.Errorf("%s tells that the clock of %s is ahead: %v; %v", p.name, other.name, told, st.Problems)
			}
		}
	}
}

// equal says how the processes differ.
func (k *kills) equal(ctx context.Context) error {
	var tips []string
	for i, p := range k.procs {
		var st node.Status
		if err := p.call(ctx, "status", nil, &st); err != nil {
			return err
		}
		if i == 0 {
			tips = st.Contexts[0].Tips
		} else if !slices.Equal(tips, st.Contexts[0].Tips) {
			return fmt.Errorf("%s has %d deltas, with the tips %v; the first has %v", p.name, st.Contexts[0].Deltas, st.Contexts[0].Tips, tips)
		}
	}
	return nil
}

// list gives all that a process shows.
func (k *kills) list(ctx context.Context, p *proc) (all []store.Entry, err error) {
	for after, more := "", true; more; {
		var l api.EntryList
		if err := p.call(ctx, "store_list", api.ListParams{After: after, Limit: 1000}, &l); err != nil {
			return nil, err
		}
		for _, e := range l.Entries {
			v, err := e.Bytes()
			if err != nil {
				return nil, err
			}
			after = e.KeyBytes()
			all = append(all, store.Entry{Key: after, Value: v, Version: e.Version})
		}
		more = l.More
	}
	return all, nil
}

// judge looks into the log of a process that has ended, and at what it showed.
func (k *kills) judge(t *testing.T, p *proc, st node.Status, list []store.Entry) {
	t.Helper()
	j, rec, err := dag.Open(dag.OSDisk(node.LogDir(p.home)), dag.Options{Wall: time.Now, Rand: zeros{}})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if len(rec.Damage) > 0 || rec.Cut {
		t.Errorf("%s: its log was damaged: %+v", p.name, rec)
	}
	var all []*dag.Entry
	ctx, err := dag.ParseID(st.Contexts[0].ID)
	if err == nil {
		err = j.Each(ctx, func(e *dag.Entry) error { all = append(all, e); return nil })
	}
	if err != nil {
		t.Fatal(err)
	}
	lost := 0
	for _, w := range k.acked {
		if !j.Has(w.Version) {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("%s: %d of %d acknowledged writes are lost", p.name, lost, len(k.acked))
	}
	if err := simnode.Shows(ctx, all, j.Proof, list); err != nil {
		t.Errorf("%s: %v", p.name, err)
	}
	shown := map[string]string{}
	for _, e := range list {
		shown[e.Key] = string(e.Value)
	}
	for key, value := range k.own {
		if shown[key] != value {
			t.Errorf("%s shows %q under %s, where %q alone was put", p.name, shown[key], key, value)
		}
	}
	for b, want := range k.batons {
		if got := shown[fmt.Sprintf("baton/%d", b)]; got != want {
			t.Errorf("%s shows %q under baton/%d, and %q was written by one that had seen it", p.name, got, b, want)
		}
	}
}

// zeros are no randomness: the log that is read is not written.
type zeros struct{}

// Read gives zeros.
func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }
