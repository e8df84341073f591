package graph

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestViewsAreSnapshots: a view after any changes has what a sorted map has, and the views before it stay as they were.
func TestViewsAreSnapshots(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SampledFrom([]int{5, 200, 3000}).Draw(t, "keys")
		model, view := map[int]int{}, View[int, int]{}
		type snapshot struct {
			view View[int, int]
			want []int
		}
		var before []snapshot
		for step := range rapid.IntRange(1, 12).Draw(t, "steps") {
			var changed []int
			from, n := rapid.IntRange(0, keys-1).Draw(t, "from"), rapid.IntRange(0, keys).Draw(t, "n")
			gone, stride := rapid.Bool().Draw(t, "gone"), rapid.IntRange(1, 40).Draw(t, "stride")
			for k := from; k < min(keys, from+n); k += stride {
				if changed = append(changed, k); gone {
					delete(model, k)
				} else {
					model[k] = step
				}
			}
			view = view.renew(changed, len(model), func(k int) (int, bool) { v, ok := model[k]; return v, ok })
			var want []int
			for k := range keys {
				v, ok := model[k]
				if got, found := view.Get(k); found != ok || got != v {
					t.Fatalf("key %d: %d, %v, want %d, %v", k, got, found, v, ok)
				}
				if ok {
					i := len(want)
					if want = append(want, v); view.At(i) != v || view.Key(i) != k {
						t.Fatalf("at %d: %d = %d, want %d = %d", i, view.Key(i), view.At(i), k, v)
					}
				}
			}
			if _, found := view.Get(-1); found || view.Len() != len(want) {
				t.Fatalf("%d rows, want %d", view.Len(), len(want))
			}
			before = append(before, snapshot{view, want})
			for i, s := range before {
				if !slices.Equal(s.view.All(), s.want) {
					t.Fatalf("the view of step %d has changed at step %d", i, step)
				}
			}
			if b := view.book; b != nil {
				for i, p := range b.pages {
					if len(p.keys) == 0 || len(p.keys) > pageMost || len(p.keys) != len(p.rows) {
						t.Fatalf("page %d has %d keys, %d rows", i, len(p.keys), len(p.rows))
					}
				}
			}
		}
	})
}

// BenchmarkViewAfterOneChange is what a table that is exposed pays for each change.
func BenchmarkViewAfterOneChange(b *testing.B) {
	for _, rows := range []int{1, 100, 1000, 10_000} {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			keys := make([]int, rows)
			for k := range keys {
				keys[k] = k
			}
			get := func(k int) (int, bool) { return k, true }
			v := View[int, int]{}.renew(keys, rows, get)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i = (i + 7919) % rows
				v = v.renew(keys[i:i+1], rows, get)
			}
		})
	}
}
