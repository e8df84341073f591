package ops_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/ops"
)

// The models are the joins as one would write them with slices and a clock: no tables, no changes, no activations. A model
// is given what was said and at what time, in microseconds, and adds what is to come out.

const second = 1_000_000

// slot is a key of a model with the time at which it began.
type slot struct {
	k     string
	since int
	put   int // when it was last added to, among all that was
	evs   []ev
	a, b  *ev
	full  bool
}

type world struct {
	now   int
	puts  int
	slots []*slot
	want  []string
}

func (m *world) find(k string) *slot {
	for _, s := range m.slots {
		if s.k == k {
			return s
		}
	}
	return nil
}

func (m *world) drop(s *slot) {
	for i, o := range m.slots {
		if o == s {
			m.slots = append(m.slots[:i], m.slots[i+1:]...)
			return
		}
	}
}

func (m *world) give(format string, args ...any) {
	m.want = append(m.want, fmt.Sprintf(format, args...))
}

// open finds the slot of a key or makes one, nil when there is no room.
func (m *world) open(k string, capacity int) *slot {
	s := m.find(k)
	if s == nil {
		if len(m.slots) >= capacity {
			return nil
		}
		s = &slot{k: k, since: m.now}
		m.slots = append(m.slots, s)
	}
	return s
}

// add has a slot be the newest of those that end at one instant.
func (m *world) add(s *slot) {
	m.puts++
	s.put = m.puts
}

// pass has time go by, and calls late for each slot whose window ends.
func (m *world) pass(d, window int, late func(s *slot)) {
	m.now += d
	slices.SortFunc(m.slots, func(a, b *slot) int { return cmp.Or(a.since-b.since, a.put-b.put) })
	for len(m.slots) > 0 && m.slots[0].since+window <= m.now {
		s := m.slots[0]
		m.slots = m.slots[1:]
		late(s)
	}
}

type check struct {
	window int
	ins    []string
	build  func(g *rig)
	say    func(m *world, in string, e ev) graph.Reason
	late   func(m *world, s *slot)
}

// against runs random words through a join and its model.
func against(rt *rapid.T, t *testing.T, c check) {
	g := newRig(t)
	c.build(g)
	g.start()
	m := &world{}
	seen := 0
	cutting := rapid.Bool().Draw(rt, "cutting") // now and then another instance goes on from the snapshot of the last
	for range rapid.IntRange(1, 60).Draw(rt, "events") {
		if rapid.IntRange(0, 4).Draw(rt, "pass") == 0 {
			d := rapid.IntRange(1, 6).Draw(rt, "seconds")
			g.pass(time.Duration(d) * time.Second)
			m.pass(d*second, c.window, func(s *slot) { c.late(m, s) })
		}
		in := rapid.SampledFrom(c.ins).Draw(rt, "in")
		e := ev{rapid.SampledFrom([]string{"x", "y", "z"}).Draw(rt, "key"), rapid.IntRange(-2, 9).Draw(rt, "v")}
		want := graph.Denied // a tick that fails changes nothing
		if e.V >= 0 {
			want = c.say(m, in, e)
		} else {
			e.V--
		}
		got := graph.NoReply
		if ticks := rapid.IntRange(-4, 2).Draw(rt, "ticks"); cutting && ticks >= 0 {
			got = g.sayAcross(in, e.K, e.V, ticks)
		} else {
			got = g.say(in, e.K, e.V)
		}
		if cutting { // what follows takes an instant for each of its ticks
			g.pass(time.Microsecond)
			m.pass(1, c.window, func(s *slot) { c.late(m, s) })
		}
		if e.V < 0 && (got == graph.Busy || got == graph.TooLarge) {
			got = graph.Denied // the join refused it before
		}
		if got != want {
			rt.Fatalf("%s %v: %v, the model says %v", in, e, got, want)
		}
		for ; seen < len(g.got) || seen < len(m.want); seen++ {
			if seen >= len(g.got) || seen >= len(m.want) || g.got[seen] != m.want[seen] {
				rt.Fatalf("after %s %v at %d µs, from the %d.: got %q, the model says %q", in, e, m.now, seen, g.got[seen:], m.want[seen:])
			}
		}
	}
}

func TestZipModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		capacity := rapid.IntRange(1, 3).Draw(rt, "capacity")
		against(rt, t, check{
			window: 5 * second, ins: []string{"a", "b"},
			build: func(g *rig) {
				z := ops.Zip(g.r, "zip", g.in("a"), key, g.in("b"), key, 5*time.Second, capacity)
				out(g, "pair", z.Out)
				out(g, "late", z.Late)
			},
			say: func(m *world, in string, e ev) graph.Reason {
				s := m.open(e.K, capacity)
				if s == nil {
					return graph.Busy
				}
				mine, other := &s.a, &s.b
				if in == "b" {
					mine, other = other, mine
				}
				if *mine != nil {
					return graph.Busy
				}
				*mine = &e
				m.add(s)
				if *other != nil {
					m.drop(s)
					m.give("pair {%v %v}", *s.a, *s.b)
				}
				return graph.None
			},
			late: func(m *world, s *slot) {
				var h ops.Half[ev, ev]
				if h.HasA = s.a != nil; h.HasA {
					h.A = *s.a
				}
				if h.HasB = s.b != nil; h.HasB {
					h.B = *s.b
				}
				m.give("late %v", h)
			},
		})
	})
}

func TestQuorumModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		capacity, k := rapid.IntRange(1, 3).Draw(rt, "capacity"), rapid.IntRange(1, 4).Draw(rt, "k")
		voter := func(e ev) graph.Peer { return graph.Peer(fmt.Sprint(e.V % 5)) }
		if rapid.Bool().Draw(rt, "anybody") {
			voter = nil
		}
		against(rt, t, check{
			window: 5 * second, ins: []string{"a", "b", "c"},
			build: func(g *rig) {
				q := ops.Quorum(g.r, "votes", k, key, voter, 5*time.Second, capacity, g.in("a"), g.in("b"), g.in("c"))
				out(g, "quorum", q.Out)
				out(g, "late", q.Late)
			},
			say: func(m *world, _ string, e ev) graph.Reason {
				s := m.open(e.K, capacity)
				if s == nil {
					return graph.Busy
				}
				for _, o := range s.evs {
					if voter != nil && voter(o) == voter(e) {
						return graph.None
					}
				}
				if s.full {
					return graph.None
				}
				m.add(s)
				if s.evs = append(s.evs, e); len(s.evs) == k {
					s.full = true
					m.give("quorum %v", s.evs)
				}
				return graph.None
			},
			late: func(m *world, s *slot) {
				if !s.full {
					m.give("late %v", s.evs)
				}
			},
		})
	})
}

func TestBatchModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		capacity := rapid.IntRange(1, 3).Draw(rt, "capacity")
		fill := ops.Fill{Count: rapid.IntRange(1, 5).Draw(rt, "count"), Bytes: rapid.SampledFrom([]int{0, 5, 12}).Draw(rt, "bytes"), Within: 5 * time.Second}
		sum := func(evs []ev) (n int) {
			for _, e := range evs {
				n += e.V
			}
			return n
		}
		against(rt, t, check{
			window: 5 * second, ins: []string{"a"},
			build: func(g *rig) {
				size := func(e ev) int { return max(e.V, -e.V) }
				out(g, "batch", ops.BatchBy(g.r, "batch", g.in("a"), key, size, fill, capacity).Out)
			},
			say: func(m *world, _ string, e ev) graph.Reason {
				if fill.Bytes > 0 && e.V > fill.Bytes {
					return graph.TooLarge
				}
				if s := m.find(e.K); s != nil && fill.Bytes > 0 && sum(s.evs)+e.V > fill.Bytes {
					m.drop(s)
					m.give("batch %v", s.evs)
				}
				fills := func(evs []ev) bool { return len(evs) >= fill.Count || fill.Bytes > 0 && sum(evs) >= fill.Bytes }
				if m.find(e.K) == nil && fills([]ev{e}) { // it needs no room
					m.give("batch %v", []ev{e})
					return graph.None
				}
				s := m.open(e.K, capacity)
				if s == nil {
					return graph.Busy
				}
				m.add(s)
				if s.evs = append(s.evs, e); fills(s.evs) {
					m.drop(s)
					m.give("batch %v", s.evs)
				}
				return graph.None
			},
			late: func(m *world, s *slot) { m.give("batch %v", s.evs) },
		})
	})
}
