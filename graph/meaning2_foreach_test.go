package graph

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

var outcomes = Op1(testOps, "outcomes", 1, func(_ *Tick, all []Outcome[int]) (string, error) {
	var out []string
	for _, o := range all {
		if o.Failure != nil {
			out = append(out, o.Failure.Reason.String())
		} else {
			out = append(out, fmt.Sprint(o.Value))
		}
	}
	return strings.Join(out, " "), nil
})

// eachOf is a graph whose ask "go" runs a body for each of a list, and answers with what became of the items.
func eachOf(most int, body func(g *Graph, r *Role, item Wire[int], in Wire[*Request[[]int, string]]) Wire[int]) *Graph {
	g, r := one()
	in := Ask[[]int, string](r, "go")
	item := ForEach(valueOf(in), most)
	Reply(in, outcomes(Gather(body(g, r, item, in))))
	return g
}

func double(l *trace) func(In[int]) Wire[int] {
	return Op1(testOps, "double", 1, func(_ *Tick, v int) (int, error) {
		l.add("%d", v)
		if v < 0 {
			return 0, fmt.Errorf("%d is less than nothing", v)
		}
		return 2 * v, nil
	})
}

func TestMeaning2_ForEach(t *testing.T) {
	var l trace
	simple := func(_ *Graph, _ *Role, item Wire[int], _ Wire[*Request[[]int, string]]) Wire[int] {
		return double(&l)(item)
	}

	t.Run("each item is a tick of its own, in item order, after the parent's commit", func(t *testing.T) {
		w := newWorld(t)
		n := w.start(eachOf(8, simple), "r", "n")
		a := ask[[]int, string](n, "go", []int{3, 1, 2}, time.Minute)
		n.run()
		want(t, "answer", a.v, "6 2 4")
		want(t, "order", l.take(), "3 1 2")
		var ticks []string
		for _, line := range n.log {
			ticks = append(ticks, strings.Fields(line)[0])
		}
		want(t, "ticks", strings.Join(ticks, " "), "ask item item item gather")
		n.quiet(t)
	})
	t.Run("no items at all are gathered too", func(t *testing.T) {
		n := newWorld(t).start(eachOf(8, simple), "r", "n")
		a := ask[[]int, string](n, "go", nil, time.Minute)
		n.run()
		want(t, "answered", a.n, 1)
		want(t, "answer", a.v, "")
		n.quiet(t)
	})
	t.Run("an unhandled failure ends that item alone, and is an absence with its reason", func(t *testing.T) {
		n := newWorld(t).start(eachOf(8, simple), "r", "n")
		a := ask[[]int, string](n, "go", []int{1, -1, 2}, time.Minute)
		n.run()
		want(t, "answer", a.v, "2 local 4")
		n.quiet(t)
		l.take()
	})
	t.Run("a handled failure without a value is an absence too", func(t *testing.T) {
		n := newWorld(t).start(eachOf(8, func(_ *Graph, _ *Role, item Wire[int], _ Wire[*Request[[]int, string]]) Wire[int] {
			w := double(&l)(item)
			see[Failure](&l, "handled")(w.Failed())
			return w
		}), "r", "n")
		a := ask[[]int, string](n, "go", []int{-1, 2}, time.Minute)
		n.run()
		want(t, "answer", a.v, "no reply 4")
		l.take()
	})
	t.Run("too many items fail in the activation", func(t *testing.T) {
		n := newWorld(t).start(eachOf(2, simple), "r", "n")
		a := ask[[]int, string](n, "go", []int{1, 2, 3}, time.Minute)
		n.run()
		want(t, "reason", a.reason(), TooLarge)
		n.quiet(t)
	})
	t.Run("a body reads outer wires recorded before it, as they were when it opened", func(t *testing.T) {
		g, r := one()
		in := Ask[[]int, string](r, "go")
		count := Op1(testOps, "count", 1, func(_ *Tick, q *Request[[]int, string]) (int, error) { return len(q.Value), nil })(in)
		item := ForEach(valueOf(in), 8)
		sum := Op2(testOps, "sum", 1, func(_ *Tick, a, b int) (int, error) { return a + b, nil })(item, through[int](&l, "late")(count))
		_ = sum
		Reply(in, outcomes(Gather(sum)))
		err := check(g)
		if len(err) != 1 || !strings.Contains(err.Error(), "recorded after the for-each") {
			t.Fatalf("a wire that is recorded later: %v", err)
		}
		g, r = one()
		in = Ask[[]int, string](r, "go")
		count = Op1(testOps, "count", 1, func(_ *Tick, q *Request[[]int, string]) (int, error) { return len(q.Value), nil })(in)
		item = ForEach(valueOf(in), 8)
		Reply(in, outcomes(Gather(Op2(testOps, "sum", 1, func(_ *Tick, a, b int) (int, error) { return 10*a + b, nil })(item, count))))
		n := newWorld(t).start(g, "r", "n")
		a := ask[[]int, string](n, "go", []int{1, 2}, time.Minute)
		n.run()
		want(t, "answer", a.v, "12 22")
	})
	t.Run("items suspend side by side, and a parent that ends cancels them", func(t *testing.T) {
		g := New("fan", 1)
		client, server := g.Role("client"), g.Role("server")
		to := Param[Peer](client, "to")
		in := Ask[[]int, string](client, "go")
		item := ForEach(valueOf(in), 8)
		got, answer := Call(item, to, server, Exchange[int, int]("x", MaxRequest(16), MaxReply(16)), time.Second, Anyone)
		Reply(got, plain1(got))
		Reply(in, outcomes(Gather(answer)))
		w := newWorld(t)
		w.start(g, "server", "s")
		c := w.start(g, "client", "c", Bind("to", Peer("s")))
		a := ask[[]int, string](c, "go", []int{1, 2, 3}, time.Minute)
		c.run()
		want(t, "sent at once", len(w.sent), 3)
		w.settle()
		want(t, "answer", a.v, "2 3 4")
		c.quiet(t)

		b := ask[[]int, string](c, "go", []int{1, 2}, time.Minute)
		c.run()
		w.sent = nil
		c.in.end(c.in.frames[0], &Failure{Reason: Local, Detail: "ended by the test"}) // the parent: it began first
		want(t, "reason", b.reason(), Local)
		kinds := ""
		for _, m := range w.sent {
			kinds += fmt.Sprint(m.Kind == CancelMsg, " ")
		}
		want(t, "cancelled", kinds, "true true ")
		w.sent = nil
		c.run()
		c.quiet(t)
	})
	t.Run("a gather with enough goes on and cancels the rest", func(t *testing.T) {
		g := New("quorum", 1)
		client, server := g.Role("client"), g.Role("server")
		to := Param[Peer](client, "to")
		in := Ask[[]int, string](client, "go")
		item := ForEach(valueOf(in), 8)
		got, answer := Call(item, to, server, Exchange[int, int]("x", MaxRequest(16), MaxReply(16)), time.Second, Anyone)
		Reply(got, plain1(got))
		Reply(in, outcomes(Gather(answer, Enough(Majority))))
		w := newWorld(t)
		c := w.start(g, "client", "c", Bind("to", Peer("s")))
		a := ask[[]int, string](c, "go", []int{1, 2, 3, 4, 5}, time.Minute)
		c.run()
		calls := w.sent
		w.sent = nil
		reply := func(i int, v byte) {
			c.in.Deliver(Message{Kind: ReplyMsg, Channel: "x", Peer: "s", Call: calls[i].Call, Payload: []byte{v}})
			c.run()
		}
		reply(4, 9)
		c.in.Deliver(Message{Kind: ErrorMsg, Channel: "x", Peer: "s", Call: calls[0].Call, Reason: Denied})
		reply(1, 7)
		want(t, "answered too early", a.n, 0)
		reply(2, 8)
		want(t, "answer", a.v, "denied 7 8 lost 9")
		want(t, "cancelled", len(w.sent) == 1 && w.sent[0].Kind == CancelMsg && w.sent[0].Call == calls[3].Call, true)
		c.quiet(t)
		b := ask[[]int, string](c, "go", []int{1, 2, 3}, time.Minute)
		w.pass(2 * time.Second) // nobody answers: it ends when all have ended
		want(t, "without enough", b.v, "timeout timeout timeout")
		c.quiet(t)
	})
	t.Run("bodies nest", func(t *testing.T) {
		g, r := one()
		in := Ask[[]int, string](r, "go")
		outer := ForEach(valueOf(in), 8)
		upTo := Op1(testOps, "up to", 1, func(_ *Tick, n int) (out []int, err error) {
			for i := range n {
				out = append(out, i)
			}
			return out, nil
		})(outer)
		inner := ForEach(upTo, 8)
		product := Op3(testOps, "product", 1, func(_ *Tick, a, b int, q *Request[[]int, string]) (int, error) { return a*b + len(q.Value), nil })(outer, inner, in)
		sum := Op1(testOps, "sum", 1, func(_ *Tick, all []Outcome[int]) (s int, err error) {
			for _, o := range all {
				s += o.Value
			}
			return s, nil
		})(Gather(product))
		Reply(in, outcomes(Gather(sum)))
		n := newWorld(t).start(g, "r", "n")
		a := ask[[]int, string](n, "go", []int{3, 0, 2}, time.Minute)
		n.run()
		want(t, "answer", a.v, "18 0 8") // 3·(0+1+2)+3·3, nothing, 2·(0+1)+2·3
		n.quiet(t)
	})
	t.Run("without a gather the activation waits for its items", func(t *testing.T) {
		g, r := one()
		in := Ask[[]int, Done](r, "go")
		see[int](&l, "item")(ForEach(valueOf(in), 200))
		Reply(in, Op1(testOps, "done", 1, func(*Tick, *Request[[]int, Done]) (Done, error) { return Done{}, nil })(in))
		w := newWorld(t)
		n := w.start(g, "r", "n")
		a := ask[[]int, Done](n, "go", make([]int, 150), time.Minute)
		n.in.Next()
		want(t, "answered", a.n, 1)
		want(t, "a chain is bounded", len(l), 64)
		w.pass(time.Millisecond)
		want(t, "the rest comes at the next instants", len(l), 150)
		n.quiet(t)
		l.take()
	})
	t.Run("items need room", func(t *testing.T) {
		n := newWorld(t).start(eachOf(8, simple), "r", "n", Bound(Bounds{Activations: 3}))
		a := ask[[]int, string](n, "go", []int{1, 2, 3}, time.Minute)
		n.run()
		want(t, "reason", a.reason(), Busy)
		b := ask[[]int, string](n, "go", []int{1, 2}, time.Minute)
		n.run()
		want(t, "answer", b.v, "2 4")
		n.quiet(t)
		l.take()
	})
}

