package graph

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// programs finds the programs of graphs for a replay.
func programs(graphs ...func() *Graph) ReplayOptions {
	return ReplayOptions{Program: func(name string, version int, role string) (*Program, error) {
		for _, g := range graphs {
			if g := g(); g.Name() == name && g.Version() == version {
				return Compile(g, role)
			}
		}
		return nil, fmt.Errorf("there is no %s here", name)
	}}
}

// taken gives all that a recording holds.
func taken(r *Recording) []byte {
	b, _ := r.Take()
	return b
}

func replayed(t *testing.T, b []byte, o ReplayOptions) *Replaying {
	t.Helper()
	r, err := Replay(bytes.NewReader(b), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func newTestRecording() *Recording { return NewRecording(1<<30, func() {}) }

// same fails unless every instance of a recording did again what it had done.
func same(t interface {
	Helper()
	Errorf(string, ...any)
}, r *Replaying) {
	t.Helper()
	for _, i := range r.Instances {
		if !i.OK() {
			t.Errorf("%s %s parts at event %d of %d: %s (%016x, recorded %016x)", i.Graph, i.Role, i.Parted, i.Events, i.Why, i.Hash, i.Recorded)
		}
	}
	if !r.OK() {
		t.Errorf("damage: %s", r.Damage)
	}
}

func TestRecording_ReplaysToTheSameHash(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		draws := rapid.SliceOfN(rapid.IntRange(0, 1000), 1, 40).Draw(rt, "draws")
		whole := labScript(t, draws, func(c, s *node) {})
		rec := newTestRecording()
		recorded := labScript(t, draws, func(c, s *node) {}, Record(rec))
		if !slices.Equal(whole, recorded) {
			rt.Fatalf("recording changes what happens:\n%s\nrecorded:\n%s", strings.Join(whole, "\n"), strings.Join(recorded, "\n"))
		}
		rec.End("the test is over")
		r := replayed(t, taken(rec), programs(lab))
		same(rt, r)
		if len(r.Instances) != 2 || r.Ended != "the test is over" || r.Cut {
			rt.Errorf("%d instances, ended %q, cut %v", len(r.Instances), r.Ended, r.Cut)
		}
	})
}

var labDraws = []int{7, 20, 31, 44, 58, 61, 75, 82, 999, 500, 301, 202}

// labRecording is a recording of two instances.
func labRecording(t *testing.T) []byte {
	rec := newTestRecording()
	labScript(t, labDraws, func(c, s *node) {}, Record(rec))
	return taken(rec)
}

// TestRecording_ACutReplaysToItsLastWholeEvent cuts a recording at every byte, as a process that is killed may.
func TestRecording_ACutReplaysToItsLastWholeEvent(t *testing.T) {
	b := labRecording(t)
	whole := replayed(t, b, programs(lab))
	same(t, whole)
	if whole.Cut || whole.Ended != "" {
		t.Errorf("a recording without its end mark: cut %v, ended %q", whole.Cut, whole.Ended)
	}
	last, step := uint64(0), max(1, len(b)/500)
	for n := 0; n < len(b); n += step {
		r := replayed(t, b[:n], programs(lab))
		same(t, r)
		if r.Events < last || r.Events > whole.Events {
			t.Fatalf("cut at %d of %d: %d events, %d before", n, len(b), r.Events, last)
		}
		last = r.Events
	}
	if r := replayed(t, b[:len(b)-1], programs(lab)); !r.Cut || r.Events != whole.Events-1 {
		t.Errorf("without its last byte: cut %v, %d of %d events", r.Cut, r.Events, whole.Events)
	}
	if r := replayed(t, append(slices.Clone(b), make([]byte, 4096)...), programs(lab)); !r.Cut || !r.OK() || r.Events != whole.Events {
		t.Errorf("with zeros behind it: %+v", r)
	}
}

// TestRecording_DamageIsFound turns bits anywhere but in the magic.
func TestRecording_DamageIsFound(t *testing.T) {
	b := labRecording(t)
	for i, step := len(recordingMagic), max(1, len(b)/500); i < len(b); i += step {
		bad := slices.Clone(b)
		bad[i] ^= 0x10
		if r := replayed(t, bad, programs(lab)); r.OK() || r.Damage == "" {
			t.Fatalf("a bit of byte %d of %d: ok %v, cut %v, damage %q", i, len(b), r.OK(), r.Cut, r.Damage)
		}
	}
	if _, err := Replay(strings.NewReader("no such thing, but long enough"), programs(lab)); !errors.Is(err, ErrNoRecording) {
		t.Errorf("something else: %v", err)
	}
}

