package graph

import "reflect"

// A Wire is a typed value that one step makes in an activation and that other steps of the same role and the same origin
// read. It holds one value.
type Wire[T any] struct {
	s   *step
	out int
}

// Failed is the failure port of the step that makes w. A step that reads it fires when that step fails.
func (w Wire[T]) Failed() Wire[Failure] { return Wire[Failure]{w.s, failPort} }

// A Cell is a typed held value that is read at the moment a step fires: a Param, a Const, a row or the view of a table.
type Cell[T any] struct{ p portOf[T] }

// In is what a port of an op takes: a Wire, a Cell, a table, a row or a component whose type fits.
type In[T any] interface{ port() portOf[T] }

type sourceKind uint8

const (
	fromNothing sourceKind = iota
	fromWire
	fromConst
	fromParam
	fromTable // the table itself
	fromRow   // the cell of a row or a view
	fromComponent
)

// A source is what an input port is connected to.
type source struct {
	kind sourceKind
	s    *step
	out  int
	r    *Role
	p    *param
	t    *table
	c    *component
	typ  reflect.Type
	text string // constants, as drawn
}

func (s source) role() *Role {
	if s.kind == fromWire {
		return s.s.role
	}
	return s.r
}

// A portOf is a source that knows how to read its value.
type portOf[T any] struct {
	src  source
	read func(in *Instance) T // nil for wires
}

func (w Wire[T]) port() portOf[T] {
	if w.s == nil {
		return portOf[T]{src: source{typ: reflect.TypeFor[T]()}}
	}
	return portOf[T]{src: source{kind: fromWire, s: w.s, out: w.out, typ: reflect.TypeFor[T]()}}
}

func (c Cell[T]) port() portOf[T] { return c.p }

func portIn[T any](in In[T]) portOf[T] {
	if in == nil {
		return portOf[T]{src: source{typ: reflect.TypeFor[T]()}}
	}
	return in.port()
}

// A loader reads one port of a laid-out step. Every port has a place in the frame: that of its wire, or one of its own into
// which fetch copies what the cell holds at the moment the step fires.
type loader[T any] struct {
	off  uintptr
	read func(in *Instance) T
}

func (p portOf[T]) loader(l *layout) loader[T] {
	if p.src.kind == fromWire {
		return loader[T]{off: l.slot(p.src.s, p.src.out)}
	}
	return loader[T]{off: l.cell(reflect.TypeFor[T]()), read: p.read}
}

func (l *loader[T]) load(x *Tick) T { return *l.at(x) }

// at gives the place of the port's value.
func (l *loader[T]) at(x *Tick) *T {
	l.fetch(x)
	return slotAt[T](x, l.off)
}

// fetch takes the cell's value, before the step reads it from its place.
func (l *loader[T]) fetch(x *Tick) {
	if l.read != nil {
		l.copyCell(x)
	}
}

// copyCell is apart so that fetch is small enough to be inlined.
//
//go:noinline
func (l *loader[T]) copyCell(x *Tick) { *slotAt[T](x, l.off) = l.read(x.inst) }

// boxed reads the port as any, for the check of immutability.
func (l loader[T]) boxed() func(x *Tick) any { return func(x *Tick) any { return l.load(x) } }

// Const is a cell that always holds v.
func Const[T any](r *Role, v T) Cell[T] {
	return Cell[T]{portOf[T]{
		src:  source{kind: fromConst, r: r, typ: reflect.TypeFor[T](), text: short(v)},
		read: func(*Instance) T { return v },
	}}
}
