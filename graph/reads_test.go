package graph

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// shelf is a component of which steps read: a value, a value or an error, and an error alone.
type shelf interface {
	Size(id int) int
	Find(id int) (string, error)
	Load(ctx context.Context, id int) (string, error)
}

type memShelf map[int]string

func (m memShelf) Size(id int) int { return len(m[id]) }

func (m memShelf) Find(id int) (string, error) {
	if s, ok := m[id]; ok {
		return s, nil
	}
	return "", fmt.Errorf("find: %w", &Failure{Reason: Denied, Detail: fmt.Sprint("no ", id)})
}

func (m memShelf) Load(_ context.Context, id int) (string, error) {
	if s, ok := m[id]; ok {
		return s, nil
	}
	return "", errors.New("no such thing")
}

type keptShelf struct {
	shelf
	size Reading[int]
	find Reading[string]
}

func (k *keptShelf) Size(id int) int { return k.size.Do(func() int { return k.shelf.Size(id) }) }
func (k *keptShelf) Find(id int) (string, error) {
	return k.find.Try(func() (string, error) { return k.shelf.Find(id) })
}

func keep(r *Reads, s shelf) shelf {
	return &keptShelf{s, Read[int](r, "Size"), Read[string](r, "Find")}
}

func shelfGraph() *Graph {
	g, r := one()
	s := Component[shelf](r, "shelf").Recorded(keep)
	in := Ask[int, string](r, "go")
	v := valueOf(in)
	read := Op2(testOps, "read", 1, func(_ *Tick, id int, s shelf) (string, error) {
		text, err := s.Find(id)
		if err != nil {
			return "", Fail(ReasonOf(err), "%d: %v", s.Size(id), err)
		}
		return fmt.Sprint(text, s.Size(id)), nil
	})(v, s)
	loaded := Work(v, s, "load", shelf.Load, time.Second)
	tab := Table(r, "t", func(s string) string { return s }, Capacity(100))
	Op2(testOps, "failed", 1, func(_ *Tick, f Failure, t *Rows[string, string]) (Done, error) {
		return Done{}, t.Put(f.Error(), time.Minute)
	})(loaded.Failed(), tab)
	Reply(in, Op2(testOps, "both", 1, func(_ *Tick, a, b string) (string, error) { return a + b, nil })(read, loaded))
	return g
}

// TestRecording_WhatStepsReadIsKept changes what a component holds while it is recorded; the replay has no component.
func TestRecording_WhatStepsReadIsKept(t *testing.T) {
	rec, w, s := newTestRecording(), newWorld(t), memShelf{}
	n := w.start(shelfGraph(), "r", "n", Bind("shelf", s), Record(rec))
	for i := range 5 {
		if i == 2 {
			s[7] = "seven"
		}
		a := ask[int, string](n, "go", 7, time.Second)
		w.settle()
		if got := fmt.Sprint(a.v, " ", a.err); i >= 2 && got != "seven5seven <nil>" || i < 2 && !strings.Contains(got, "t.read: denied: 0: find: denied: no 7") {
			t.Errorf("answer %d: %s", i, got)
		}
		delete(s, 6)
	}
	b := taken(rec)
	r := replayed(t, b, programs(shelfGraph))
	same(t, r)
	want(t, "events", r.Events, 8)
}

// TestRecording_ResultsOfWorkAreKept lets works fail, with and without a reason.
func TestRecording_ResultsOfWorkAreKept(t *testing.T) {
	build := func() *Graph {
		g, r := one()
		s := Component[shelf](r, "shelf")
		in := Ask[int, string](r, "go")
		Reply(in, Work(valueOf(in), s, "load", shelf.Load, time.Second))
		return g
	}
	rec, w, s := newTestRecording(), newWorld(t), memShelf{1: "one"}
	n := w.start(build(), "r", "n", Bind("shelf", s), Record(rec))
	for i := range 3 {
		ask[int, string](n, "go", i, time.Second)
		n.run()
		if i == 2 {
			w.step(2 * time.Second) // too late
			n.run()
		}
		w.settle()
	}
	r := replayed(t, taken(rec), programs(build))
	same(t, r)
	want(t, "events", r.Events, 6)
}

// TestRecording_RefusesWhatItCannotKeep names everything, when the instance starts.
func TestRecording_RefusesWhatItCannotKeep(t *testing.T) {
	type hidden struct{ n int }
	none := hidden{n: 0}
	g, r := one()
	p := Param[hidden](r, "where")
	s := Component[shelf](r, "shelf")
	in := Ask[func(), chan int](r, "go")
	Reply(in, Op3(testOps, "x", 1, func(_ *Tick, _ *Request[func(), chan int], _ hidden, _ shelf) (chan int, error) { return nil, nil })(in, p, s))
	due := Timer(r, "due", Const(r, 1), false, func(*Tick, int) (Time, bool) { return 0, false })
	see[hidden](new(trace), "see")(Work(due, s, "hide", func(shelf, context.Context, Time) (hidden, error) { return hidden{}, nil }, time.Second))
	prog, err := Compile(g, "r")
	if err == nil {
		_, err = Start(prog, &node{w: newWorld(t)}, Bind("where", none), Bind("shelf", shelf(memShelf{})), Record(newTestRecording()))
	}
	for _, part := range []string{
		`param "where" holds the unexported field n of hidden, which a recording cannot keep: export it, or give its type MarshalBinary`,
		`the request of ask "go" holds a func()`,
		`the answer of ask "go" holds a chan int`,
		`the result of step 4, shelf.hide holds the unexported field n of hidden`,
		`component "shelf" is read by step 1, t.x, and a recording does not know how to keep that: give the component Recorded where the graph declares it`,
	} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v\ndoes not say: %s", err, part)
		}
	}
}

// TestRecording_ForgottenMethodsDoNotCompile finds a component's method that its recording leaves out.
func TestRecording_ForgottenMethodsDoNotCompile(t *testing.T) {
	g, r := one()
	s := Component[shelf](r, "shelf").Recorded(func(r *Reads, s shelf) shelf {
		Read[chan int](r, "Size")
		Read[int](r, "Load")
		return s
	})
	in := Ask[int, string](r, "go")
	Reply(in, Work(valueOf(in), s, "load", shelf.Load, time.Second))
	_, err := Compile(g, "r")
	for _, part := range []string{
		"r: component shelf: what its method Size gives holds a chan int, which a recording cannot keep",
		"r: component shelf: it keeps what Load gives, and steps cannot call that: name a method of shelf that takes no context",
		"r: component shelf: steps may call its method Find, which its recording forgets: make a graph.Read of it",
	} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v\ndoes not say: %s", err, part)
		}
	}
}
