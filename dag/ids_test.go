package dag

import (
	"testing"

	"pgregory.net/rapid"
)

// TestIDsFindWhatIsHeld: the table of ids does what a map does, ids with equal hashes and removal included.
func TestIDsFindWhatIsHeld(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g := &Graph{ids: newIDs()}
		want := map[ID]uint32{}
		for range rapid.IntRange(0, 600).Draw(rt, "steps") {
			var id ID
			id[0] = rapid.Byte().Draw(rt, "home")
			id[9] = rapid.ByteRange(0, 3).Draw(rt, "twin") // not hashed
			slot, n := g.find(&id)
			if old, ok := want[id]; ok != (n != none) || ok && n != old {
				rt.Fatalf("%v: %d, want %d %v", id, n, old, ok)
			}
			if n == none {
				want[id] = uint32(g.nodes.count)
				g.ids.put(slot, &id, want[id])
				g.nodes.push(&node{id: id})
			} else if rapid.Bool().Draw(rt, "remove") {
				g.ids.remove(slot)
				delete(want, id)
			}
		}
		for id, n := range want {
			if got, ok := g.number(id); !ok || got != n {
				rt.Fatalf("%v: %d %v, want %d", id, got, ok, n)
			}
		}
	})
}

func TestPlacesArePackedWhole(t *testing.T) {
	for _, p := range []Place{{}, {4136, 12}, {1<<43 + 7, recordHead + maxRecord}} {
		if got := pack(p).unpack(); got != p {
			t.Errorf("%+v becomes %+v", p, got)
		}
	}
}
