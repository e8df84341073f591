package graph

import (
	"fmt"
	"reflect"
	"unsafe"
)

// A Program is the compiled, immutable plan of one role, shared by every instance.
type Program struct {
	g        *Graph
	role     *Role
	steps    []planStep
	pending  []int16 // how many wires each step waits for
	words    int     // of the ready list
	frame    reflect.Type
	timers   []int
	failures int // the handler's plan index, or -1
	receive  map[string]int
	asks     map[string]int
	known    map[string]bool // the names of its channels and asks
	channels []ChannelInfo
	due      [][]int // timers that read a table, by table
	dueFeed  [][]int // timers that read a param, by param
	changes  []int   // the origin of each table's changes
}

// planStep is a step as the engine runs it.
type planStep struct {
	s     *step
	name  string
	title string // the name, and what it is about
	planFns
	first    []reader   // of output port 0
	readers  [][]reader // by output port
	onFail   []reader   // of the failure port
	failOff  uintptr
	pure     bool    // no effect to take back when it fails
	waits    bool    // kindCall, kindWork
	body     []int16 // for-each: how many wires each step of its body waits for
	gathers  []int   // for-each: the plan indexes of its gathers
	live     []int   // suspending: the fields of the wires that are alive meanwhile
	bodyLive []int   // for-each: of those that its body reads from outside
}

// A reader is a step that waits for a wire; arm is which input of a merge it is.
type reader struct{ step, arm uint16 }

// mostSteps is how many steps a role may have, and a merge inputs.
const mostSteps = 1 << 15

// layout gives each wire of a role its place in the frame, and each step its place in the plan.
type layout struct {
	fields []reflect.StructField
	offs   []uintptr // of the fields, as reflect.StructOf will place them
	size   uintptr
	at     map[[2]int]int // (recording index, port) → field
	posOf  map[int]int    // recording index → plan index
}

func newLayout(steps []*step) *layout {
	l := &layout{at: map[[2]int]int{}, posOf: map[int]int{}}
	for i, s := range steps {
		l.posOf[s.index] = i
		for out, t := range s.outs {
			l.add(s, out, t)
		}
	}
	for _, s := range steps {
		for _, in := range s.ins {
			if in.kind == fromWire && in.out == failPort && !l.has(in.s, failPort) {
				l.add(in.s, failPort, reflect.TypeFor[Failure]()) // a failure that nobody reads needs no place
			}
		}
	}
	return l
}

func (l *layout) add(s *step, out int, t reflect.Type) {
	l.at[[2]int{s.index, out}] = len(l.fields)
	l.field(t)
}

func (l *layout) field(t reflect.Type) uintptr {
	a := uintptr(t.Align())
	off := (l.size + a - 1) / a * a
	l.offs, l.size = append(l.offs, off), off+t.Size()
	l.fields = append(l.fields, reflect.StructField{Name: fmt.Sprintf("S%d", len(l.fields)), Type: t})
	return off
}

// cell gives a port that reads no wire a place of its own.
func (l *layout) cell(t reflect.Type) uintptr { return l.field(t) }

// fieldsOf gives the fields of wires.
func (l *layout) fieldsOf(wires []source) (fields []int) {
	for _, in := range wires {
		if in.kind == fromWire {
			fields = append(fields, l.at[[2]int{in.s.index, in.out}])
		}
	}
	return fields
}

func (l *layout) has(s *step, out int) bool { _, ok := l.at[[2]int{s.index, out}]; return ok }

func (l *layout) slot(s *step, out int) uintptr {
	return l.offs[l.at[[2]int{s.index, out}]]
}

func (l *layout) pos(s *step) int { return l.posOf[s.index] }

// slotAt is the slot of type T at an offset of the running frame. Only compiled closures call it, with the T and the offset
// that the layout gave to one wire or port, so the type is always that of the field; the frame is made by reflect.New of the
// same layout, so the collector knows its pointers.
func slotAt[T any](x *Tick, off uintptr) *T { return (*T)(unsafe.Add(x.slots, off)) }

// Name is the program's graph.
func (p *Program) Name() string { return p.g.name }

// Version is the graph's version.
func (p *Program) Version() int { return p.g.version }

// Role is the program's role.
func (p *Program) Role() string { return p.role.name }

// Channels describes the channels that this role sends or receives on, in the order of the graph.
func (p *Program) Channels() []ChannelInfo { return append([]ChannelInfo(nil), p.channels...) }

// A Need is what Start must be given.
type Need struct{ Name, Kind, Type string }

// Needs lists what must be bound at Start.
func (p *Program) Needs() []Need {
	var out []Need
	for _, q := range p.role.params {
		out = append(out, Need{q.name, "param", typeName(q.typ)})
	}
	for _, c := range p.role.components {
		out = append(out, Need{c.name, "component", typeName(c.typ)})
	}
	return out
}
