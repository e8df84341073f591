package graph

import (
	"context"
	"fmt"
	"reflect"
	"slices"
)

// Recorded says how a recording keeps what steps read of the component: wrap gives a component that does as c and has each
// of the methods that steps may call go through a Reading. Methods that take a context are for Work, whose results are kept
// anyway, so the wrapped component may embed c.
//
//	func recorded(r *graph.Reads, b Blobs) Blobs { return &reads{b, graph.Read[int64](r, "Size")} }
//
//	type reads struct {
//		Blobs
//		size graph.Reading[int64]
//	}
//
//	func (b *reads) Size(id ID) int64 { return b.size.Do(func() int64 { return b.Blobs.Size(id) }) }
//
// Compile tells of a method that is forgotten, and of a result that has no codec.
func (c *ComponentOf[C]) Recorded(wrap func(r *Reads, c C) C) *ComponentOf[C] {
	c.c.wrap = func(r *Reads, v any) any {
		comp, _ := v.(C) // none in a replay
		return wrap(r, comp)
	}
	return c
}

// Reads is what a component's wrap makes its Readings of.
type Reads struct {
	t       *tape
	names   []string // of the readings so far, of all components of the instance
	prefix  string
	methods []readMethod
}

type readMethod struct {
	name string
	typ  reflect.Type
}

// A Reading is one method of a component, as steps call it: a recording keeps what it gives, and a replay gives it again
// without calling.
type Reading[T any] struct {
	r  *Reads
	id int
}

// Read makes the Reading of a method; T holds what the method gives but for an error.
func Read[T any](r *Reads, method string) Reading[T] {
	r.methods = append(r.methods, readMethod{method, reflect.TypeFor[T]()})
	r.names = append(r.names, r.prefix+method)
	return Reading[T]{r, len(r.names) - 1}
}

// Do gives what fn gives. Within a step, as Try.
func (g Reading[T]) Do(fn func() T) T {
	v, _ := g.Try(func() (T, error) { return fn(), nil })
	return v
}

// Try gives what fn gives. In a replay the error has the text of the one that was, and its Failure.
func (g Reading[T]) Try(fn func() (T, error)) (v T, err error) {
	t := g.r.t
	if t.play != nil {
		err = t.play.read(g.id, &v)
		return v, err
	}
	v, err = fn()
	t.rec.read(g.id, &v, err)
	return v, err
}

// wrapReads puts the recorded components in the place of those that steps read; Work still has the bound ones.
func (in *Instance) wrapReads() {
	r := &Reads{t: in.tape}
	in.components = slices.Clone(in.works)
	for i, c := range in.prog.role.components {
		if c.wrap != nil {
			r.prefix = c.name + "."
			in.components[i] = c.wrap(r, in.components[i])
		}
	}
	in.reads = r.names
}

// reads finds what is wrong with the wraps of components.
func (c *checker) reads() {
	for _, r := range c.g.roles {
		for _, comp := range r.components {
			if comp.wrap == nil {
				continue
			}
			fault := func(what, mend string) {
				c.faults = append(c.faults, Fault{r.name, "component " + comp.name, what, mend})
			}
			dry := &Reads{}
			comp.wrap(dry, nil)
			methods := readable(comp.typ)
			kept := map[string]bool{}
			for _, m := range dry.methods {
				kept[m.name] = true
				if _, ok := methods[m.name]; !ok {
					fault("it keeps what "+m.name+" gives, and steps cannot call that", "name a method of "+typeName(comp.typ)+" that takes no context")
				}
				if bad := notEncodable(m.typ, map[reflect.Type]bool{}); bad != "" {
					fault("what its method "+m.name+" gives holds "+bad+", which a recording cannot keep",
						"export it, give its type MarshalBinary and UnmarshalBinary, or have the method give something else")
				}
			}
			for i := range comp.typ.NumMethod() {
				name := comp.typ.Method(i).Name
				if _, ok := methods[name]; ok && !kept[name] {
					fault("steps may call its method "+name+", which its recording forgets", "make a graph.Read of it in what Recorded is given")
				}
			}
		}
	}
}

// readable gives the methods of a component that are not for Work: those that take no context.
func readable(t reflect.Type) map[string]reflect.Type {
	out := map[string]reflect.Type{}
	for i := range t.NumMethod() {
		m, first := t.Method(i), 1
		if t.Kind() == reflect.Interface {
			first = 0 // its methods have no receiver
		}
		if m.Type.NumIn() <= first || m.Type.In(first) != reflect.TypeFor[context.Context]() {
			out[m.Name] = m.Type
		}
	}
	return out
}

// recordable gives everything of a program that a recording could not keep.
func (p *Program) recordable() (faults []error) {
	bad := func(t reflect.Type, what, mend string) {
		if t == nil {
			return
		}
		if why := notRecordable(t); why != "" {
			faults = append(faults, fmt.Errorf("%s holds %s, which a recording cannot keep: %s", what, why, mend))
		}
	}
	const mend = "export it, or give its type MarshalBinary and UnmarshalBinary"
	for _, q := range p.role.params {
		bad(q.typ, fmt.Sprintf("param %q", q.name), mend)
	}
	told := map[*component]bool{}
	for i := range p.steps {
		s := p.steps[i].s
		switch s.kind {
		case kindAsk:
			bad(s.chann.request, fmt.Sprintf("the request of ask %q", s.note), mend)
			bad(s.chann.reply, fmt.Sprintf("the answer of ask %q", s.note), mend)
		case kindWork:
			bad(s.outs[0], "the result of "+s.title(), mend)
			continue
		}
		for _, in := range s.ins {
			if in.kind == fromComponent && in.c.wrap == nil && !told[in.c] {
				told[in.c] = true
				faults = append(faults, fmt.Errorf("component %q is read by %s, and a recording does not know how to keep that: give the component Recorded where the graph declares it",
					in.c.name, s.title()))
			}
		}
	}
	return faults
}
