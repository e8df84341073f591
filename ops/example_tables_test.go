package ops_test

import (
	"fmt"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/graph/graphtest"
	"github.com/merograph/merograph/ops"
)

func ExamplePut() {
	play(func(r *graph.Role) {
		words := graph.Table(r, "words", letter, graph.Capacity(2))
		put := ops.Put(said(r, "say"), words, time.Minute)
		show("kept", put)
		show("not kept:", ops.Map("why", put.Failed(), func(f graph.Failure) graph.Reason { return f.Reason }))
	}, "say a1", "say b1", "say c1", "say a2")
	// Output:
	// kept a1
	// kept b1
	// not kept: busy
	// kept a2
}

func ExampleSet() {
	play(func(r *graph.Role) {
		last := graph.Row[string](r, "last")
		ops.Set(said(r, "say"), last)
		tell := graph.Op2(kit, "tell", 1, func(_ *graph.Tick, _, last string) (string, error) { return last, nil })
		show("last", tell(said(r, "ask"), last.Cell()))
	}, "say a", "say b", "ask what")
	// Output:
	// last b
}

func ExampleClear() {
	play(func(r *graph.Role) {
		last := graph.Row[string](r, "last")
		ops.Set(said(r, "say"), last)
		ops.Clear(said(r, "forget"), last)
		tell := graph.Op2(kit, "tell", 1, func(_ *graph.Tick, _, last string) (string, error) { return fmt.Sprintf("%q", last), nil })
		show("last", tell(said(r, "ask"), last.Cell()))
	}, "say a", "ask what", "forget it", "ask what")
	// Output:
	// last "a"
	// last ""
}

func ExampleGet() {
	play(func(r *graph.Role) {
		words := graph.Table(r, "words", letter, graph.Capacity(2))
		ops.Put(said(r, "say"), words, time.Minute)
		found := ops.Get(said(r, "find"), words)
		show("found", found)
		show("none:", ops.Map("why", found.Failed(), func(f graph.Failure) string { return f.Detail }))
	}, "say a1", "find a", "find b")
	// Output:
	// found a1
	// none: no row of key b
}

func ExampleRefresh() {
	play(func(r *graph.Role) {
		words := graph.Table(r, "words", letter, graph.Capacity(2))
		ops.Put(said(r, "say"), words, time.Minute)
		ops.Refresh(said(r, "touch"), words, time.Minute)
		show("gone", ops.Map("word", ops.On(words, graph.ExpiredRow), func(c graph.Change[string]) string { return c.Old }))
	}, "say a1", "say b1", "40s", "touch a", "touch c", "20s", "40s")
	// Output:
	// touch c → local
	// gone b1
	// gone a1
}

func ExampleRemove() {
	play(func(r *graph.Role) {
		words := graph.Table(r, "words", letter, graph.Capacity(2))
		ops.Put(said(r, "say"), words, time.Minute)
		gone, absent := ops.Remove(said(r, "forget"), words)
		show("gone", gone)
		show("absent", absent)
	}, "say a1", "forget a", "forget a")
	// Output:
	// gone a
	// absent a
}

func ExampleOn() {
	play(func(r *graph.Role) {
		words := graph.Table(r, "words", letter, graph.Capacity(2))
		ops.Put(said(r, "say"), words, time.Minute)
		show("now", ops.Map("word", ops.On(words, graph.Inserted, graph.Updated), func(c graph.Change[string]) string { return c.New }))
	}, "say a1", "say a1", "say a2", "1m")
	// Output:
	// now a1
	// now a2
}

func ExampleDraw() {
	play(func(r *graph.Role) {
		words := graph.Table(r, "words", letter, graph.Capacity(8))
		ops.Put(said(r, "say"), words, time.Minute)
		show("drawn", ops.Map("count", ops.Draw(said(r, "draw"), words.View(), 2), func(ws []string) int { return len(ws) }))
	}, "draw some", "say a", "say b", "say c", "draw some")
	// Output:
	// drawn 0
	// drawn 2
}

func ExampleSample() {
	two := graph.Op2(kit, "two", 1, func(x *graph.Tick, _ string, v graph.View[string, string]) (int, error) {
		return len(ops.Sample(x, v, 2)), nil
	})
	play(func(r *graph.Role) {
		words := graph.Table(r, "words", letter, graph.Capacity(8))
		ops.Put(said(r, "say"), words, time.Minute)
		show("drawn", two(said(r, "draw"), words.View()))
	}, "say a", "say b", "say c", "draw some")
	// Output:
	// drawn 2
}

func ExampleTallies() {
	play(func(r *graph.Role) {
		counts := ops.Tallies(r, "counts", 8) // the node reads graph.FeedOf[string, ops.Tally](inst, "counts")
		ops.CountBy(said(r, "say"), counts, letter)
		show("now", ops.Map("tally", ops.On(counts, graph.Inserted, graph.Updated), func(c graph.Change[ops.Tally]) ops.Tally { return c.New }))
	}, "say a1", "say b1", "say a2")
	// Output:
	// now {a 1}
	// now {b 1}
	// now {a 2}
}

func ExampleCount() {
	play(func(r *graph.Role) {
		counts := ops.Tallies(r, "counts", 8)
		show("said", ops.Count(said(r, "say"), counts, "words"))
		show("now", ops.Map("tally", ops.On(counts, graph.Inserted, graph.Updated), func(c graph.Change[ops.Tally]) ops.Tally { return c.New }))
	}, "say a", "say b")
	// Output:
	// said a
	// now {words 1}
	// said b
	// now {words 2}
}

func ExampleCountBy() {
	play(func(r *graph.Role) {
		counts := ops.Tallies(r, "counts", 1)
		ops.CountBy(said(r, "say"), counts, letter)
	}, "say a1", "say b1")
	// Output:
	// say b1 → busy
}

func ExampleLog() {
	g := graph.New("example", 1)
	r := g.Role("r")
	journal := ops.NewJournal(r, "journal", 2)
	ops.Log(said(r, "say"), journal, func(w string) string { return "somebody said " + w })

	w := graphtest.New(noTest{})
	n := w.Start(g, "r", "n")
	for _, word := range []string{"a", "b", "c"} {
		graph.Submit(n.Instance, "say", word, time.Minute, func(graph.Done, error) {})
	}
	w.Settle()
	for _, e := range graph.FeedOf[uint64, ops.Entry](n.Instance, "journal").Get().All() { // as the node does, who prints it
		fmt.Println(e.N, e.V.Text)
	}
	// Output:
	// 2 somebody said b
	// 3 somebody said c
}