func TestMeaning2_ForEachFaults(t *testing.T) {
	var l trace
	fault := func(name, wantText string, build func(r *Role, in Wire[*Request[[]int, string]])) {
		t.Run(name, func(t *testing.T) {
			g, r := one()
			in := Ask[[]int, string](r, "go")
			build(r, in)
			if err := check(g); !strings.Contains(err.Error(), wantText) {
				t.Errorf("got %v; want %q", err, wantText)
			}
		})
	}
	answer := func(in Wire[*Request[[]int, string]], w In[string]) { Reply(in, w) }
	fault("a gather of what is in no body", "in no body of a for-each", func(r *Role, in Wire[*Request[[]int, string]]) {
		answer(in, outcomes(Gather(Op1(testOps, "n", 1, func(*Tick, *Request[[]int, string]) (int, error) { return 0, nil })(in))))
	})
	fault("two bodies in one step", "in the body of another for-each", func(r *Role, in Wire[*Request[[]int, string]]) {
		a, b := ForEach(valueOf(in), 2), ForEach(valueOf(in), 2)
		answer(in, outcomes(Gather(Op2(testOps, "both", 1, func(_ *Tick, a, b int) (int, error) { return a + b, nil })(a, b))))
	})
	fault("a reply in a body", "a request has one answer", func(r *Role, in Wire[*Request[[]int, string]]) {
		answer(in, Op1(testOps, "text", 1, func(_ *Tick, v int) (string, error) { return "", nil })(ForEach(valueOf(in), 2)))
	})
	fault("no greatest number of items", "no greatest number of items", func(r *Role, in Wire[*Request[[]int, string]]) {
		answer(in, outcomes(Gather(ForEach(valueOf(in), 0))))
	})
	fault("nobody reads the items", "nobody reads its output", func(r *Role, in Wire[*Request[[]int, string]]) {
		ForEach(valueOf(in), 2)
		see[int](&l, "x")(Const(r, 1))
	})
}
