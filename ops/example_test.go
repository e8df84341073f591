package ops_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/graph/graphtest"
	"github.com/merograph/merograph/ops"
)

func ExampleMap() {
	play(func(r *graph.Role) {
		show("loud", ops.Map("upper", said(r, "say"), strings.ToUpper))
	}, "say hello")
	// Output:
	// loud HELLO
}

func ExampleFilter() {
	play(func(r *graph.Role) {
		show("kept", ops.Filter("short", said(r, "say"), func(w string) bool { return len(w) < 4 }))
	}, "say one", "say three", "say two")
	// Output:
	// kept one
	// kept two
}

func ExampleSplit() {
	play(func(r *graph.Role) {
		short, long := ops.Split("short", said(r, "say"), func(w string) bool { return len(w) < 4 })
		show("short", short)
		show("long", long)
	}, "say one", "say three")
	// Output:
	// short one
	// long three
}

func ExampleMerge() {
	play(func(r *graph.Role) {
		show("either", ops.Merge(said(r, "left"), said(r, "right")))
	}, "left a", "right b")
	// Output:
	// either a
	// either b
}

// number is an op that can fail.
var number = graph.Op1(kit, "number", 1, func(_ *graph.Tick, w string) (n int, err error) {
	_, err = fmt.Sscan(w, &n)
	return n, err
})

func ExampleCatch() {
	play(func(r *graph.Role) {
		show("number", ops.Catch("zero", number(said(r, "say")), func(graph.Failure) int { return 0 }))
	}, "say 12", "say twelve")
	// Output:
	// number 12
	// number 0
}

func ExampleRefuse() {
	play(func(r *graph.Role) {
		few, more := ops.LimitRate(r, "rate", said(r, "say"), time.Second, 1)
		show("through", few)
		ops.Refuse(more, graph.Busy, time.Second, "one a second")
	}, "say a", "say b", "1s", "say c")
	// Output:
	// through a
	// say b → busy
	// through c
}

func ExampleValue() {
	play(func(r *graph.Role) {
		in := graph.Ask[string, graph.Done](r, "say")
		word := ops.Value(in)
		show("word", word)
		graph.Reply(in, ops.Map("done", word, func(string) graph.Done { return graph.Done{} }))
	}, "say hello")
	// Output:
	// word hello
}

func ExampleContent() {
	note := graph.OneWay[string]("note", graph.MaxRequest(64))
	play(func(r *graph.Role) {
		in, _ := graph.Send(said(r, "say"), graph.Const(r, graph.Peer("n")), r, note, graph.Anyone) // to itself
		show("got", ops.Content(in))
	}, "say hello")
	// Output:
	// got hello
}

func ExampleGate() {
	play(func(r *graph.Role) {
		open := graph.Row[bool](r, "open")
		ops.Set(ops.Map("open", said(r, "gate"), func(w string) bool { return w == "open" }), open)
		through, shut := ops.Gate(said(r, "say"), open.Cell())
		show("through", through)
		show("shut out", shut)
	}, "say a", "gate open", "say b", "gate shut", "say c")
	// Output:
	// shut out a
	// through b
	// shut out c
}

func ExampleDue() {
	play(func(r *graph.Role) {
		next := graph.Row[graph.Time](r, "next")
		in := graph.Op1(kit, "in a minute", 1, func(x *graph.Tick, _ string) (graph.Time, error) { return x.Now().Add(time.Minute), nil })
		ops.Set(in(said(r, "say")), next)
		due := ops.Due(r, next.Cell(), func(at graph.Time) (graph.Time, bool) { return at, at != 0 })
		show("due", ops.Map("word", due, func(graph.Time) string { return "now" }))
	}, "say go", "59s", "say again", "59s", "1s")
	// Output:
	// due now
}

func ExampleEvery() {
	play(func(r *graph.Role) {
		n := graph.Row[int](r, "n")
		count := graph.Op2(kit, "count", 1, func(_ *graph.Tick, _ graph.Time, n *graph.One[int]) (int, error) {
			had, _ := n.Get()
			return had + 1, n.Set(had + 1)
		})
		show("time", count(ops.Every(r, time.Second, 0), n))
	}, "3s")
	// Output:
	// time 1
	// time 2
	// time 3
}

func ExampleChanged() {
	play(func(r *graph.Role) {
		word := graph.Row[string](r, "word")
		ops.Set(said(r, "say"), word)
		read := graph.Op2(kit, "read", 1, func(_ *graph.Tick, _ graph.Time, w string) (string, error) { return fmt.Sprintf("%q", w), nil })
		show("is", read(ops.Changed(r, word.Cell()), word.Cell()))
	}, "say hello", "1s")
	// Output:
	// is "hello"
}

func ExampleOnce() {
	play(func(r *graph.Role) {
		show("once", ops.Map("word", ops.Once(r, time.Minute, 0), func(graph.Time) string { return "now" }))
	}, "59s", "1s", "1h")
	// Output:
	// once now
}

func ExampleAfter() {
	play(func(r *graph.Role) {
		a := ops.After(r, "later", said(r, "say"), 5*time.Second, 2)
		show("later", a.Out)
		show("no room:", ops.Map("why", a.In.Failed(), func(f graph.Failure) graph.Reason { return f.Reason }))
	}, "say a", "say b", "say c", "5s")
	// Output:
	// no room: busy
	// later a
	// later b
}

