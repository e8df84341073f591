package graph

import (
	"fmt"
	"reflect"
	"time"
)

// A Graph is a protocol under recording. It is recorded by one goroutine; once compiled it is not changed.
type Graph struct {
	name    string
	version int
	roles   []*Role
	steps   []*step
	faults  []Fault // found while recording
}

// New begins the protocol name at a version; both are in the protocol ids on the wire.
func New(name string, version int) *Graph { return &Graph{name: name, version: version} }

// Name is the protocol's name.
func (g *Graph) Name() string { return g.name }

// Version is the protocol's version.
func (g *Graph) Version() int { return g.version }

// Roles gives the names of the roles, in the order of their declaration.
func (g *Graph) Roles() []string {
	names := make([]string, len(g.roles))
	for i, r := range g.roles {
		names[i] = r.name
	}
	return names
}

// A Role is a class of nodes that takes part in a protocol.
type Role struct {
	g          *Graph
	name       string
	params     []*param
	tables     []*table
	components []*component
	failures   *step
}

// Role declares a role. Declaring a name twice is a compile error.
func (g *Graph) Role(name string) *Role {
	r := &Role{g: g, name: name}
	g.roles = append(g.roles, r)
	return r
}

// Name is the role's name.
func (r *Role) Name() string { return r.name }

type stepKind uint8

const (
	kindOp       stepKind = iota
	kindTimer             // origin
	kindReceive           // origin: the callee's side of a channel
	kindAsk               // origin
	kindChanges           // origin: a table's changes
	kindFailures          // origin: the role's handler
	kindMerge             // an origin when it joins several
	kindCall              // suspends
	kindWork              // suspends
	kindReply
	kindSend
	kindPublish
	kindForEach // suspends; its wire is in the body
	kindGather  // reads a body, gives its wire outside
	kindRelay
)

// failPort is the port number of a step's failure port.
const failPort = -1

// A step is an op placed in a graph.
type step struct {
	role    *Role
	index   int // recording index in the graph
	kind    stepKind
	op      string // as drawn: opset.op
	note    string // as drawn: what a reader wants to know beside it
	ins     []source
	outs    []reflect.Type
	splits  bool // its outputs exclude each other
	effect  bool // has an effect even when nobody reads it
	chann   *channel
	rule    *rule
	retry   *retryPolicy // of a call
	callee  *step        // of a crossing: the receiving step
	table   *table
	repeat  bool                // timer: arms itself again
	most    int                 // for-each: items
	nth     int                 // gather: which one of its for-each
	enough  func(items int) int // gather: of values to go on with
	body    *step               // the innermost for-each in whose body it is
	outer   []source            // for-each: wires from outside that its body reads
	timeout time.Duration       // kindCall, kindWork
	build   func(*layout) planFns
}

// An exec fires a step: the port that carries its value, or noPort when it gives none now.
type exec func(x *Tick) (int, error)

const noPort = -2

// planFns are what a step does once its program is laid out.
type planFns struct {
	fire    exec
	resume  func(x *Tick, r *resumption) (int, error) // kindCall, kindWork
	begin   func(x *Tick, ev *event) error            // origins: put the event's value in its slot
	next    func(x *Tick) (Time, bool)                // timers
	collect func(n int) gathering                     // kindGather
	items   func(x *Tick) func(x *Tick, item int)     // kindForEach: puts an item of its list in its wire
	inputs  []func(x *Tick) any                       // for the check of immutability
}

func (s *step) canFail() bool {
	switch s.kind {
	case kindTimer, kindReceive, kindAsk, kindChanges, kindFailures, kindMerge, kindGather:
		return false
	}
	return true
}

func (s *step) isOrigin() bool {
	switch s.kind {
	case kindTimer, kindReceive, kindAsk, kindChanges, kindFailures:
		return true
	}
	return false
}

// record adds a step; its role is that of its first placed input.
func record(s *step) *step {
	if s.role == nil {
		for _, in := range s.ins {
			if r := in.role(); r != nil {
				s.role = r
				break
			}
		}
	}
	if s.role == nil {
		panic(fmt.Sprintf("graph: %s is placed with no connected input, so its role is unknown: pass it a wire, a cell or a table", s.op))
	}
	s.index = len(s.role.g.steps)
	s.role.g.steps = append(s.role.g.steps, s)
	return s
}

// Failures is the origin of the failures in this role that no step handles: each begins an activation of its own after
// the commit. A role with a handler never fails a tick for want of a wire.
func (r *Role) Failures() Wire[Failure] {
	if r.failures == nil {
		s := &step{role: r, kind: kindFailures, op: "failures", outs: []reflect.Type{reflect.TypeFor[Failure]()}}
		s.build = func(l *layout) planFns {
			off := l.slot(s, 0)
			return planFns{begin: func(x *Tick, ev *event) error {
				*slotAt[Failure](x, off) = *ev.failure
				return nil
			}}
		}
		r.failures = record(s)
	}
	return Wire[Failure]{r.failures, 0}
}
