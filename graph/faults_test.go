package graph

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with testdata/name, or writes it there.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(b) != got {
		t.Errorf("%s differs; look at it with go test -update and git diff. Got:\n%s", path, got)
	}
}

// faulty is a graph of two roles with an ask at each and a good exchange between them, which a fault is added to.
type faulty struct {
	g              *Graph
	a, b           *Role
	in             Wire[*Request[int, int]]
	v              Wire[int] // of a's ask
	other          Wire[int] // of a's second ask: another origin
	far            Wire[int] // of b's ask
	to             Cell[Peer]
	table, foreign *TableOf[int, int]
}

func newFaulty() *faulty {
	f := &faulty{g: New("faulty", 1)}
	f.a, f.b = f.g.Role("a"), f.g.Role("b")
	f.to = Param[Peer](f.a, "to")
	f.table, f.foreign = Table(f.a, "t", self, Capacity(1)), Table(f.b, "t", self, Capacity(1))
	f.in, f.v = askOf(f.a, "ask")
	Reply(f.in, f.v)
	in2, v2 := askOf(f.a, "ask2")
	Reply(in2, v2)
	in3, v3 := askOf(f.b, "ask")
	Reply(in3, v3)
	f.other, f.far = v2, v3
	return f
}

var (
	plus = Op2(testOps, "plus", 1, func(_ *Tick, a, b int) (int, error) { return a + b, nil })
	use  = Op1(testOps, "use", 1, func(*Tick, int) (Done, error) { return Done{}, nil })
	pass = Op1(testOps, "pass", 1, func(_ *Tick, v int) (int, error) { return v, nil })
	fret = Op1(testOps, "fret", 1, func(*Tick, Failure) (int, error) { return 0, nil })
)

func (f *faulty) exchange(opts ...ChannelOption) *ExchangeOf[int, int] {
	return Exchange[int, int]("x", opts...)
}

// call places a crossing whose callee is in order.
func (f *faulty) call(ex *ExchangeOf[int, int], who Rule) (answer Wire[int]) {
	in, answer := Call(f.v, f.to, f.b, ex, time.Second, who)
	Reply(in, valueOf(in))
	return answer
}

// sized are the bounds that an exchange must have.
var sized = []ChannelOption{MaxRequest(1), MaxReply(1)}

type stamped struct {
	V  int
	At []map[string]*struct{ T Time }
}

type unkept struct{ n int }

var (
	many      = Op1(testOps, "many", 1, func(_ *Tick, n int) ([]int, error) { return []int{n}, nil })
	useAll    = Op1(testOps, "use all", 1, func(*Tick, []Outcome[int]) (Done, error) { return Done{}, nil })
	received1 = Op1(testOps, "asked", 1, func(_ *Tick, r *Request[int, int]) (int, error) { return r.Value, nil })
)

