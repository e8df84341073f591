package graph

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The model of a table: rows in the order of their puts, which everything is worked out from.
type modelRow struct {
	k, v    int
	expires Time
	from    Peer
}

type model struct {
	rows            []modelRow // oldest put first
	capacity, quota int
	evict           bool
}

func (m *model) find(k int) int {
	return slices.IndexFunc(m.rows, func(r modelRow) bool { return r.k == k })
}

func (m *model) put(k, v int, expires Time, from Peer) bool {
	i, held := m.find(k), 0
	for _, r := range m.rows {
		if r.from == from {
			held++
		}
	}
	if m.quota > 0 && from != "" && held >= m.quota && (i < 0 || m.rows[i].from != from) {
		return false
	}
	if i >= 0 {
		m.rows = slices.Delete(m.rows, i, i+1)
	} else if len(m.rows) >= m.capacity {
		if !m.evict {
			return false
		}
		m.rows = m.rows[1:]
	}
	m.rows = append(m.rows, modelRow{k, v, expires, from})
	return true
}

func (m *model) copy() *model {
	c := *m
	c.rows = slices.Clone(m.rows)
	return &c
}

func (m *model) view() (out []modelRow) {
	out = slices.Clone(m.rows)
	slices.SortFunc(out, func(a, b modelRow) int { return cmp.Compare(a.k, b.k) })
	return out
}

type kv struct{ K, V int }

// rowOp is one change that a step makes.
type rowOp struct {
	put  bool
	k, v int
	ttl  time.Duration
}

// rowStep is a step: its changes, and whether it fails after them.
type rowStep struct {
	ops  []rowOp
	fail bool
}

// rowTick is a tick of two steps, of which the second may fail unhandled.
type rowTick struct {
	first, second rowStep
	from          Peer
}

func genTick(t *rapid.T) rowTick {
	op := rapid.Custom(func(t *rapid.T) rowOp {
		return rowOp{rapid.IntRange(0, 3).Draw(t, "put") > 0, rapid.IntRange(0, 6).Draw(t, "k"), rapid.IntRange(0, 1).Draw(t, "v"),
			rapid.SampledFrom([]time.Duration{1, 2, 5, Forever}).Draw(t, "ttl")}
	})
	step := func(name string) rowStep {
		return rowStep{rapid.SliceOfN(op, 0, 4).Draw(t, name), rapid.IntRange(0, 3).Draw(t, name+" fails") == 0}
	}
	return rowTick{step("first"), step("second"), rapid.SampledFrom([]Peer{"", "a", "b"}).Draw(t, "from")}
}

// rowsGraph takes ticks; the failure of the first step is handled, that of the second is not.
func rowsGraph(seen *[]Change[kv], opts []TableOption) *Graph {
	g, r := one()
	table := Table(r, "t", func(v kv) int { return v.K }, opts...)
	in := Ask[rowTick, int](r, "tick")
	apply := func(x *Tick, s rowStep, t *Rows[int, kv], from Peer) error {
		x.frame.sender = from // as a message of that peer would have it
		for _, o := range s.ops {
			if o.put {
				_ = t.Put(kv{o.k, o.v}, o.ttl)
			} else {
				t.Remove(o.k)
			}
		}
		t.View() // so that what is taken back is in a view
		if s.fail {
			return errors.New("fails")
		}
		return nil
	}
	tick := valueOf(in)
	first := Op2(testOps, "first", 1, func(x *Tick, k rowTick, t *Rows[int, kv]) (rowTick, error) { return k, apply(x, k.first, t, k.from) })(tick, table)
	handled := Op1(testOps, "handled", 1, func(*Tick, Failure) (Done, error) { return Done{}, nil })(first.Failed())
	ok := Op1(testOps, "ok", 1, func(*Tick, rowTick) (Done, error) { return Done{}, nil })(first)
	second := Op3(testOps, "second", 1, func(x *Tick, _ Done, k rowTick, t *Rows[int, kv]) (int, error) {
		return 0, apply(x, k.second, t, k.from)
	})(Merge(ok, handled), tick, table)
	Reply(in, second)
	Op1(testOps, "change", 1, func(_ *Tick, c Change[kv]) (Done, error) { *seen = append(*seen, c); return Done{}, nil })(table.Changes())
	return g
}

// netChanges works out from two states what the events must be, whatever their order.
func netChanges(before, after *model) (out []string) {
	for _, k := range before.view() {
		i := after.find(k.k)
		if i < 0 {
			out = append(out, fmt.Sprintf("gone %d %d", k.k, k.v))
			continue
		}
		if is := after.rows[i]; is.v != k.v {
			out = append(out, fmt.Sprintf("update %d %d %d", k.k, k.v, is.v))
		}
	}
	for _, k := range after.view() {
		if before.find(k.k) < 0 {
			out = append(out, fmt.Sprintf("insert %d %d", k.k, k.v))
		}
	}
	slices.Sort(out)
	return out
}

