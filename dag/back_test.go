package dag

import (
	"slices"
	"testing"
)

// A walk back gives what a delta stands on, across chains, oldest first, as far as the peer knows and at most so many (DATA 4.4).
func TestRule4_4_WalksBack(t *testing.T) {
	b := newBench(t)
	a := []*Entry{start(b.genesis, b.alice.Public(), nil)}
	for range 99 {
		a = append(a, next(a[len(a)-1], nil))
	}
	side := start(b.genesis, b.bob.Public(), nil)
	last := next(a[99], func(d *Delta) { d.Parents = []ID{side.ID} })
	for _, e := range append(slices.Clone(a), side, last) { // each signed by itself, so that runs add nothing
		s := b.alice
		if e == side {
			s = b.bob
		}
		feed(t, b.j, b.ctx, page(s, e))
	}
	for _, c := range []struct {
		name  string
		ids   []ID
		known []ID
		most  int
		want  []*Entry
	}{
		{"to what is known", []ID{last.ID}, []ID{a[97].ID}, 64, []*Entry{b.genesis, a[98], a[99], side, last}}, // side stands on the genesis, which nobody said is known
		{"to what is known everywhere", []ID{last.ID}, []ID{a[99].ID, side.ID}, 64, []*Entry{last}},
		{"at most so many", []ID{last.ID}, nil, 5, []*Entry{a[97], a[98], a[99], side, last}},
		{"what is not held", []ID{{1}}, nil, 64, nil},
		{"what is known", []ID{last.ID}, []ID{last.ID}, 64, nil},
	} {
		p, err := b.j.ServeBack(b.ctx, c.ids, c.known, c.most, MaxPage)
		if err != nil {
			t.Fatal(err)
		}
		var got, want []ID
		if len(p) > 0 {
			runs, ferr := decodePage(p)
			if ferr != nil {
				t.Fatal(ferr)
			}
			for _, a := range runs {
				got = append(got, a.e.ID)
			}
		}
		for _, e := range c.want {
			want = append(want, e.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d deltas, want %d", c.name, len(got), len(want))
		}
	}
	if got := b.j.Recent(b.ctx, 2); !slices.Equal(got, []ID{last.ID, side.ID}) {
		t.Errorf("recent: %v", got)
	}
}

// A branch of a fork may be longer than the one that was there first.
func TestRule4_4_WalksBackAFork(t *testing.T) {
	b := newBench(t)
	a := []*Entry{start(b.genesis, b.alice.Public(), nil)}
	a = append(a, next(a[0], nil))
	branch := []*Entry{next(a[0], func(d *Delta) { d.Payload = []byte("other") })}
	for range 4 {
		branch = append(branch, next(branch[len(branch)-1], nil))
	}
	for _, e := range append(slices.Clone(a), branch...) {
		feed(t, b.j, b.ctx, page(b.alice, e))
	}
	p, err := b.j.ServeBack(b.ctx, []ID{branch[4].ID}, []ID{branch[2].ID}, 64, MaxPage)
	if err != nil {
		t.Fatal(err)
	}
	other := joined(t, b, a[0], branch[0], branch[1], branch[2])
	if got := feed(t, other, b.ctx, p); got.Admitted != 2 || got.Waiting != 0 {
		t.Errorf("%+v", got)
	}
}

// joined is a journal that holds some of alice's deltas.
func joined(t *testing.T, b *bench, entries ...*Entry) *Journal {
	j, _ := open(t, NewMemDisk(), newWorld(9).options())
	if err := j.Join(b.ctx); err != nil {
		t.Fatal(err)
	}
	genesis, _, err := b.j.ServeIDs(b.ctx, []ID{b.ctx}, MaxPage)
	if err != nil {
		t.Fatal(err)
	}
	feed(t, j, b.ctx, genesis)
	for _, e := range entries {
		feed(t, j, b.ctx, page(b.alice, e))
	}
	return j
}