// TestRecording_AChangedOpIsFound replays with an op that does something else from some value on.
func TestRecording_AChangedOpIsFound(t *testing.T) {
	build := func(limit int) func() *Graph {
		return func() *Graph {
			g, r := one()
			in, v := askOf(r, "go")
			tab := Table(r, "t", self, Capacity(100))
			kept := Op2(testOps, "keep", 1, func(_ *Tick, v int, t *Rows[int, int]) (int, error) {
				if v >= limit {
					v++
				}
				return 0, t.Put(v, time.Minute)
			})(v, tab)
			Reply(in, kept)
			return g
		}
	}
	rec, w := newTestRecording(), newWorld(t)
	n := w.start(build(1000)(), "r", "n", Record(rec))
	for i := range 20 {
		ask[int, int](n, "go", i, time.Second)
		n.run()
	}
	b := taken(rec)
	same(t, replayed(t, b, programs(build(1000))))
	i := replayed(t, b, programs(build(12))).Instances[0]
	want(t, "parted at", i.Parted, 13) // the requests count from 0, the events from 1
	want(t, "ok", i.OK(), false)
	want(t, "the drawing", i.Changed, false)
	want(t, "why", i.Why, "it does something else with the same event")
}

// TestRecording_AChangedEffectIsFound replays with a step that does something else with one value: in each way in which it
// may show.
func TestRecording_AChangedEffectIsFound(t *testing.T) {
	pass := func(name string, fn func(v int) (int, error)) func(In[int]) Wire[int] {
		return Op1(testOps, name, 1, func(_ *Tick, v int) (int, error) { return fn(v) })
	}
	for what, place := range map[string]func(r, other *Role, v Wire[int], change func(int) (int, error)){
		"a row": func(r, _ *Role, v Wire[int], change func(int) (int, error)) {
			put(pass("change", change)(v), Table(r, "t", func(int) int { return 0 }, Capacity(10)))
		},
		"a message": func(r, other *Role, v Wire[int], change func(int) (int, error)) {
			in, _ := Send(pass("change", change)(v), Const(r, Peer("p")), other, OneWay[int]("m", MaxRequest(16)), Anyone)
			see[int](new(trace), "see")(received(in))
		},
		"a request": func(r, other *Role, v Wire[int], change func(int) (int, error)) {
			in, a := Call(pass("change", change)(v), Const(r, Peer("p")), other, Exchange[int, int]("x", MaxRequest(16), MaxReply(16)), time.Second, Anyone)
			Reply(in, plain1(in))
			see[int](new(trace), "see")(a)
		},
		"a work": func(r, _ *Role, v Wire[int], change func(int) (int, error)) {
			see[int](new(trace), "see")(Work(pass("change", change)(v), Component[*counter](r, "counter"), "add", (*counter).add, time.Second))
		},
		"a failure that is handled": func(r, _ *Role, v Wire[int], change func(int) (int, error)) {
			c := pass("change", func(v int) (int, error) {
				if v, _ = change(v); v == 5 {
					return 0, errors.New("no")
				}
				return v, nil
			})(v)
			see[int](new(trace), "see")(c)
			see[Failure](new(trace), "see")(c.Failed())
		},
	} {
		t.Run(what, func(t *testing.T) {
			build := func(from, to int) func() *Graph {
				return func() *Graph {
					g, r := one()
					in, v := askOf(r, "go")
					place(r, g.Role("other"), v, func(v int) (int, error) {
						if v == from {
							return to, nil
						}
						return v, nil
					})
					Reply(in, v)
					return g
				}
			}
			rec, w := newTestRecording(), newWorld(t)
			opts := []Option{Record(rec)}
			if what == "a work" {
				opts = append(opts, Bind("counter", &counter{}))
			}
			n := w.start(build(0, 0)(), "r", "n", opts...)
			for i := range 9 {
				ask[int, int](n, "go", i, time.Minute)
				n.run()
			}
			b := taken(rec)
			same(t, replayed(t, b, programs(build(0, 0))))
			if i := replayed(t, b, programs(build(5, 6))).Instances[0]; i.Parted != 6 {
				t.Errorf("parted at event %d: %s", i.Parted, i.Why)
			}
		})
	}
	t.Run("an answer", func(t *testing.T) {
		build := func(add int) func() *Graph {
			return func() *Graph {
				g, r := one()
				in, v := askOf(r, "go")
				Reply(in, pass("change", func(v int) (int, error) { return v + add, nil })(v))
				return g
			}
		}
		rec, w := newTestRecording(), newWorld(t)
		n := w.start(build(0)(), "r", "n", Record(rec))
		ask[int, int](n, "go", 1, time.Minute)
		n.run()
		if i := replayed(t, taken(rec), programs(build(1))).Instances[0]; i.Parted != 1 {
			t.Errorf("parted at event %d: %s", i.Parted, i.Why)
		}
	})
}

