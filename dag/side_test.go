package dag

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// forks is a graph with one chain that forks.
type forks struct {
	g    *Graph
	made []*Entry // of the chain, by number less 1
}

func newForks() *forks {
	genesis := forge(Delta{Author: person("alice").Public(), Nonce: make([]byte, NonceLen), Kind: KindGenesis, Ms: 1})
	f := &forks{g: NewGraph(genesis.ID)}
	f.g.Add(genesis.ID, genesis.Delta)
	f.g.witnessed(0)
	f.add(start(genesis, genesis.Delta.Author, nil))
	return f
}

func (f *forks) add(e *Entry) uint32 {
	if out, reason := f.g.Add(e.ID, e.Delta); out != Admitted {
		panic(reason)
	}
	f.made = append(f.made, e)
	return uint32(len(f.made))
}

// follow adds a delta after number i.
func (f *forks) follow(i uint32) uint32 {
	return f.add(next(f.made[i-1], func(d *Delta) { d.Payload = []byte{byte(len(f.made)), byte(len(f.made) >> 8), byte(len(f.made) >> 16)} }))
}

// TestForksAreWalkedAsWritten: whatever the forks, what is found by sides is what is found by going back one by one.
func TestForksAreWalkedAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := newForks()
		g := f.g
		for range rapid.IntRange(1, 150).Draw(t, "deltas") {
			n := len(f.made)
			back := rapid.SampledFrom([]int{1, 1, 1, 1, 3, n}).Draw(t, "back")
			i := f.follow(uint32(n - rapid.IntRange(0, min(back, n)-1).Draw(t, "which")))
			switch rapid.IntRange(0, 4).Draw(t, "how") {
			case 0:
				g.undo(f.made[i-1].Delta)
				f.made = f.made[:i-1]
			case 1, 2:
				g.witnessed(i)
			}
		}
		f.check(t)
		var had []uint32
		for range rapid.IntRange(0, 5).Draw(t, "had") {
			had = append(had, uint32(rapid.IntRange(1, len(f.made)).Draw(t, "one")))
		}
		f.lanes(t, had)
	})
}

// check compares ends, ancestors and the runs to a signature.
func (f *forks) check(t *rapid.T) {
	g := f.g
	var ends []uint32
	for i := uint32(1); int(i) <= len(f.made); i++ {
		for at := i; at != none; at = g.node(at).prev {
			if got := g.ancestor(i, uint64(g.node(at).seq)); got != at {
				t.Fatalf("the ancestor of %d at %d is %d, not %d", i, g.node(at).seq, got, at)
			}
		}
		l, ok := g.laneOf(g.node(i).id)
		if ok != g.node(i).witness || ok && (l.nodes[0] != i || !g.node(l.nodes[len(l.nodes)-1]).signed) {
			t.Fatalf("the run of %d is %v, %v", i, l.nodes, ok)
		}
		for k := 1; ok && k < len(l.nodes); k++ {
			if g.node(l.nodes[k]).prev != l.nodes[k-1] || g.node(l.nodes[k-1]).signed {
				t.Fatalf("the run of %d is %v", i, l.nodes)
			}
		}
		if !g.node(i).witness {
			continue
		}
		follows := func(e *Entry) bool { n, _ := g.number(e.ID); return e.Delta.Prev == g.node(i).id && g.node(n).witness }
		if !slices.ContainsFunc(f.made, follows) {
			ends = append(ends, i)
		}
	}
	if got := slices.Sorted(slices.Values(g.chains[1].ends)); !slices.Equal(got, ends) {
		t.Fatalf("ends %v, want %v", got, ends)
	}
}

// lanes checks that they hold what is proved and not had, each once, each in a row up to an end.
func (f *forks) lanes(t *rapid.T, had []uint32) {
	g, c := f.g, &f.g.chains[1]
	seen := make(map[uint32]bool)
	for _, i := range had {
		for ; i != none; i = g.node(i).prev {
			seen[i] = true
		}
	}
	for _, l := range g.forkLanes(c, had) {
		for k, i := range l.nodes {
			if seen[i] || !g.node(i).witness || k > 0 && g.node(i).prev != l.nodes[k-1] || k == 0 && g.node(i).prev != none && !seen[g.node(i).prev] {
				t.Fatalf("the lane %v, had %v", l.nodes, had)
			}
			seen[i] = true
		}
		if !slices.Contains(c.ends, l.nodes[len(l.nodes)-1]) {
			t.Fatalf("the lane %v ends before an end", l.nodes)
		}
	}
	for i := uint32(1); int(i) <= len(f.made); i++ {
		if g.node(i).witness && !seen[i] {
			t.Fatalf("%d is in no lane", i)
		}
	}
}

// TestForksCostWhatDiffers: neither the length of a chain nor how its forks are nested makes a request dear. One step is one side or
// one delta of what is served.
func TestForksCostWhatDiffers(t *testing.T) {
	const many = 2000
	long, comb := newForks(), newForks()
	at := uint32(1)
	for range many {
		at = long.follow(at)
		long.g.witnessed(at)
	}
	for range 2 {
		long.g.witnessed(long.follow(at))
	}
	at = 1
	for range many { // what goes on comes second each time, so each is a fork of the one before
		long := comb.follow(at)
		comb.g.witnessed(long)
		at = comb.follow(at)
		comb.g.witnessed(at)
	}
	for name, f := range map[string]*forks{"a long chain": long, "a comb": comb} {
		g, c := f.g, &f.g.chains[1]
		if !c.forked {
			t.Fatal("it does not fork")
		}
		steps := func(what string, most int, do func()) {
			if g.walked = 0; true {
				do()
			}
			if g.walked > most {
				t.Errorf("%s: %s takes %d steps, want at most %d", name, what, g.walked, most)
			}
		}
		steps("what lacks to who has all", 3*len(c.ends)+3, func() { g.forkLanes(c, c.ends) })
		steps("64 deltas back", 64, func() {
			for _, e := range f.made[:64] {
				g.laneOf(e.ID)
			}
		})
		steps("a locator", 64*len(c.ends), func() {
			for _, i := range c.ends {
				g.ancestor(i, 0)
			}
		})
	}
}
