package graph

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A pureStep is a step of a random program of pure ops: what it is and which earlier steps it reads.
type pureStep struct {
	op   string // add, fail, merge, branch
	a, b int
}

var (
	pureAdd = Op2(testOps, "padd", 1, func(_ *Tick, a, b int) (int, error) { return 3*a + b + 1, nil })
	pureOdd = Op1(testOps, "podd", 1, func(_ *Tick, a int) (int, error) {
		if a%2 != 0 {
			return 0, errors.New("odd")
		}
		return a / 2, nil
	})
	pureFix = Op1(testOps, "pfix", 1, func(_ *Tick, f Failure) (int, error) { return int(f.Reason), nil })
	pureBig = Branch(testOps, "pbig", 1, func(_ *Tick, a int) (int, bool, error) { return a + 1, a%3 == 0, nil })
)

func genProgram(t *rapid.T) []pureStep {
	var p []pureStep
	for i := range rapid.IntRange(1, 90).Draw(t, "steps") {
		p = append(p, pureStep{rapid.SampledFrom([]string{"add", "mend", "branch"}).Draw(t, "op"),
			rapid.IntRange(0, i).Draw(t, "a"), rapid.IntRange(0, i).Draw(t, "b")})
	}
	return p
}

// record places the program; each of its values is total, since what may fail is merged with its mending.
func (p pureStep) record(vs []Wire[int]) Wire[int] {
	switch p.op {
	case "add":
		return pureAdd(vs[p.a], vs[p.b])
	case "mend":
		w := pureOdd(vs[p.a])
		return Merge(w, pureFix(w.Failed()))
	}
	yes, no := pureBig(vs[p.a])
	return Merge(pureAdd(yes, vs[p.b]), no)
}

// eval is the direct evaluation of the same.
func (p pureStep) eval(vs []int) int {
	switch p.op {
	case "add":
		return 3*vs[p.a] + vs[p.b] + 1
	case "mend":
		if vs[p.a]%2 != 0 {
			return int(Local)
		}
		return vs[p.a] / 2
	}
	if vs[p.a]%3 == 0 {
		return 3*(vs[p.a]+1) + vs[p.b] + 1
	}
	return vs[p.a] + 1
}

// TestPrograms runs random programs of pure ops, several times in one instance, so that frames are used again.
func TestPrograms(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		program := genProgram(rt)
		g, r := one()
		in, v := askOf(r, "go")
		vs := []Wire[int]{v}
		for _, p := range program {
			vs = append(vs, p.record(vs))
		}
		Reply(in, Op2(testOps, "last", 1, func(_ *Tick, a, b int) (int, error) { return a + b, nil })(vs[len(vs)-1], vs[len(vs)/2]))
		n := newWorld(t).start(readAll(g), "r", "n")
		for _, q := range rapid.SliceOfN(rapid.IntRange(-1000, 1000), 1, 5).Draw(rt, "inputs") {
			want := []int{q}
			for _, p := range program {
				want = append(want, p.eval(want))
			}
			a := ask[int, int](n, "go", q, time.Second)
			n.run()
			if sum := want[len(want)-1] + want[len(want)/2]; a.err != nil || a.v != sum {
				rt.Fatalf("%d gives %d, %v; want %d", q, a.v, a.err, sum)
			}
		}
		if len(n.in.free) != 1 {
			rt.Fatalf("%d frames for one activation at a time", len(n.in.free))
		}
		f := n.in.free[0]
		if !f.box.IsZero() || f.request.Kind != 0 || f.ask != nil || len(f.opens) != 0 {
			rt.Fatalf("a free frame holds on to %v", f.box)
		}
		for _, w := range f.ready {
			if w != 0 {
				rt.Fatal("a free frame has steps that are ready")
			}
		}
	})
}

// TestLayout checks that slots are where reflect puts them, for types of every alignment.
func TestLayout(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		types := []reflect.Type{reflect.TypeFor[Done](), reflect.TypeFor[bool](), reflect.TypeFor[int16](), reflect.TypeFor[[3]byte](),
			reflect.TypeFor[int64](), reflect.TypeFor[string](), reflect.TypeFor[Failure](), reflect.TypeFor[any](), reflect.TypeFor[struct {
				a bool
				b int32
			}]()}
		l := newLayout(nil)
		for range rapid.IntRange(1, 20).Draw(rt, "fields") {
			l.field(rapid.SampledFrom(types).Draw(rt, "type"))
		}
		s := reflect.StructOf(l.fields)
		for i, off := range l.offs {
			if s.Field(i).Offset != off {
				rt.Fatalf("field %d is at %d, not %d: %v", i, s.Field(i).Offset, off, s)
			}
		}
		if s.Size() < l.size {
			rt.Fatal(fmt.Sprint("too small: ", s.Size(), l.size))
		}
	})
}
