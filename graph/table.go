package graph

import (
	"cmp"
	"reflect"
)

// table is what the graph knows of a declared table, whatever its types.
type table struct {
	role     *Role
	index    int // in the role
	name     string
	key, row reflect.Type // key is nil for a Row
	capacity int
	quota    int
	evict    bool
	exposed  bool
	changes  *step
	make     func(in *Instance, t *table) tableState
}

// A TableOption sets a bound or a policy of a table.
type TableOption func(*table)

// Capacity is the greatest number of rows. A table without one is a compile error.
func Capacity(rows int) TableOption { return func(t *table) { t.capacity = rows } }

// EvictOldest makes a full table drop the row that was put longest ago, instead of refusing the new one.
func EvictOldest() TableOption { return func(t *table) { t.evict = true } }

// Quota is the greatest number of rows that the activations of one sender may hold. Own activations are not counted.
func Quota(rows int) TableOption { return func(t *table) { t.quota = rows } }

// A TableOf is a declared table of soft state: rows V by key K, each with a TTL of its own. It is an input port: an op
// that is given it may read and change it.
type TableOf[K cmp.Ordered, V any] struct {
	t   *table
	key func(V) K
}

// Table declares a table of a role; key gives the key of a row.
func Table[K cmp.Ordered, V any](r *Role, name string, key func(V) K, opts ...TableOption) *TableOf[K, V] {
	t := &table{role: r, index: len(r.tables), name: name, key: reflect.TypeFor[K](), row: reflect.TypeFor[V]()}
	for _, o := range opts {
		o(t)
	}
	t.make = func(in *Instance, t *table) tableState { return newRows(in, t, key) }
	r.tables = append(r.tables, t)
	return &TableOf[K, V]{t, key}
}

func (t *TableOf[K, V]) port() portOf[*Rows[K, V]] {
	i := t.t.index
	return portOf[*Rows[K, V]]{
		src:  source{kind: fromTable, r: t.t.role, t: t.t, typ: reflect.TypeFor[*Rows[K, V]]()},
		read: func(in *Instance) *Rows[K, V] { return in.tables[i].(*Rows[K, V]) },
	}
}

// View is the cell of the whole table: an immutable snapshot in key order, as it stands when the step fires.
func (t *TableOf[K, V]) View() Cell[View[K, V]] {
	i := t.t.index
	return Cell[View[K, V]]{portOf[View[K, V]]{
		src:  source{kind: fromRow, r: t.t.role, t: t.t, typ: reflect.TypeFor[View[K, V]]()},
		read: func(in *Instance) View[K, V] { return in.tables[i].(*Rows[K, V]).View() },
	}}
}

// Changes is the origin of the table's changes: after each commit, one activation for each row that the tick changed, in
// the order of the changes.
func (t *TableOf[K, V]) Changes() Wire[Change[V]] {
	if t.t.changes == nil {
		s := &step{role: t.t.role, kind: kindChanges, op: "changes", note: t.t.name, outs: typesOf[Change[V]](), table: t.t}
		i := t.t.index
		s.build = func(l *layout) planFns {
			off := l.slot(s, 0)
			return planFns{begin: func(x *Tick, ev *event) error {
				*slotAt[Change[V]](x, off) = x.inst.tables[i].(*Rows[K, V]).takeChange()
				return nil
			}}
		}
		t.t.changes = record(s)
	}
	return Wire[Change[V]]{t.t.changes, 0}
}

// Expose publishes the table to the node and to other instances: after each commit that changed it, FeedOf gives the new
// snapshot.
func (t *TableOf[K, V]) Expose() { t.t.exposed = true }

// A RowOf is a table of one row.
type RowOf[V any] struct{ t *table }

// Row declares a table of one row.
func Row[V any](r *Role, name string) *RowOf[V] {
	t := &table{role: r, index: len(r.tables), name: name, row: reflect.TypeFor[V](), capacity: 1}
	t.make = func(in *Instance, t *table) tableState {
		return &One[V]{newRows(in, t, func(V) uint8 { return 0 })}
	}
	r.tables = append(r.tables, t)
	return &RowOf[V]{t}
}

func (t *RowOf[V]) port() portOf[*One[V]] {
	i := t.t.index
	return portOf[*One[V]]{
		src:  source{kind: fromTable, r: t.t.role, t: t.t, typ: reflect.TypeFor[*One[V]]()},
		read: func(in *Instance) *One[V] { return in.tables[i].(*One[V]) },
	}
}

// Expose publishes the row: FeedOf[uint8, V] gives a view that holds it at key 0 while it is there.
func (t *RowOf[V]) Expose() { t.t.exposed = true }

// Cell is the cell of the row; while it is absent, the zero value.
func (t *RowOf[V]) Cell() Cell[V] {
	i := t.t.index
	return Cell[V]{portOf[V]{
		src: source{kind: fromRow, r: t.t.role, t: t.t, typ: reflect.TypeFor[V]()},
		read: func(in *Instance) V {
			v, _ := in.tables[i].(*One[V]).Get()
			return v
		},
	}}
}

// A ChangeKind says what became of a row in a tick.
type ChangeKind uint8

// The kinds of change.
const (
	Inserted  ChangeKind = iota + 1
	Refreshed            // put again with an equal value: its TTL and its place among the oldest are new
	Updated
	Removed
	ExpiredRow
	Evicted
)

var changeNames = [...]string{"", "insert", "refresh", "update", "remove", "expire", "evict"}

// String is the kind in the words of the design.
func (k ChangeKind) String() string { return changeNames[k] }

// A Change is the net change of a row in one tick. Old is the zero value for Inserted, New for Removed, ExpiredRow and
// Evicted.
type Change[V any] struct {
	Kind     ChangeKind
	Old, New V
}

// One is the row of a Row, as an op sees it inside a tick.
type One[V any] struct{ *Rows[uint8, V] }

// Get gives the row, if it is there.
func (o *One[V]) Get() (V, bool) { return o.Rows.Get(0) }

// Set puts the row for ever.
func (o *One[V]) Set(v V) error { return o.Rows.Put(v, Forever) }

// Remove removes the row, if it is there.
func (o *One[V]) Remove() bool { return o.Rows.Remove(0) }

var _ In[*One[int]] = (*RowOf[int])(nil)
var _ In[*Rows[string, int]] = (*TableOf[string, int])(nil)
