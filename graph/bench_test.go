package graph

import (
	"fmt"
	"testing"
	"time"
)

// nullHost keeps nothing but the latest message.
type nullHost struct {
	now  Time
	last Message
	sent int
}

func (h *nullHost) Self() Peer      { return "s" }
func (h *nullHost) Now() Time       { return h.now }
func (h *nullHost) Wall() time.Time { return time.Time{} }
func (h *nullHost) Uint64() uint64  { return 1 }
func (h *nullHost) Work(*Task)      {}
func (h *nullHost) Wake()           {}
func (h *nullHost) Send(m Message)  { h.last = m; h.sent++ }

type (
	bytes16 struct{ a, _ int64 }
	bytes64 struct{ a, _, _, _, _, _, _, _ int64 }
)

var benchOps = NewOpset("bench")

// hops is a chain of n ops between a timer's origin and a step with an effect, to be fired by hand.
func hops[T any](n int, hop func(In[T]) Wire[T]) *Graph {
	g := New("hops", 1)
	r := g.Role("r")
	due := Timer(r, "due", Const(r, Time(0)), false, func(_ *Tick, at Time) (Time, bool) { return at, false })
	start := Op1(benchOps, "start", 1, func(*Tick, Time) (v T, err error) { return v, nil })
	stop := Op1(benchOps, "stop", 1, func(*Tick, T) (Done, error) { return Done{}, nil })
	w := start(due)
	for range n {
		w = hop(w)
	}
	stop(w)
	return g
}

// fire has an instance begin an activation at its first step again and again; the difference of two lengths is the hops.
func fire(b *testing.B, g *Graph) {
	p, err := Compile(g, "r")
	if err != nil {
		b.Fatal(err)
	}
	in, err := Start(p, &nullHost{now: 1})
	if err != nil {
		b.Fatal(err)
	}
	ev := event{at: 1}
	b.ReportAllocs()
	for b.Loop() {
		in.begin(0, &ev, "timer")
	}
}

func benchHops[T any](b *testing.B, hop func(In[T]) Wire[T]) {
	var without float64
	b.Run("chain=0", func(b *testing.B) {
		fire(b, hops(0, hop))
		without = float64(b.Elapsed().Nanoseconds()) / float64(b.N)
	})
	b.Run("chain=16", func(b *testing.B) {
		fire(b, hops(16, hop))
		b.ReportMetric((float64(b.Elapsed().Nanoseconds())/float64(b.N)-without)/16, "ns/hop")
	})
}

// BenchmarkHop is the cost of one op of a chain of 16 pure ops: ns/hop is what the chain costs more than none, for each of
// its ops, with failure ports and counters on.
func BenchmarkHop(b *testing.B) {
	b.Run("bytes=8", func(b *testing.B) {
		benchHops(b, Op1(benchOps, "hop", 1, func(_ *Tick, v int64) (int64, error) { return v + 1, nil }))
	})
	b.Run("bytes=16", func(b *testing.B) {
		benchHops(b, Op1(benchOps, "hop", 1, func(_ *Tick, v bytes16) (bytes16, error) { v.a++; return v, nil }))
	})
	b.Run("bytes=64", func(b *testing.B) {
		benchHops(b, Op1(benchOps, "hop", 1, func(_ *Tick, v bytes64) (bytes64, error) { v.a++; return v, nil }))
	})
}

type benchAsk struct{ A, B uint64 }

func sixSteps() *Graph {
	g := New("six", 1)
	c, s := g.Role("c"), g.Role("s")
	peer := Param[Peer](c, "peer")
	said := Ask[benchAsk, benchAsk](c, "say")
	value := Op1(benchOps, "value", 1, func(_ *Tick, r *Request[benchAsk, benchAsk]) (benchAsk, error) { return r.Value, nil })
	add := Op1(benchOps, "add", 1, func(_ *Tick, v benchAsk) (benchAsk, error) { v.A++; return v, nil })
	in, answer := Call(value(said), peer, s, Exchange[benchAsk, benchAsk]("x", MaxRequest(64), MaxReply(64)), time.Second, Anyone)
	w := value(in)
	for range 5 {
		w = add(w)
	}
	Reply(in, w)
	Reply(said, answer)
	return g
}

// BenchmarkActivation is a message in, six steps, and a reply out.
func BenchmarkActivation(b *testing.B) { benchActivation(b) }

// BenchmarkActivationRecorded is the same while it is recorded; what is recorded is thrown away now and then.
func BenchmarkActivationRecorded(b *testing.B) {
	var r *Recording
	size := 0
	r = NewRecording(1<<60, func() {
		if r.waitingBytes() > 1<<20 {
			part, _ := r.Take()
			size += len(part)
		}
	})
	benchActivation(b, Record(r))
	part, _ := r.Take()
	b.ReportMetric(float64(size+len(part))/float64(b.N), "B/event")
}

func (r *Recording) waitingBytes() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.waiting)
}

func benchActivation(b *testing.B, opts ...Option) {
	p, err := Compile(sixSteps(), "s")
	if err != nil {
		b.Fatal(err)
	}
	h := &nullHost{now: 1}
	in, err := Start(p, h, opts...)
	if err != nil {
		b.Fatal(err)
	}
	payload, err := codec[benchAsk]{}.encode(&benchAsk{1, 2})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		h.now++
		if f := in.Deliver(Message{Kind: RequestMsg, Channel: "x", Peer: "c", Call: uint64(h.now), Remaining: time.Second, Payload: payload}); f != nil {
			b.Fatal(f)
		}
		for in.Next() {
		}
	}
	if h.sent != int(h.now)-1 || h.last.Kind != ReplyMsg {
		b.Fatal(h.sent, h.last)
	}
}

// BenchmarkView is a row put into a table of n, and the view of it.
func BenchmarkView(b *testing.B) {
	for _, n := range []int{1000, 10000} {
		b.Run(fmt.Sprintf("rows=%d", n), func(b *testing.B) {
			rows := newRows(&Instance{now: 1}, &table{capacity: n}, func(v benchAsk) uint64 { return v.A })
			for i := range n {
				_ = rows.Put(benchAsk{A: uint64(i)}, time.Minute)
			}
			i := uint64(0)
			for b.Loop() {
				i++
				_ = rows.Put(benchAsk{A: i % uint64(n), B: i}, time.Minute)
				if rows.View().Len() != n {
					b.Fatal("lost a row")
				}
				rows.forget()
				rows.in.undo, rows.in.touched = rows.in.undo[:0], rows.in.touched[:0]
			}
		})
	}
}
