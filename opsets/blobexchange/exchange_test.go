package blobexchange

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/merograph/merograph/blob"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/graph/graphtest"
)

// store is a real store, as Blobs.
type store struct {
	*blob.Store
	r      map[blob.ID]*blob.Receiver
	broken error
}

func newStore() *store { return &store{Store: blob.NewMem(), r: map[blob.ID]*blob.Receiver{}} }

func (s *store) Size(id blob.ID) (int64, bool) { return s.Has(id) }

func (s *store) Slice(_ context.Context, p Span) (Slice, error) {
	data, err := s.ReadSlice(p.ID, p.Offset, p.Length)
	return Slice{data}, err
}

func (s *store) Open(_ context.Context, o Offer) (Progress, error) {
	if s.broken != nil {
		return Progress{}, s.broken
	}
	r, err := s.Receive(o.ID, o.Size)
	if err != nil {
		return Progress{}, err
	}
	s.r[o.ID] = r
	off, n, done := r.Next()
	return Progress{done, off, n}, nil
}

func (s *store) Keep(_ context.Context, p Piece) (Progress, error) {
	r := s.r[p.ID]
	if err := r.Write(p.Offset, p.Data); err != nil {
		return Progress{}, err
	}
	off, n, done := r.Next()
	return Progress{done, off, n}, nil
}