func ExampleIgnore() {
	play(func(r *graph.Role) {
		short, long := ops.Split("short", said(r, "say"), func(w string) bool { return len(w) < 4 })
		show("short", short)
		ops.Ignore(long)
	}, "say one", "say three")
	// Output:
	// short one
}

func ExampleDedupe() {
	play(func(r *graph.Role) {
		fresh, again := ops.Dedupe(r, "seen", said(r, "say"), letter, time.Minute, 100)
		show("fresh", fresh)
		show("again", again)
	}, "say a1", "say b1", "30s", "say a2", "30s", "say a3")
	// Output:
	// fresh a1
	// fresh b1
	// again a2
	// fresh a3
}

func ExampleLimitRate() {
	play(func(r *graph.Role) {
		through, over := ops.LimitRate(r, "rate", said(r, "say"), time.Second, 2) // two at once, one more each second
		show("through", through)
		show("over", over)
	}, "say a", "say b", "say c", "1s", "say d", "say e")
	// Output:
	// through a
	// through b
	// over c
	// through d
	// over e
}

func ExampleLimitRateBy() {
	play(func(r *graph.Role) {
		through, over := ops.LimitRateBy(r, "rate", said(r, "say"), letter, time.Second, 1, 100)
		show("through", through)
		show("over", over)
	}, "say a1", "say a2", "say b1", "1s", "say a3")
	// Output:
	// through a1
	// over a2
	// through b1
	// through a3
}

func ExampleLimitConcurrency() {
	slow := graph.Exchange[string, string]("slow", graph.MaxRequest(64), graph.MaxReply(64))
	play(func(r *graph.Role) {
		c := ops.LimitConcurrency(r, "busy", said(r, "say"), 1, time.Minute)
		show("no permit", c.Over)
		word := ops.Map("word", c.Through, func(p ops.Permit[string]) string { return p.Value })
		in, answer := graph.Call(word, graph.Const(r, graph.Peer("n")), r, slow, 5*time.Second, graph.Anyone) // to itself
		graph.Reply(in, ops.Value(in))
		show("done", ops.Release(c, answer))
		ops.Ignore(ops.Release(c, answer.Failed()))
	}, "say a", "say b")
	// Output:
	// done a
	// done b
}

func ExampleRelease() {
	play(func(r *graph.Role) {
		c := ops.LimitConcurrency(r, "busy", said(r, "say"), 1, time.Minute)
		show("no permit", c.Over)
		keep, free := ops.Split("keep", c.Through, func(p ops.Permit[string]) bool { return p.Value == "keep" })
		show("kept", ops.Map("word", keep, func(p ops.Permit[string]) string { return p.Value }))
		show("done", ops.Map("word", ops.Release(c, free), func(p ops.Permit[string]) string { return p.Value }))
	}, "say a", "say keep", "say b", "1m", "say c")
	// Output:
	// done a
	// kept keep
	// no permit b
	// done c
}

func ExampleRepeats() {
	work := graph.Exchange[string, int]("work", graph.MaxRequest(64), graph.MaxReply(64))
	play(func(r *graph.Role) {
		self := graph.Const(r, graph.Peer("n"))
		in, answer := graph.Call(said(r, "say"), self, r, work, time.Second, graph.Anyone, graph.Retry(3, time.Second, time.Second))
		p := ops.Repeats(r, "calls", in, time.Minute, 100)
		n := ops.Map("length", p.Fresh, func(q *graph.Request[string, int]) int { return len(q.Value) })
		graph.Reply(in, graph.Merge(ops.Remember(p, n), p.Again))
		show("length", answer)
	}, "say hello")
	// Output:
	// length 5
}

func ExampleRemember() {
	work := graph.Exchange[string, int]("work", graph.MaxRequest(64), graph.MaxReply(64))
	g := graph.New("example", 1)
	client, server := g.Role("client"), g.Role("server")
	to := graph.Param[graph.Peer](client, "server")
	in, answer := graph.Call(said(client, "say"), to, server, work, time.Second, graph.Anyone, graph.Retry(3, time.Second, time.Second))
	show("answer", answer)
	p := ops.Repeats(server, "calls", in, time.Minute, 100)
	n := ops.Map("length", p.Fresh, func(q *graph.Request[string, int]) int {
		fmt.Println("the work is done")
		return len(q.Value)
	})
	graph.Reply(in, graph.Merge(ops.Remember(p, n), p.Again))

	w := graphtest.New(noTest{})
	w.Start(g, "server", "s")
	c := w.Start(g, "client", "c", graph.Bind("server", graph.Peer("s")))
	lost := 0
	w.Lose = func(_ graph.Peer, m graph.Message) bool { // the first answer
		if m.Kind == graph.ReplyMsg {
			lost++
		}
		return m.Kind == graph.ReplyMsg && lost == 1
	}
	graph.Submit(c.Instance, "say", "hello", time.Minute, func(graph.Done, error) {})
	w.Pass(5 * time.Second)
	fmt.Println("answers sent:", lost)
	// Output:
	// the work is done
	// answer 5
	// answers sent: 2
}