var faults = []struct {
	name string
	add  func(f *faulty)
}{
	{"an unconnected input port", func(f *faulty) { use(plus(f.v, nil)) }},
	{"an unconnected wire", func(f *faulty) { use(plus(f.v, Wire[int]{})) }},
	{"a wire nobody reads from a step with no effect", func(f *faulty) { pass(f.v) }},
	{"an output of a branch that nobody reads", func(f *faulty) {
		yes, _ := Branch(testOps, "branch", 1, func(_ *Tick, v int) (int, bool, error) { return v, true, nil })(f.v)
		use(yes)
	}},
	{"an origin nobody reads: a timer", func(f *faulty) {
		Timer(f.a, "every", Const(f.a, 1), true, func(*Tick, int) (Time, bool) { return 0, false })
	}},
	{"an origin nobody reads: changes", func(f *faulty) { f.table.Changes() }},
	{"an origin nobody reads: a message", func(f *faulty) { Send(f.v, f.to, f.b, OneWay[int]("m", MaxRequest(1)), Anyone) }},
	{"an origin nobody reads: failures", func(f *faulty) { f.a.Failures() }},
	{"a step that reads w and w.Failed()", func(f *faulty) {
		w := pass(f.v)
		use(plus(w, fret(w.Failed())))
	}},
	{"a step that reads both outputs of a branch", func(f *faulty) {
		yes, no := Branch(testOps, "branch", 1, func(_ *Tick, v int) (int, bool, error) { return v, true, nil })(f.v)
		use(plus(yes, no))
	}},
	{"an exchange without Reply", func(f *faulty) {
		in, _ := Call(f.v, f.to, f.b, f.exchange(sized...), time.Second, Anyone)
		use(valueOf(in))
	}},
	{"an ask without Reply", func(f *faulty) { _, v := askOf(f.a, "more"); use(v) }},
	{"two Reply lines", func(f *faulty) { Reply(f.in, f.v) }},
	{"a Reply to what is no request", func(f *faulty) {
		Reply(Op1(testOps, "fake", 1, func(*Tick, int) (*Request[int, int], error) { return nil, nil })(f.v), f.v)
	}},
	{"a crossing by plain wire", func(f *faulty) { use(plus(f.v, f.far)) }},
	{"a table of another role", func(f *faulty) { put(f.v, f.foreign) }},
	{"a table without capacity", func(f *faulty) { put(f.v, Table(f.a, "boundless", self)) }},
	{"a reused name: role", func(f *faulty) { f.g.Role("a") }},
	{"a reused name: table", func(f *faulty) { Table(f.a, "t", self, Capacity(1)) }},
	{"a reused name: param", func(f *faulty) { Param[int](f.a, "to") }},
	{"a reused name: component", func(f *faulty) { Component[disk](f.a, "to") }},
	{"a reused name: ask", func(f *faulty) { in, v := askOf(f.a, "ask"); Reply(in, v) }},
	{"a reused name: channel", func(f *faulty) { f.call(f.exchange(sized...), Anyone); f.call(f.exchange(sized...), Anyone) }},
	{"a graph without a name", func(f *faulty) { f.g.name = "" }},
	{"what is no name", func(f *faulty) { f.g.Role("a/b"); Param[int](f.a, "") }},
	{"a channel without a bound", func(f *faulty) { f.call(f.exchange(MaxReply(1)), Anyone) }},
	{"a channel without a bound of its reply", func(f *faulty) { f.call(f.exchange(MaxRequest(1)), Anyone) }},
	{"a channel without a rule", func(f *faulty) { f.call(f.exchange(sized...), nil) }},
	{"a rule that reads a row", func(f *faulty) {
		f.call(f.exchange(sized...), Allow("anyone", Row[int](f.b, "row").Cell(), func(Peer, int) bool { return true }))
	}},
	{"a rule that reads a param of the caller", func(f *faulty) {
		f.call(f.exchange(sized...), Allow("to", f.to, func(Peer, Peer) bool { return true }))
	}},
	{"wires of two origins in one step", func(f *faulty) { use(plus(f.v, f.other)) }},
	{"wires of a merge of origins and of one of them", func(f *faulty) { use(plus(Merge(f.v, f.other), f.v)) }},
	{"a reply of another origin", func(f *faulty) { in, v := askOf(f.a, "more"); use(v); Reply(in, f.v) }},
	{"cells alone", func(f *faulty) { use(Const(f.a, 1)) }},
	{"a graph.Time in a message", func(f *faulty) {
		w := Op1(testOps, "stamp", 1, func(*Tick, int) (v stamped, err error) { return v, nil })(f.v)
		in, _ := Send(w, f.to, f.b, OneWay[stamped]("m", MaxRequest(1)), Anyone)
		Op1(testOps, "use", 1, func(*Tick, *Received[stamped]) (Done, error) { return Done{}, nil })(in)
	}},
	{"the failure port of an origin", func(f *faulty) {
		in, v := askOf(f.a, "more")
		Reply(in, v)
		use(fret(in.Failed()))
	}},
	{"a merge of wires that may both have a value", func(f *faulty) { use(Merge(f.v, pass(f.v))) }},
	{"a merge of a wire with itself", func(f *faulty) { use(Merge(f.v, f.v)) }},
	{"a gather of what is in no body", func(f *faulty) { useAll(Gather(f.v)) }},
	{"two bodies in one step", func(f *faulty) {
		list := many(f.v)
		useAll(Gather(plus(ForEach(list, 2), ForEach(list, 2))))
	}},
	{"a body that is not gathered before it is read outside", func(f *faulty) {
		items := ForEach(many(f.v), 2)
		useAll(Gather(plus(items, f.v)))
		use(plus(pass(items), pass(f.v)))
		Reply(f.in, pass(items))
	}},
	{"a body that reads what is recorded after it", func(f *faulty) {
		items := ForEach(many(f.v), 2)
		useAll(Gather(plus(items, pass(f.v))))
	}},
	{"a for-each without a greatest number of items", func(f *faulty) { useAll(Gather(ForEach(many(f.v), 0))) }},
	{"a for-each whose items nobody reads", func(f *faulty) { ForEach(many(f.v), 2) }},
	{"a Retry that does not try again", func(f *faulty) {
		in, answer := Call(f.v, f.to, f.b, f.exchange(MaxRequest(16), MaxReply(16)), time.Second, Anyone, Retry(1, time.Second, time.Second))
		Reply(in, received1(in))
		use(answer)
	}},
	{"rows that a snapshot cannot keep", func(f *faulty) { Table(f.a, "chans", func(chan int) int { return 0 }, Capacity(1)) }},
	{"a wire that is alive while a call waits, and that a snapshot cannot keep", func(f *faulty) {
		secret := Op1(testOps, "secret", 1, func(_ *Tick, n int) (unkept, error) { return unkept{n}, nil })(f.v)
		in, answer := Call(f.v, f.to, f.b, f.exchange(MaxRequest(16), MaxReply(16)), time.Second, Anyone)
		Reply(in, received1(in))
		use(Op2(testOps, "tell", 1, func(_ *Tick, n int, u unkept) (int, error) { return n + u.n, nil })(answer, secret))
	}},
}

