package ops_test

import (
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/ops"
)

func ExampleFirst() {
	play(func(r *graph.Role) {
		f := ops.First(r, "answers", letter, time.Minute, 100, said(r, "left"), said(r, "right"))
		show("first", f.Out)
	}, "left a1", "right a2", "right b1", "1m", "right a3")
	// Output:
	// first a1
	// first b1
	// first a3
}

func ExampleQuorum() {
	play(func(r *graph.Role) {
		voter := func(w string) graph.Peer { return graph.Peer(w[1:]) }
		q := ops.Quorum(r, "votes", 2, letter, voter, time.Minute, 100, said(r, "vote"))
		show("quorum", q.Out)
		show("late", q.Late)
	}, "vote a1", "vote a1", "vote b1", "vote a2", "vote a3", "1m")
	// Output:
	// quorum [a1 a2]
	// late [b1]
}

func ExampleZip() {
	play(func(r *graph.Role) {
		z := ops.Zip(r, "both", said(r, "left"), letter, said(r, "right"), letter, time.Minute, 100)
		show("pair", z.Out)
		show("late", z.Late)
	}, "left a1", "right b1", "right a2", "left a3", "left a4", "1m")
	// Output:
	// pair {a1 a2}
	// left a4 → busy
	// late { b1 false true}
	// late {a3  true false}
}

func ExampleLatest() {
	play(func(r *graph.Role) {
		show("now", ops.Latest(r, "now", said(r, "left"), said(r, "right")).Out)
	}, "left a1", "left a2", "right b1", "right b1", "left a3")
	// Output:
	// now {a2 b1}
	// now {a3 b1}
}

func ExampleLatestBy() {
	play(func(r *graph.Role) {
		n := ops.LatestBy(r, "now", said(r, "left"), letter, said(r, "right"), letter, time.Minute, 100)
		show("now", n.Out)
		show("late", n.Late)
	}, "left a1", "left b1", "right a2", "30s", "left a3", "30s", "30s", "right a4")
	// Output:
	// now {a1 a2}
	// now {a3 a2}
	// late {b1  true false}
}

func ExampleBatch() {
	play(func(r *graph.Role) {
		size := func(w string) int { return len(w) }
		b := ops.Batch(r, "words", said(r, "say"), size, ops.Fill{Count: 3, Bytes: 8, Within: time.Second})
		show("batch", b.Out)
	}, "say a", "say b", "say c", "say four", "say fiver", "1s", "say muchtoolong")
	// Output:
	// batch [a b c]
	// batch [four]
	// batch [fiver]
	// say muchtoolong → too large
}

func ExampleBatchBy() {
	play(func(r *graph.Role) {
		b := ops.BatchBy(r, "words", said(r, "say"), letter, nil, ops.Fill{Count: 2, Within: time.Second}, 100)
		show("batch", b.Out)
	}, "say a1", "say b1", "say a2", "1s")
	// Output:
	// batch [a1 a2]
	// batch [b1]
}