func sawChanges(cs []Change[kv]) (out []string) {
	for _, c := range cs {
		switch c.Kind {
		case Inserted:
			out = append(out, fmt.Sprintf("insert %d %d", c.New.K, c.New.V))
		case Updated:
			out = append(out, fmt.Sprintf("update %d %d %d", c.New.K, c.Old.V, c.New.V))
		case Removed, Evicted, ExpiredRow:
			out = append(out, fmt.Sprintf("gone %d %d", c.Old.K, c.Old.V))
		}
	}
	slices.Sort(out)
	return out
}

// TestRows runs random ticks, of which some fail in part or whole, against the model.
func TestRows(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &model{capacity: rapid.IntRange(1, 5).Draw(rt, "capacity"), quota: rapid.IntRange(0, 2).Draw(rt, "quota"), evict: rapid.Bool().Draw(rt, "evict")}
		opts := []TableOption{Capacity(m.capacity), Quota(m.quota)}
		if m.evict {
			opts = append(opts, EvictOldest())
		}
		var seen []Change[kv]
		w := newWorld(t)
		n := w.start(rowsGraph(&seen, opts), "r", "n")
		table := n.in.tables[0].(*Rows[int, kv])
		for range rapid.IntRange(1, 30).Draw(rt, "ticks") {
			k := genTick(rt)
			before := m.copy()
			apply := func(s rowStep) {
				for _, o := range s.ops {
					if !o.put {
						if i := m.find(o.k); i >= 0 {
							m.rows = slices.Delete(m.rows, i, i+1)
						}
					} else {
						m.put(o.k, o.v, w.now.Add(o.ttl), k.from)
					}
				}
			}
			if apply(k.first); k.first.fail {
				m = before.copy()
			}
			if apply(k.second); k.second.fail {
				m = before.copy()
			}
			seen = nil
			a := ask[rowTick, int](n, "tick", k, time.Hour)
			n.run()
			if (a.err != nil) != k.second.fail {
				rt.Fatalf("answer %v", a.err)
			}
			sameRows(rt, table, m)
			if got, want := sawChanges(seen), netChanges(before, m); !slices.Equal(got, want) {
				rt.Fatalf("events %v, the net changes are %v", got, want)
			}
			// Time passes, and what is due expires, soonest first.
			seen = nil
			w.step(time.Duration(rapid.IntRange(0, 2).Draw(rt, "pass")))
			var gone []modelRow
			m.rows = slices.DeleteFunc(m.rows, func(r modelRow) bool {
				if r.expires <= w.now {
					gone = append(gone, r)
				}
				return r.expires <= w.now
			})
			slices.SortStableFunc(gone, func(a, b modelRow) int { return cmp.Compare(a.expires, b.expires) })
			n.run()
			sameRows(rt, table, m)
			if len(seen) != len(gone) {
				rt.Fatalf("%d expired, not %d", len(seen), len(gone))
			}
			for i, c := range seen {
				if c.Kind != ExpiredRow || c.Old.K != gone[i].k {
					rt.Fatalf("expired %v, not %v", seen, gone)
				}
			}
		}
	})
}

func sameRows(t *rapid.T, r *Rows[int, kv], m *model) {
	v, want := r.View(), m.view()
	if v.Len() != len(want) || r.Len() != len(want) {
		t.Fatalf("%v, the model has %v", v.All(), want)
	}
	for i, o := range want {
		at, ok := r.Expires(o.k)
		if v.Key(i) != o.k || v.At(i).V != o.v || !ok || at != o.expires {
			t.Fatalf("%v until %v, the model has %v", v.All(), at, want)
		}
	}
	// The books agree: the ring, the heap and the quotas.
	var ring []int
	for o := r.age.next; o != &r.age; o = o.next {
		ring = append(ring, o.key)
	}
	held, expiring := map[Peer]int{}, 0
	for i, o := range m.rows {
		if ring[i] != o.k {
			t.Fatalf("puts in the order %v, the model has %v", ring, m.rows)
		}
		if o.from != "" && m.quota > 0 {
			held[o.from]++
		}
		if o.expires < Forever {
			expiring++
		}
	}
	if fmt.Sprint(held) != fmt.Sprint(map[Peer]int(r.bySrc)) && len(held)+len(r.bySrc) > 0 || len(r.expiry) != expiring || len(ring) != len(m.rows) {
		t.Fatalf("quotas %v, not %v; %d in the heap, not %d", r.bySrc, held, len(r.expiry), expiring)
	}
	for i := range r.expiry {
		if p := (i - 1) / 2; i > 0 && r.expiry[i].before(r.expiry[p]) || r.expiry[i].at != i {
			t.Fatalf("the heap is out of order at %d", i)
		}
	}
}