func (s *store) add(t *testing.T, size int) blob.ID {
	t.Helper()
	content := make([]byte, size)
	rand.NewChaCha8([32]byte{byte(size)}).Read(content)
	id, _, err := s.Add(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// net is a world of nodes n0, n1, …, all members, each with a store.
type net struct {
	*graphtest.World
	t      *testing.T
	nodes  []*graphtest.Node
	stores []*store
}

func newNet(t *testing.T, nodes int, more ...graph.Peer) *net {
	t.Helper()
	n := &net{World: graphtest.New(t), t: t}
	members := slices.Clone(more)
	for i := range nodes {
		members = append(members, peer(i))
	}
	slices.Sort(members)
	for i := range nodes {
		s := newStore()
		n.stores = append(n.stores, s)
		n.nodes = append(n.nodes, n.Start(Protocol(), "peer", peer(i), graph.Bind("blobs", Blobs(s)), graph.Bind("members", members)))
	}
	n.Settle()
	return n
}

func peer(i int) graph.Peer { return graph.Peer(fmt.Sprint("n", i)) }

// fetch has node 0 want a blob.
func (n *net) fetch(id blob.ID, within time.Duration) (failed error) {
	graph.Submit(n.nodes[0].Instance, "fetch", Fetch{id, within}, time.Second, func(_ graph.Done, err error) { failed = err })
	n.Settle()
	return failed
}

func (n *net) has(id blob.ID) bool {
	_, ok := n.stores[0].Has(id)
	return ok
}

// quiet fails a test that leaves something going on.
func (n *net) quiet() {
	n.t.Helper()
	n.Sent = nil
	n.Pass(time.Minute)
	for i, x := range n.nodes {
		if c := x.Instance.Counters(); c.Activations != 0 || c.Bytes != 0 || len(x.Failures) > 0 {
			n.t.Errorf("node %d: %d activations, %d bytes, failures %v", i, c.Activations, c.Bytes, x.Failures)
		}
	}
	if len(n.Sent) > 0 {
		n.t.Errorf("%d messages for nothing, the first %+v", len(n.Sent), n.Sent[0])
	}
}

func TestFetch(t *testing.T) {
	for _, size := range []int{0, 1, blob.GroupSize, blob.MaxSlice, blob.MaxSlice + 1, 2_000_000} {
		n := newNet(t, 3)
		id := n.stores[2].add(t, size)
		if err := n.fetch(id, 30*time.Second); err != nil || !n.has(id) {
			t.Errorf("%d bytes: %v, held %v", size, err, n.has(id))
		}
		if err := n.fetch(id, 30*time.Second); err != nil { // it is here
			t.Error(err)
		}
		n.quiet()
	}
}

func TestWithin(t *testing.T) {
	n := newNet(t, 1)
	for _, within := range []time.Duration{0, -1, maxWithin + 1} {
		if err := n.fetch(blob.ID{1}, within); graph.ReasonOf(err) != graph.Malformed {
			t.Errorf("within %v: %v", within, err)
		}
	}
	for i := range 256 {
		if err := n.fetch(blob.ID{byte(i)}, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.fetch(blob.ID{0, 1}, time.Minute); graph.ReasonOf(err) != graph.Busy {
		t.Errorf("one more than fit: %v", err)
	}
}

// A blob that nobody has is asked for until its time is over; one that comes up meanwhile is found.
func TestNobodyHasIt(t *testing.T) {
	n := newNet(t, 3)
	if err := n.fetch(blob.ID{1}, 30*time.Second); err != nil {
		t.Fatal(err)
	}
	n.Pass(30 * time.Second)
	if asked := n.Count("n0", "have", graph.RequestMsg); asked < 20 || asked > 40 {
		t.Errorf("asked %d times in thirty seconds", asked)
	}
	n.quiet()
	src := newStore()
	id := src.add(t, 100)
	if err := n.fetch(id, 30*time.Second); err != nil {
		t.Fatal(err)
	}
	n.Pass(10 * time.Second)
	n.stores[1].add(t, 100)
	if n.Pass(3 * time.Second); !n.has(id) {
		t.Error("not found when it came up")
	}
	n.quiet()
}

// Two wants of one blob are one, and end with the later of the two.
func TestTwoWants(t *testing.T) {
	n := newNet(t, 2)
	id := newStore().add(t, 300_000)
	for _, within := range []time.Duration{5 * time.Second, 20 * time.Second, 10 * time.Second} {
		if err := n.fetch(id, within); err != nil {
			t.Fatal(err)
		}
	}
	n.Pass(15 * time.Second)
	n.stores[1].add(t, 300_000)
	n.Pass(3 * time.Second)
	if slices := n.Count("n0", "slice", graph.RequestMsg); !n.has(id) || slices != 2 {
		t.Errorf("held %v after %d slices", n.has(id), slices)
	}
	n.quiet()
}

func TestMembersAlone(t *testing.T) {
	n := newNet(t, 1, "member")
	id := n.stores[0].add(t, 100)
	for p, want := range map[graph.Peer]graph.Reason{"member": graph.None, "stranger": graph.Denied} {
		f := n.Ask(p, "n0", "have", Which{id}, &Held{})
		g := n.Ask(p, "n0", "slice", Span{id, 0, 100}, &Slice{})
		for _, f := range []*graph.Failure{f, g} {
			if f == nil && want != graph.None || f != nil && f.Reason != want {
				t.Errorf("%s: %v", p, f)
			}
		}
	}
	for _, s := range []Span{{id, -1, 1}, {id, 0, -1}, {id, 0, MaxSlice + 1}, {id, 1 << 62, 1 << 62}} {
		if f := n.Ask("member", "n0", "slice", s, &Slice{}); f == nil || f.Reason != graph.Malformed {
			t.Errorf("%+v: %v", s, f)
		}
	}
	for _, s := range []Span{{id, 100, 1}, {id, 1 << 62, 1}, {blob.ID{}, 0, 1}} {
		if f := n.Ask("member", "n0", "slice", s, &Slice{}); f == nil || f.Reason != graph.Remote {
			t.Errorf("%+v: %v", s, f)
		}
	}
}

// source is a stranger who says that it holds everything, and answers what is asked for a slice by slice.
func source(size func(blob.ID) int64, slice func(m graph.Message) []graph.Message) func(m graph.Message) []graph.Message {
	return func(m graph.Message) []graph.Message {
		switch {
		case m.Kind != graph.RequestMsg:
			return nil
		case m.Channel == "have":
			var w Which
			if err := cbor.Unmarshal(m.Payload, &w); err != nil {
				return nil
			}
			return graphtest.Reply(m, Held{true, size(w.ID)})
		}
		return slice(m)
	}
}

// Whatever a source does, it costs the time of its calls alone: the blob comes from another.
func TestBadSources(t *testing.T) {
	const size = 1_000_000
	right := func(blob.ID) int64 { return size }
	wrong := func(m graph.Message) []graph.Message { return graphtest.Reply(m, Slice{make([]byte, 1000)}) }
	for name, say := range map[string]func(m graph.Message) []graph.Message{
		"wrong bytes":     source(right, wrong),
		"no bytes":        source(right, func(m graph.Message) []graph.Message { return graphtest.Reply(m, Slice{}) }),
		"too large":       source(right, func(m graph.Message) []graph.Message { return graphtest.Reply(m, Slice{make([]byte, 600<<10)}) }),
		"silent":          source(right, func(graph.Message) []graph.Message { return nil }),
		"smaller":         source(func(blob.ID) int64 { return size - 1 }, wrong),
		"empty":           source(func(blob.ID) int64 { return 0 }, wrong),
		"huge":            source(func(blob.ID) int64 { return 1<<63 - 1 }, wrong),
		"negative":        source(func(blob.ID) int64 { return -1 }, wrong),
		"refuses":         source(right, func(m graph.Message) []graph.Message { return graphtest.Refuse(m, graph.Denied, 0) }),
		"busy for ever":   source(right, func(m graph.Message) []graph.Message { return graphtest.Refuse(m, graph.Busy, 1<<62) }),
		"silent at first": func(graph.Message) []graph.Message { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			n := newNet(t, 2, "a", "z")
			n.Stranger("a", say)
			n.Stranger("z", say)
			id := n.stores[1].add(t, size)
			if err := n.fetch(id, 40*time.Second); err != nil {
				t.Fatal(err)
			}
			if n.Pass(25 * time.Second); !n.has(id) {
				t.Error("it did not come")
			}
			n.Pass(15 * time.Second)
			n.quiet()
		})
	}
}

// A source that dies mid-way is left, and what it gave is kept.
func TestSourceDies(t *testing.T) {
	n := newNet(t, 3)
	id := n.stores[1].add(t, 2_000_000)
	n.stores[2].add(t, 2_000_000)
	given, first := 0, graph.Peer("")
	n.Lose = func(from graph.Peer, m graph.Message) bool {
		if m.Channel != "slice" || m.Kind != graph.ReplyMsg {
			return false
		}
		if given++; given == 4 {
			first = from
		}
		return from == first
	}
	if err := n.fetch(id, 30*time.Second); err != nil {
		t.Fatal(err)
	}
	if n.has(id) || first == "" {
		t.Fatal("it came at once")
	}
	if n.Pass(11 * time.Second); !n.has(id) {
		t.Error("no other source was found")
	}
	if asked := n.Count("n0", "slice", graph.RequestMsg); asked != 9 {
		t.Errorf("%d slices were asked for, of 8 and one that was lost", asked)
	}
	n.quiet()
}

// A want whose time ends while a slice is on the way ends, and a new want of the blob goes on.
func TestEndsMidWay(t *testing.T) {
	n := newNet(t, 2)
	id := n.stores[1].add(t, 2_000_000)
	lose := true
	n.Lose = func(_ graph.Peer, m graph.Message) bool {
		return lose && m.Channel == "slice" && m.Kind == graph.ReplyMsg
	}
	if err := n.fetch(id, 4*time.Second); err != nil {
		t.Fatal(err)
	}
	n.Pass(5 * time.Second)
	lose = false
	if err := n.fetch(id, 30*time.Second); err != nil {
		t.Fatal(err)
	}
	if !n.has(id) {
		t.Error("the new want waits for the old one")
	}
	n.Pass(10 * time.Second)
	n.quiet()
}

// A node that cannot store leaves its sources one after the other, and comes to rest.
func TestOwnDiskFails(t *testing.T) {
	n := newNet(t, 3)
	n.stores[0].broken = errors.New("no space")
	id := n.stores[1].add(t, 100)
	n.stores[2].add(t, 100)
	if err := n.fetch(id, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	n.Pass(10 * time.Second)
	if asked := n.Count("n0", "have", graph.RequestMsg); asked > 60 {
		t.Errorf("asked %d times", asked)
	}
	n.quiet()
}

// With more members than may be asked at once, all are asked in the end.
func TestManyMembers(t *testing.T) {
	var more []graph.Peer
	for i := range 3000 {
		more = append(more, graph.Peer(fmt.Sprint("a", i)))
	}
	n := newNet(t, 2, more...)
	for _, p := range more {
		n.Stranger(p, func(m graph.Message) []graph.Message {
			if m.Kind != graph.RequestMsg {
				return nil
			}
			return graphtest.Reply(m, Held{})
		})
	}
	id := n.stores[1].add(t, 100)
	if err := n.fetch(id, 30*time.Second); err != nil {
		t.Fatal(err)
	}
	if n.Pass(30 * time.Second); !n.has(id) {
		t.Error("the one that has it was not asked")
	}
}

func TestDrawings(t *testing.T) {
	golden(t, "peer.txt", Protocol().Text("peer"))
	golden(t, "graph.mermaid", Protocol().Mermaid(""))
}

// golden compares with a file of testdata, or writes it when UPDATE is set.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE") != "" {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(path, []byte(got), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || string(want) != got {
		t.Errorf("the drawing differs from %s (%v); look at it, then UPDATE=1 go test:\n%s", path, err, got)
	}
}
