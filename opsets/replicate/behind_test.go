package replicate

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/merograph/merograph/dag"
)

func tip(chain, id byte, seq uint64) dag.Tip {
	return dag.Tip{Chain: dag.ID{chain}, ID: dag.ID{id}, Seq: seq}
}

func TestBehind(t *testing.T) {
	mine := []dag.Tip{tip(1, 9, 9), tip(2, 4, 4), tip(2, 5, 3)}
	for _, c := range []struct {
		have []dag.Tip
		want int
	}{
		{nil, 15},
		{mine, 0},
		{[]dag.Tip{tip(1, 7, 7), tip(2, 4, 4), tip(2, 5, 3)}, 2},
		{[]dag.Tip{tip(1, 9, 9), tip(2, 4, 4)}, 1},     // a branch
		{[]dag.Tip{tip(1, 9, 9), tip(2, 6, 1<<62)}, 1}, // claims
		{[]dag.Tip{tip(1, 6, 1<<63), tip(2, 6, 1<<63+4)}, 2},
		{[]dag.Tip{tip(1, 6, math.MaxUint64), tip(2, 6, math.MaxInt64)}, 2},
		{[]dag.Tip{tip(0, 1, 1), tip(1, 9, 9), tip(3, 1, 1)}, 5}, // other chains
	} {
		if got := Behind(c.have, mine); got != c.want {
			t.Errorf("behind %v: %d, want %d", c.have, got, c.want)
		}
	}
	if n := Count(mine); n != 15 {
		t.Errorf("%d deltas", n)
	}
}

func TestCovers(t *testing.T) {
	want := []dag.Tip{tip(1, 4, 4), tip(1, 5, 3)}
	for name, c := range map[string]struct {
		have []dag.Tip
		want bool
	}{
		"the same":                 {want, true},
		"one branch has grown":     {[]dag.Tip{tip(1, 5, 3), tip(1, 8, 9)}, true},
		"both have grown":          {[]dag.Tip{tip(1, 7, 4), tip(1, 8, 5)}, true},
		"a third one too":          {[]dag.Tip{tip(1, 5, 3), tip(1, 7, 1), tip(1, 8, 9)}, true},
		"nothing":                  {nil, false},
		"one alone":                {[]dag.Tip{tip(1, 4, 4)}, false},
		"one alone that has grown": {[]dag.Tip{tip(1, 8, 9)}, false},
		"one before it":            {[]dag.Tip{tip(1, 4, 4), tip(1, 6, 2)}, false},
		"another of its number":    {[]dag.Tip{tip(1, 4, 4), tip(1, 6, 3)}, false},
	} {
		if got := covers(c.have, want); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// ends gives the tips of some deltas, held with all before them: tree[i] is what delta i stands on.
func ends(held []bool, tree []int, all []dag.Tip) (tips []dag.Tip) {
	for i := range all {
		end := held[i]
		for k := range all {
			end = end && !(k != i && held[k] && tree[k] == i)
		}
		if end {
			tips = append(tips, all[i])
		}
	}
	slices.SortFunc(tips, dag.Tip.Compare)
	return tips
}

// What a peer holds only grows: of two acknowledgements of forked chains the later one stands, in whatever order they come.
func TestLatest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all, tree, earlier, later := []dag.Tip{}, []int{}, []bool{}, []bool{}
		names := rapid.Permutation([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19}).Draw(t, "names")
		for i := range rapid.IntRange(2, len(names)).Draw(t, "deltas") {
			d, on := tip(byte(i), names[i], 0), i
			if i >= 2 { // the first two begin chains
				on = rapid.IntRange(max(0, i-4), i-1).Draw(t, "on")
				d.Chain, d.Seq = all[on].Chain, all[on].Seq+1
			}
			all, tree = append(all, d), append(tree, on)
			earlier, later = append(earlier, false), append(later, false)
			later[i] = (on == i || later[on]) && rapid.Bool().Draw(t, "later")
			earlier[i] = (on == i || earlier[on]) && later[i] && rapid.Bool().Draw(t, "earlier")
		}
		was, is := ends(earlier, tree, all), ends(later, tree, all)
		if !cmp.Equal(latest(was, is), is) || !cmp.Equal(latest(is, was), is) {
			t.Fatalf("of %v and %v: %v and %v", was, is, latest(was, is), latest(is, was))
		}
		if short(is, was) != 0 || short(was, is) == 0 && !slices.Equal(was, is) {
			t.Fatalf("%v lacks %d of %v, which lacks %d", is, short(is, was), was, short(was, is))
		}
	})
}