// TestRecording_WhatIsAskedForDiffers replays with programs that ask their host for something else.
func TestRecording_WhatIsAskedForDiffers(t *testing.T) {
	build := func(draw func(x *Tick) uint64) func() *Graph {
		return func() *Graph {
			g, r := one()
			in, v := askOf(r, "go")
			Reply(in, Op1(testOps, "draw", 1, func(x *Tick, v int) (int, error) { return int(draw(x)%2) * 0, nil })(v))
			return g
		}
	}
	random := func(x *Tick) uint64 { return x.Rand() }
	rec, w := newTestRecording(), newWorld(t)
	n := w.start(build(random)(), "r", "n", Record(rec))
	ask[int, int](n, "go", 1, time.Second)
	n.run()
	b := taken(rec)
	same(t, replayed(t, b, programs(build(random))))
	for _, c := range []struct {
		draw func(x *Tick) uint64
		why  string
	}{
		{func(x *Tick) uint64 { return uint64(x.Wall().Unix()) }, "it asks for the calendar, where the recording has randomness"},
		{func(x *Tick) uint64 { return x.Rand() + x.Rand() }, "it asks for randomness, where the recording has nothing more"},
		{func(*Tick) uint64 { return 0 }, "it asks for nothing more, where the recording has randomness"},
		{func(*Tick) uint64 { panic("what now") }, "it panics: what now"},
	} {
		i := replayed(t, b, programs(build(c.draw))).Instances[0]
		want(t, "why", i.Why, c.why)
		want(t, "event", i.Parted, 1)
	}
	other := replayed(t, b, programs()).Instances[0]
	want(t, "without the program", other.Why, "there is no one here")
}

// TestRecording_AChangedDrawingIsTold replays with a program that has another step, which does not fire at first.
func TestRecording_AChangedDrawingIsTold(t *testing.T) {
	build := func(more bool) func() *Graph {
		return func() *Graph {
			g, r := one()
			in, v := askOf(r, "go")
			small, large := Branch(testOps, "small", 1, func(_ *Tick, v int) (int, bool, error) { return v, v < 3, nil })(v)
			if more {
				large = Op1(testOps, "more", 1, func(_ *Tick, v int) (int, error) { return v, nil })(large)
			}
			Reply(in, Merge(small, large))
			return g
		}
	}
	rec, w := newTestRecording(), newWorld(t)
	n := w.start(build(false)(), "r", "n", Record(rec))
	for i := range 5 {
		ask[int, int](n, "go", i, time.Second)
		n.run()
	}
	i := replayed(t, taken(rec), programs(build(true))).Instances[0]
	want(t, "changed", i.Changed, true)
	want(t, "parted at", i.Parted, 4)
	want(t, "why", i.Why, "it does something else with the same event (the program has changed since it was recorded)")
}

// TestRecording_IsBounded gives it less room than it would need.
func TestRecording_IsBounded(t *testing.T) {
	g := func() *Graph {
		g, r := one()
		in, v := askOf(r, "go")
		Reply(in, v)
		return g
	}
	rec, w := NewRecording(2000, func() {}), newWorld(t)
	n := w.start(g(), "r", "n", Record(rec))
	tape, host := n.in.tape, n.in.host
	for i := range 1000 {
		a := ask[int, int](n, "go", i, time.Second)
		n.run()
		want(t, "answer", a.v, i)
	}
	want(t, "ended", rec.Ended(), "its limit was reached")
	if n.in.host != host {
		t.Error("the host was taken from under those who deliver")
	}
	frame, sum := len(tape.rec.frame), tape.sum
	host.Uint64()
	host.Wall()
	host.Send(Message{})
	if n.in.tape != nil || len(tape.rec.frame) != frame || tape.sum != sum {
		t.Error("the instance is still recorded")
	}
	b := taken(rec)
	if len(b) > 2000+100 {
		t.Errorf("%d bytes", len(b))
	}
	r := replayed(t, b, programs(g))
	same(t, r)
	if r.Ended != "its limit was reached" || r.Events == 0 || r.Events >= 1000 {
		t.Errorf("ended %q, %d events", r.Ended, r.Events)
	}
	behind := NewRecording(1<<40, func() {})
	for range mostWaiting/mostFrame + 3 {
		behind.put(make([]byte, mostFrame/4))
	}
	if _, more := behind.Take(); more || behind.Ended() != "the disk did not keep up" {
		t.Errorf("nobody takes it: %q", behind.Ended())
	}
}

