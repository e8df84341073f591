package crdt

import (
	"fmt"
	"slices"
	"strings"
)

// State is what is visible, as text: a line for each live write and for each shown item of a list, sorted. It is for tests
// and for people who look for the difference of two nodes; its form may change.
func (d *Doc) State() string {
	lines := d.visible(&d.root, nil)
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func (d *Doc) visible(n *node, lines []string) []string {
	path := d.idOf(n)
	for _, w := range n.writes {
		if !w.gone {
			lines = append(lines, stateWrite(path, d.nameOf(w.delta, w.index), w.kind, w.value, w.amount))
		}
	}
	for _, s := range n.spots { //lint:unordered sorted by State
		for _, below := range s.nodes {
			lines = d.visible(below, lines)
		}
	}
	if n.list == nil {
		return lines
	}
	before := &n.list.start
	for i := 0; ; i++ {
		m := n.list.line.at(i, true)
		if m == nil {
			return lines
		}
		lines = append(lines, stateItem(path, n.list.name(before), n.list.name(m.of)))
		before = m.of
		for _, below := range m.of.spot.nodes {
			lines = d.visible(below, lines)
		}
	}
}

func stateWrite(path []byte, name Name, kind uint8, value []byte, amount int64) string {
	return fmt.Sprintf("%q %x %d: %d %q %d", path, name.Delta, name.Index, kind, value, amount)
}

func stateItem(path []byte, before, name Name) string {
	return fmt.Sprintf("%q %x %d: behind %x %d", path, name.Delta, name.Index, before.Delta, before.Index)
}
