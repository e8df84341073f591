package graph

import (
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
)

// param is a cell that is bound at Start.
type param struct {
	role  *Role
	index int
	name  string
	typ   reflect.Type
	bind  func(v any) (boundParam, bool)
	hold  func() boundParam // one without a value
}

// boundParam is a param of an instance: a value, or what a feed held when the instance last looked.
type boundParam interface {
	refresh()              // takes the feed's newest value
	latest() any           // the newest value, from any goroutine: for rules
	save() ([]byte, error) // what the instance sees
	load(b []byte) error
	watch(func()) (un func()) // nil for a plain value
}

// Param is a cell of a role that Start binds by name: to a value of type T, or to a *Feed[T], whose changes count as writes
// of the cell.
func Param[T any](r *Role, name string) Cell[T] {
	p := &param{role: r, index: len(r.params), name: name, typ: reflect.TypeFor[T]()}
	p.bind = func(v any) (boundParam, bool) {
		if f, ok := v.(*Feed[T]); ok {
			return &heldParam[T]{feed: f, v: f.Get()}, true
		}
		if t, ok := v.(T); ok {
			return &heldParam[T]{v: t}, true
		}
		return nil, false
	}
	p.hold = func() boundParam { return &heldParam[T]{} }
	r.params = append(r.params, p)
	i := p.index
	return Cell[T]{portOf[T]{
		src:  source{kind: fromParam, r: r, p: p, typ: p.typ},
		read: func(in *Instance) T { return in.params[i].(*heldParam[T]).v },
	}}
}

type heldParam[T any] struct {
	v    T
	feed *Feed[T]
}

func (h *heldParam[T]) refresh() {
	if h.feed != nil {
		h.v = h.feed.Get()
	}
}

func (h *heldParam[T]) latest() any {
	if h.feed != nil {
		return h.feed.Get()
	}
	return h.v
}

func (h *heldParam[T]) watch(fn func()) func() {
	if h.feed == nil {
		return nil
	}
	return h.feed.Watch(fn)
}

// component is a capability that is bound at Start.
type component struct {
	role  *Role
	index int
	name  string
	typ   reflect.Type
	fits  func(v any) bool
	wrap  func(r *Reads, v any) any // nil: what steps read of it is not recorded
}

// A ComponentOf is a declared component, through the interface C that the opset needs of it. As a port it lets a step read
// what the component holds in memory.
type ComponentOf[C any] struct{ c *component }

// Component declares a component of a role, bound at Start by name.
func Component[C any](r *Role, name string) *ComponentOf[C] {
	c := &component{role: r, index: len(r.components), name: name, typ: reflect.TypeFor[C]()}
	c.fits = func(v any) bool { _, ok := v.(C); return ok }
	r.components = append(r.components, c)
	return &ComponentOf[C]{c}
}

func (c *ComponentOf[C]) port() portOf[C] {
	i := c.c.index
	return portOf[C]{
		src:  source{kind: fromComponent, r: c.c.role, c: c.c, typ: c.c.typ},
		read: func(in *Instance) C { return in.components[i].(C) },
	}
}

// work is the port of a Work: the component as it was bound. A replay has none, and calls none.
func (c *ComponentOf[C]) work() portOf[C] {
	p, i := c.port(), c.c.index
	p.read = func(in *Instance) C {
		comp, _ := in.works[i].(C)
		return comp
	}
	return p
}

// A Feed is a value that the node changes between ticks, or that a table publishes: each value is an immutable snapshot.
// Safe for concurrent use.
type Feed[T any] struct {
	v    atomic.Pointer[T]
	mu   sync.Mutex
	subs []*func()
}

// NewFeed makes a feed that holds v.
func NewFeed[T any](v T) *Feed[T] {
	f := &Feed[T]{}
	f.v.Store(&v)
	return f
}

// Get gives the newest value.
func (f *Feed[T]) Get() T { return *f.v.Load() }

// Set puts a new value and tells those who watch. The value must not be changed afterwards.
func (f *Feed[T]) Set(v T) {
	f.mu.Lock()
	f.v.Store(&v)
	subs := append([]*func(){}, f.subs...)
	f.mu.Unlock()
	for _, s := range subs {
		(*s)()
	}
}

// Watch has fn called after each Set, on the setter's goroutine: it must not block, and it must not call Set of this feed.
// The returned function ends it.
func (f *Feed[T]) Watch(fn func()) (unwatch func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := &fn
	f.subs = append(f.subs, s)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		for i, o := range f.subs {
			if o == s {
				f.subs = append(f.subs[:i:i], f.subs[i+1:]...)
				return
			}
		}
	}
}

// MapFeed gives a feed that follows another: whenever f changes, it holds fn of f's value.
func MapFeed[T, U any](f *Feed[T], fn func(T) U) *Feed[U] {
	var mu sync.Mutex // or a slower setter would put back an older value
	out := &Feed[U]{}
	follow := func() {
		mu.Lock()
		defer mu.Unlock()
		out.Set(fn(f.Get()))
	}
	f.Watch(follow)
	follow()
	return out
}

// An Option is given to Start.
type Option func(*settings)

type settings struct {
	binds   map[string]any
	names   []string
	key     string
	bounds  Bounds
	check   bool
	observe func(TickInfo)
	noReuse bool

	record   *Recording
	play     *player
	snapshot []byte
	live     *Instance
	faults   []error
}

// Bind gives the value of a Param (a value or a *Feed) or of a Component.
func Bind(name string, v any) Option {
	return func(s *settings) {
		if _, twice := s.binds[name]; twice {
			s.faults = append(s.faults, fmt.Errorf("%q is bound twice: bind it once", name))
		}
		s.binds[name] = v
		s.names = append(s.names, name)
	}
}

// Key names an instance among several of its program; the key is in its frames.
func Key(key string) Option { return func(s *settings) { s.key = key } }

// Bound sets the bounds of the instance; what is zero is the default.
func Bound(b Bounds) Option { return func(s *settings) { s.bounds = b } }

// CheckImmutable has the instance compare what each step was given before and after it fires, and panic on a change: for
// tests.
func CheckImmutable() Option { return func(s *settings) { s.check = true } }

// WithoutFrameReuse has the instance make a new frame for each activation, so that a test can tell that nothing depends on
// what an earlier one left.
func WithoutFrameReuse() Option { return func(s *settings) { s.noReuse = true } }

// Observe has fn told of each tick after its commit, on the instance's goroutine.
func Observe(fn func(TickInfo)) Option { return func(s *settings) { s.observe = fn } }
