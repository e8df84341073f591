package graph

import (
	"fmt"
	"sync"
	"testing"
)

func names(o Opsets) string {
	var out []string
	for _, s := range o.All() {
		out = append(out, s.Name())
	}
	return fmt.Sprint(out)
}

func TestOpsets(t *testing.T) {
	a, b, c := NewOpset("a"), NewOpset("b"), NewOpset("c")
	Op1(b, "x", 1, func(_ *Tick, v int) (string, error) { return "", nil })
	var none Opsets
	all := none.With(c, a).With(b)
	want(t, "the zero value is empty", names(none), "[]")
	want(t, "with", names(all), "[a b c]")
	want(t, "without", names(all.Without("b", "nobody")), "[a c]")
	want(t, "the value has stayed", names(all), "[a b c]")
	other := NewOpset("b")
	replaced := all.With(other)
	want(t, "a name stands once", names(replaced), "[a b c]")
	want(t, "the later takes its place", replaced.All()[1] == other && all.All()[1] == b, true)
	mine := all.All()
	mine[0] = nil
	want(t, "the caller owns the slice", names(all), "[a b c]")

	info, ok := all.Find("b.x")
	want(t, "found", fmt.Sprint(info, ok), "{b.x 1 [int] [string]} true")
	_, ok = replaced.Find("b.x")
	want(t, "not found", ok, false)
}

func TestDeclareKeepsTheFirst(t *testing.T) {
	s := NewOpset("s")
	want(t, "full name", s.Declare("zip", 2, []string{"Wire[A]"}, []string{"Wire[B]"}), "s.zip")
	Op1(s, "zip", 1, func(_ *Tick, v int) (int, error) { return v, nil })
	want(t, "ops", fmt.Sprint(s.Ops()), "[{s.zip 2 [Wire[A]] [Wire[B]]}]")
}

// A generic op is described when it is placed, and graphs are recorded side by side.
func TestOpsetIsSafeForGraphsSideBySide(t *testing.T) {
	s := NewOpset("s")
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 50 {
				Op1(s, fmt.Sprint(i, j), 1, func(_ *Tick, v int) (int, error) { return v, nil })
				s.Ops()
			}
		})
	}
	all.Wait()
	want(t, "ops", len(s.Ops()), 400)
}

func TestBranch2(t *testing.T) {
	g, r := one()
	most := Param[int](r, "most")
	in, v := askOf(r, "go")
	yes, no := Branch2(testOps, "within", 1, func(_ *Tick, v, most int) (int, bool, error) {
		if v < 0 {
			return 0, false, Fail(Denied, "less than nothing")
		}
		return v, v <= most, nil
	})(v, most)
	less := Op1(testOps, "less", 1, func(_ *Tick, v int) (int, error) { return -v, nil })(no)
	Reply(in, Merge(yes, less))
	n := newWorld(t).start(g, "r", "n", Bind("most", 5), CheckImmutable())
	got := ""
	for _, q := range []int{5, 6, -1} {
		a := ask[int, int](n, "go", q, 1e9)
		n.run()
		got += fmt.Sprint(a.v, " ", a.reason(), "; ")
	}
	want(t, "answers", got, "5 none; -6 none; 0 denied; ")
	n.quiet(t)
}