// TestRecording_StopAndRestore records an instance to its stop, and the one that begins with its snapshot.
func TestRecording_StopAndRestore(t *testing.T) {
	rec, w := newTestRecording(), newWorld(t)
	s := w.start(lab(), "server", "s")
	c := w.start(lab(), "client", "c", Bind("to", Peer("s")), Bind("counter", &counter{}), Record(rec))
	w.step(time.Second)
	ask[[]int, string](c, "go", []int{1, 2}, time.Minute)
	c.run()
	w.deliver(w.sent[0])
	s.run()
	b, err := c.in.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	prog := c.in.prog
	c.in.Stop()
	w.sent, w.tasks = nil, nil
	if c.in, err = Start(prog, c, append(slices.Clone(c.opts), Restore(b))...); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Minute)
	r := replayed(t, taken(rec), programs(lab))
	same(t, r)
	if len(r.Instances) != 2 || r.Instances[0].Ended != "the instance was stopped" || r.Instances[1].Ended != "" || r.Instances[1].Events == 0 {
		t.Errorf("%+v", r.Instances)
	}
	if _, err := Start(prog, c, append(slices.Clone(c.opts), Resume(b, c.in))...); err == nil || !strings.Contains(err.Error(), "a recording begins with a start") {
		t.Errorf("Resume: %v", err)
	}
}

// TestRecording_FeedsAreKept changes a feed of a plain value and one of another instance's table.
func TestRecording_FeedsAreKept(t *testing.T) {
	g := func() *Graph {
		g, r := one()
		members, shown := Param[[]Peer](r, "members"), Param[View[int, int]](r, "shown")
		due := Timer(r, "due", shown, false, func(x *Tick, v View[int, int]) (Time, bool) { return x.Now(), v.Len() > 0 })
		tab := Table(r, "t", self, Capacity(1000))
		Op4(testOps, "sum", 1, func(_ *Tick, _ Time, m []Peer, v View[int, int], t *Rows[int, int]) (Done, error) {
			return Done{}, t.Put(len(m)*1000+v.Len()+v.Key(v.Len()-1), time.Minute)
		})(due, members, shown, tab)
		return g
	}
	rec, w := newTestRecording(), newWorld(t)
	members, shown := NewFeed([]Peer(nil)), NewFeed(View[int, int]{})
	n := w.start(g(), "r", "n", Record(rec), Bind("members", members), Bind("shown", shown))
	n.run()
	for i := range 3 {
		members.Set(slices.Repeat([]Peer{"p"}, i))
		var rows []int
		for k := range 50 * i {
			rows = append(rows, k)
		}
		shown.Set(ViewOf(self, rows...))
		n.run()
		w.step(time.Second)
	}
	want(t, "rows", rows(n, 0), "[1099 2199]")
	same(t, replayed(t, taken(rec), programs(g)))
}

func FuzzReplay(f *testing.F) {
	rec := newTestRecording()
	w := &world{now: Time(time.Hour)}
	n := &node{w: w, self: "c"}
	p, err := Compile(lab(), "client")
	if err != nil {
		f.Fatal(err)
	}
	if n.in, err = Start(p, n, Bind("to", Peer("s")), Bind("counter", &counter{}), Record(rec)); err != nil {
		f.Fatal(err)
	}
	Submit(n.in, "go", []int{1, 2, 3}, time.Minute, func(string, error) {})
	for n.in.Next() {
	}
	rec.End("done")
	b := taken(rec)
	f.Add(b)
	f.Add(b[:len(b)/2])
	var bodies []byte // frames without their checksums, so that the fuzzer gets past these
	for at := len(recordingMagic); at < len(b); {
		n := int(b[at]) | int(b[at+1])<<8
		bodies = append(append(bodies, byte(n), byte(n>>8)), b[at+frameOverhead:at+frameOverhead+n]...)
		at += frameOverhead + n
	}
	f.Add(bodies)
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = Replay(bytes.NewReader(b), programs(lab)) // an error or not, never a panic
		framed := []byte(recordingMagic)
		for len(b) > 2 {
			n := min(int(b[0])|int(b[1])<<8, len(b)-2)
			framed = appendRecordFrame(framed, b[2:2+n])
			b = b[2+n:]
		}
		_, _ = Replay(bytes.NewReader(framed), programs(lab))
	})
}
