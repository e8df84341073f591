package blobexchange

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/merograph/merograph/blob"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/sim"
)

// Scenario is a network in which some nodes add blobs that about half of the others want. The stores are real, in memory:
// whole blobs survive a crash, what was on its way in does not.
var Scenario = scenarioOf(func(*sim.Node) bool { return false })

// scenarioOf is the scenario in which some nodes claim to hold everything, and serve wrong bytes.
func scenarioOf(lies func(*sim.Node) bool) sim.Scenario {
	return sim.Scenario{
		Name:       "blobexchange",
		Graph:      Protocol,
		Bind:       func(n *sim.Node) []graph.Option { return bind(n, lies(n)) },
		Script:     script,
		OnCrash:    func(n *sim.Node) { kept(n).crash() },
		Properties: properties,
	}
}

// shelf is what a node of the scenario keeps, and its component.
type shelf struct {
	n      *sim.Node
	lies   bool
	store  *blob.Store
	coming map[blob.ID]*coming
	wants  []blob.ID
	wrong  error // the first thing that may not happen
}

// coming is a blob on its way in, with the size that its source stated.
type coming struct {
	r    *blob.Receiver
	size int64
	some bool // a slice has come
}

var _ Blobs = (*shelf)(nil)

func kept(n *sim.Node) *shelf { return n.Kept.(*shelf) }

func (s *shelf) blame(err error) {
	if s.wrong == nil && err != nil {
		s.wrong = err
	}
}

func bind(n *sim.Node, lies bool) []graph.Option {
	if n.Kept == nil {
		n.Kept = &shelf{n: n, lies: lies, store: blob.NewMem(), coming: map[blob.ID]*coming{}}
	}
	members := make([]graph.Peer, 0, len(n.World().Nodes()))
	for _, m := range n.World().Nodes() {
		members = append(members, m.ID())
	}
	slices.Sort(members)
	return []graph.Option{graph.Bind("blobs", Blobs(kept(n))), graph.Bind("members", members)}
}

func (s *shelf) crash() {
	for _, c := range s.coming { //lint:unordered each by itself
		c.r.Abort()
	}
	clear(s.coming)
}

// Size implements Blobs.
func (s *shelf) Size(id blob.ID) (int64, bool) {
	if s.lies {
		return int64(len(libraryOf(s.n.World()).content[id])), true
	}
	return s.store.Has(id)
}

// Slice implements Blobs.
func (s *shelf) Slice(_ context.Context, p Span) (Slice, error) {
	if s.lies {
		s.n.World().Reached(sometimesLied)
		return Slice{make([]byte, p.Length+64)}, nil
	}
	data, err := s.store.ReadSlice(p.ID, p.Offset, p.Length)
	return Slice{data}, err
}

// Open implements Blobs.
func (s *shelf) Open(_ context.Context, o Offer) (Progress, error) {
	c := s.coming[o.ID]
	if c != nil && c.size != o.Size {
		c.r.Abort()
		c = nil
	}
	if c == nil {
		r, err := s.store.Receive(o.ID, o.Size)
		if err != nil {
			return Progress{}, err
		}
		c = &coming{r: r, size: o.Size}
		s.coming[o.ID] = c
	}
	if c.some {
		s.n.World().Reached(sometimesFailed)
	}
	return s.progress(o.ID, c), nil
}

// Keep implements Blobs.
func (s *shelf) Keep(_ context.Context, p Piece) (Progress, error) {
	c := s.coming[p.ID]
	if c == nil || c.size != p.Size {
		return Progress{}, errors.New("it is not on its way in")
	}
	if err := c.r.Write(p.Offset, p.Data); err != nil {
		return Progress{}, err
	}
	c.some = true
	return s.progress(p.ID, c), nil
}

func (s *shelf) progress(id blob.ID, c *coming) Progress {
	off, n, done := c.r.Next()
	if done {
		s.blame(c.r.Close())
		delete(s.coming, id)
		s.blame(s.compare(id))
	}
	return Progress{done, off, n}
}

// compare reads a held blob and compares it with what was added.
func (s *shelf) compare(id blob.ID) error {
	r, _, err := s.store.Get(id)
	if err != nil {
		return err
	}
	got, err := io.ReadAll(r)
	if err = errors.Join(err, r.Close()); err == nil && !bytes.Equal(got, libraryOf(s.n.World()).content[id]) {
		err = fmt.Errorf("the %d bytes of %v are not those that were added", len(got), id)
	}
	return err
}

// library is what was added so far.
type library struct {
	ids     []blob.ID
	content map[blob.ID][]byte
}

func libraryOf(w *sim.World) *library { return w.State.(*library) }

// blobs is how many are added in a run.
const blobs = 6

func script(w *sim.World) {
	w.State = &library{content: map[blob.ID][]byte{}}
	for i := range blobs {
		for _, n := range w.Nodes() { // whoever is up then and comes first
			w.After(time.Duration(i)*40*time.Second+time.Duration(w.RandN("adder", int(20*time.Second))), n, func(n *sim.Node) {
				if s := kept(n); !s.lies && len(libraryOf(w).ids) == i {
					s.blame(s.add(100<<10 + n.RandN("size", 900<<10)))
				}
			})
		}
	}
	w.Every(20*time.Second, 10*time.Second, func(n *sim.Node) {
		s := kept(n)
		for _, id := range s.wants {
			if _, ok := s.store.Has(id); !ok {
				graph.Submit(n.Instance(), "fetch", Fetch{id, 30 * time.Second}, time.Second, func(graph.Done, error) {})
			}
		}
	})
}

// add adds a blob, the first one empty, and has about half of the others want it.
func (s *shelf) add(size int) error {
	w := s.n.World()
	l := libraryOf(w)
	if len(l.ids) == 0 {
		size = 0
	}
	content := make([]byte, 0, size+8)
	for len(content) < size {
		content = binary.BigEndian.AppendUint64(content, s.n.Rand("content"))
	}
	content = content[:size]
	id, _, err := s.store.Add(bytes.NewReader(content))
	if err != nil {
		return err
	}
	l.ids = append(l.ids, id)
	l.content[id] = content
	for _, n := range w.Nodes() {
		if n != s.n && !kept(n).lies && n.RandN("wants", 2) == 0 {
			kept(n).wants = append(kept(n).wants, id)
		}
	}
	return nil
}