func TestCompileFaults(t *testing.T) {
	var all strings.Builder
	for _, c := range faults {
		f := newFaulty()
		c.add(f)
		for _, role := range []string{"a", "b"} { // a fault of any role is told whichever is compiled
			_, err := Compile(f.g, role)
			if err == nil {
				t.Errorf("%s: no fault", c.name)
				continue
			}
			if role == "a" {
				fmt.Fprintf(&all, "%s\n  %s\n\n", c.name, strings.ReplaceAll(err.Error(), "\n", "\n  "))
			}
		}
	}
	golden(t, "faults.golden", all.String())

	t.Run("none in the graph that they are added to", func(t *testing.T) {
		if _, err := Compile(newFaulty().g, "a"); err != nil {
			t.Error(err)
		}
	})
	t.Run("all at once", func(t *testing.T) {
		f := newFaulty()
		n := 0
		for _, c := range faults {
			alone := newFaulty()
			c.add(alone)
			_, err := Compile(alone.g, "a")
			n += len(err.(Faults))
			c.add(f)
		}
		_, err := Compile(f.g, "a")
		if got := len(err.(Faults)); got < n {
			t.Errorf("%d faults, one by one there were %d", got, n)
		}
	})
	t.Run("no such role", func(t *testing.T) {
		_, err := Compile(newFaulty().g, "c")
		want(t, "fault", err.Error(), "c: faulty: no such role: it has a, b")
	})
	t.Run("a step with nothing at all panics with a sentence", func(t *testing.T) {
		defer func() {
			if s, _ := recover().(string); !strings.Contains(s, "t.use is placed with no connected input") {
				t.Errorf("got %q", s)
			}
		}()
		use(nil)
	})
}

func TestMeaning13_CompileErrors(t *testing.T) {
	t.Run("a cycle passes through a table, a timer or a channel", func(t *testing.T) {
		// A wire is made before it can be read, so no other cycle can be written; these three compile.
		g, r := one()
		to := Param[Peer](r, "to")
		table := Table(r, "t", self, Capacity(4))
		put(Op1(testOps, "next", 1, func(_ *Tick, c Change[int]) (int, error) { return c.New, nil })(table.Changes()), table)
		row := Row[Time](r, "row")
		due := Timer(r, "due", row.Cell(), false, func(_ *Tick, at Time) (Time, bool) { return at, at > 0 })
		Op2(testOps, "again", 1, func(_ *Tick, at Time, row *One[Time]) (Done, error) { return Done{}, row.Set(at + 1) })(due, row)
		in, v := askOf(r, "go")
		Reply(in, v)
		got, _ := Send(v, to, r, OneWay[int]("m", MaxRequest(9)), Anyone)
		Send(received(got), to, r, OneWay[int]("n", MaxRequest(9)), Anyone)
		if _, err := Compile(readAll(g), "r"); err != nil {
			t.Error(err)
		}
	})
	t.Run("Start refuses all at once what is unbound, bound twice, of a wrong type or unknown", func(t *testing.T) {
		g, r := one()
		a, b, c := Param[int](r, "a"), Param[int](r, "b"), Component[disk](r, "c")
		_, _, _ = a, b, Component[disk](r, "d")
		in, v := askOf(r, "go")
		Reply(in, Work(v, c, "write", disk.Write, time.Second))
		p, err := Compile(g, "r")
		if err != nil {
			t.Fatal(err)
		}
		want(t, "needs", fmt.Sprint(p.Needs()), "[{a param int} {b param int} {c component disk} {d component disk}]")
		_, err = Start(p, &nullHost{}, Bind("a", "one"), Bind("c", 3), Bind("e", 1), Bind("e", 2), Bind("d", nil))
		golden(t, "start.golden", err.Error()+"\n")
	})
}
