package ops_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/graph/graphtest"
	"github.com/merograph/merograph/ops"
)

// noTest stands for a test where there is none.
type noTest struct{ testing.TB }

func (noTest) Helper()           {}
func (noTest) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

// play runs a graph of one role and a script: "left a1" says a1 at the way in left, "5s" has five seconds pass. What fails
// is printed with its reason.
func play(build func(r *graph.Role), script ...string) {
	g := graph.New("example", 1)
	build(g.Role("r"))
	w := graphtest.New(noTest{})
	n := w.Start(g, "r", "n")
	for _, line := range script {
		where, what, words := strings.Cut(line, " ")
		if !words {
			d, err := time.ParseDuration(line)
			if err != nil {
				panic(err)
			}
			w.Pass(d)
			continue
		}
		graph.Submit(n.Instance, where, what, time.Minute, func(_ graph.Done, err error) {
			if err != nil {
				fmt.Println(line, "→", graph.ReasonOf(err))
			}
		})
		w.Settle()
	}
}

// said is a way in for a word.
func said(r *graph.Role, name string) graph.Wire[string] {
	in := graph.Ask[string, graph.Done](r, name)
	word := ops.Value(in)
	graph.Reply(in, ops.Map("done", word, func(string) graph.Done { return graph.Done{} }))
	return word
}

// show prints what comes on a wire.
func show[T any](label string, w graph.Wire[T]) {
	graph.Op1(kit, "show "+label, 1, func(_ *graph.Tick, v T) (graph.Done, error) {
		fmt.Println(label, v)
		return graph.Done{}, nil
	})(w)
}

// letter is the key of a word.
func letter(word string) string { return word[:1] }
