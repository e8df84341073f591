package graph

import (
	"reflect"
	"sort"
	"sync"
)

// An Opset is a named list of ops. Ops are added while a program initialises, and generic ones when they are placed: graphs
// may be recorded side by side.
type Opset struct {
	name string
	mu   sync.Mutex
	ops  map[string]OpInfo
}

// An OpInfo describes an op of an opset.
type OpInfo struct {
	Name    string // opset.op
	Version int
	In, Out []string // the types of its ports
}

// NewOpset begins an opset.
func NewOpset(name string) *Opset { return &Opset{name: name, ops: map[string]OpInfo{}} }

// Name is the opset's name.
func (s *Opset) Name() string { return s.name }

// Ops gives the ops by name.
func (s *Opset) Ops() []OpInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]OpInfo, 0, len(s.ops))
	for _, o := range s.ops { //lint:unordered sorted below by name, which is unique
		out = append(out, o)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name }) //lint:total-key names are unique
	return out
}

// add keeps the first description of an op: a generic op is made again for each type that it is placed with.
func (s *Opset) add(name string, version int, in, out []reflect.Type) string {
	return s.Declare(name, version, typeNames(in), typeNames(out))
}

// Declare describes an op that is no Go value of its own: one that is generic, or that places several steps. in and out are
// the types of its ports, with type parameters where it has them. It gives the op's full name; the first description of a
// name stays.
func (s *Opset) Declare(name string, version int, in, out []string) string {
	full := s.name + "." + name
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.ops[full]; !ok {
		s.ops[full] = OpInfo{full, version, in, out}
	}
	return full
}

// emit stores the value of a step's one output.
func emit[T any](x *Tick, off uintptr, v T, err error) (int, error) {
	if err != nil {
		return noPort, err
	}
	*slotAt[T](x, off) = v
	return 0, nil
}

func typesOf[T any]() []reflect.Type { return []reflect.Type{reflect.TypeFor[T]()} }

// opStep is a step of an op with one output of type Z.
func opStep[Z any](full string, ins ...source) *step {
	s := &step{kind: kindOp, op: full, ins: ins, outs: typesOf[Z]()}
	s.effect = reflect.TypeFor[Z]() == reflect.TypeFor[Done]()
	for _, in := range ins {
		s.effect = s.effect || in.kind == fromTable
	}
	return s
}

// Op1 makes an op of one port: a value that, applied to its port, places a step. The function runs inside a tick: it must
// not block, must not change what it was given, and takes time, randomness and identity from x alone.
func Op1[A, Z any](set *Opset, name string, version int, fn func(*Tick, A) (Z, error)) func(In[A]) Wire[Z] {
	full := set.add(name, version, typesOf[A](), typesOf[Z]())
	return func(a In[A]) Wire[Z] {
		pa := portIn(a)
		s := record(opStep[Z](full, pa.src))
		s.build = func(l *layout) planFns {
			la, off := pa.loader(l), l.slot(s, 0)
			return planFns{
				fire: func(x *Tick) (int, error) {
					la.fetch(x)
					z, err := fn(x, *slotAt[A](x, la.off))
					if err != nil {
						return noPort, err
					}
					*slotAt[Z](x, off) = z
					return 0, nil
				},
				inputs: []func(*Tick) any{la.boxed()},
			}
		}
		return Wire[Z]{s, 0}
	}
}

// Op2 is Op1 with two ports.
func Op2[A, B, Z any](set *Opset, name string, version int, fn func(*Tick, A, B) (Z, error)) func(In[A], In[B]) Wire[Z] {
	full := set.add(name, version, append(typesOf[A](), typesOf[B]()...), typesOf[Z]())
	return func(a In[A], b In[B]) Wire[Z] {
		pa, pb := portIn(a), portIn(b)
		s := record(opStep[Z](full, pa.src, pb.src))
		s.build = func(l *layout) planFns {
			la, lb, off := pa.loader(l), pb.loader(l), l.slot(s, 0)
			return planFns{
				fire: func(x *Tick) (int, error) {
					la.fetch(x)
					lb.fetch(x)
					z, err := fn(x, *slotAt[A](x, la.off), *slotAt[B](x, lb.off))
					if err != nil {
						return noPort, err
					}
					*slotAt[Z](x, off) = z
					return 0, nil
				},
				inputs: []func(*Tick) any{la.boxed(), lb.boxed()},
			}
		}
		return Wire[Z]{s, 0}
	}
}

// Op3 is Op1 with three ports.
func Op3[A, B, C, Z any](set *Opset, name string, version int, fn func(*Tick, A, B, C) (Z, error)) func(In[A], In[B], In[C]) Wire[Z] {
	full := set.add(name, version, append(typesOf[A](), append(typesOf[B](), typesOf[C]()...)...), typesOf[Z]())
	return func(a In[A], b In[B], c In[C]) Wire[Z] {
		pa, pb, pc := portIn(a), portIn(b), portIn(c)
		s := record(opStep[Z](full, pa.src, pb.src, pc.src))
		s.build = func(l *layout) planFns {
			la, lb, lc, off := pa.loader(l), pb.loader(l), pc.loader(l), l.slot(s, 0)
			return planFns{
				fire: func(x *Tick) (int, error) {
					la.fetch(x)
					lb.fetch(x)
					lc.fetch(x)
					z, err := fn(x, *slotAt[A](x, la.off), *slotAt[B](x, lb.off), *slotAt[C](x, lc.off))
					if err != nil {
						return noPort, err
					}
					*slotAt[Z](x, off) = z
					return 0, nil
				},
				inputs: []func(*Tick) any{la.boxed(), lb.boxed(), lc.boxed()},
			}
		}
		return Wire[Z]{s, 0}
	}
}

// Op4 is Op1 with four ports.
func Op4[A, B, C, D, Z any](set *Opset, name string, version int, fn func(*Tick, A, B, C, D) (Z, error)) func(In[A], In[B], In[C], In[D]) Wire[Z] {
	full := set.add(name, version, append(append(typesOf[A](), typesOf[B]()...), append(typesOf[C](), typesOf[D]()...)...), typesOf[Z]())
	return func(a In[A], b In[B], c In[C], d In[D]) Wire[Z] {
		pa, pb, pc, pd := portIn(a), portIn(b), portIn(c), portIn(d)
		s := record(opStep[Z](full, pa.src, pb.src, pc.src, pd.src))
		s.build = func(l *layout) planFns {
			la, lb, lc, ld, off := pa.loader(l), pb.loader(l), pc.loader(l), pd.loader(l), l.slot(s, 0)
			return planFns{
				fire: func(x *Tick) (int, error) {
					la.fetch(x)
					lb.fetch(x)
					lc.fetch(x)
					ld.fetch(x)
					z, err := fn(x, *slotAt[A](x, la.off), *slotAt[B](x, lb.off), *slotAt[C](x, lc.off), *slotAt[D](x, ld.off))
					if err != nil {
						return noPort, err
					}
					*slotAt[Z](x, off) = z
					return 0, nil
				},
				inputs: []func(*Tick) any{la.boxed(), lb.boxed(), lc.boxed(), ld.boxed()},
			}
		}
		return Wire[Z]{s, 0}
	}
}

// Branch makes an op with two outputs that exclude each other: the function says with first which one carries the value.
func Branch[A, Z any](set *Opset, name string, version int, fn func(*Tick, A) (z Z, first bool, err error)) func(In[A]) (yes, no Wire[Z]) {
	out := append(typesOf[Z](), typesOf[Z]()...)
	full := set.add(name, version, typesOf[A](), out)
	return func(a In[A]) (Wire[Z], Wire[Z]) {
		pa := portIn(a)
		s := opStep[Z](full, pa.src)
		s.outs, s.splits = out, true
		record(s)
		s.build = func(l *layout) planFns {
			la, yes, no := pa.loader(l), l.slot(s, 0), l.slot(s, 1)
			return planFns{
				fire: func(x *Tick) (int, error) {
					la.fetch(x)
					z, first, err := fn(x, *slotAt[A](x, la.off))
					if err != nil {
						return noPort, err
					}
					if first {
						*slotAt[Z](x, yes) = z
						return 0, nil
					}
					*slotAt[Z](x, no) = z
					return 1, nil
				},
				inputs: []func(*Tick) any{la.boxed()},
			}
		}
		return Wire[Z]{s, 0}, Wire[Z]{s, 1}
	}
}

// Branch2 is Branch with two ports.
func Branch2[A, B, Z any](set *Opset, name string, version int, fn func(*Tick, A, B) (z Z, first bool, err error)) func(In[A], In[B]) (yes, no Wire[Z]) {
	out := append(typesOf[Z](), typesOf[Z]()...)
	full := set.add(name, version, append(typesOf[A](), typesOf[B]()...), out)
	return func(a In[A], b In[B]) (Wire[Z], Wire[Z]) {
		pa, pb := portIn(a), portIn(b)
		s := opStep[Z](full, pa.src, pb.src)
		s.outs, s.splits = out, true
		record(s)
		s.build = func(l *layout) planFns {
			la, lb, yes, no := pa.loader(l), pb.loader(l), l.slot(s, 0), l.slot(s, 1)
			return planFns{
				fire: func(x *Tick) (int, error) {
					la.fetch(x)
					lb.fetch(x)
					z, first, err := fn(x, *slotAt[A](x, la.off), *slotAt[B](x, lb.off))
					if err != nil {
						return noPort, err
					}
					if first {
						*slotAt[Z](x, yes) = z
						return 0, nil
					}
					*slotAt[Z](x, no) = z
					return 1, nil
				},
				inputs: []func(*Tick) any{la.boxed(), lb.boxed()},
			}
		}
		return Wire[Z]{s, 0}, Wire[Z]{s, 1}
	}
}

// Merge gives one wire from several: from branches that exclude each other (w and w.Failed(), the outputs of one Branch),
// or from several origins, and is then itself an origin: what reads it reads nothing older.
func Merge[T any](ws ...Wire[T]) Wire[T] {
	s := &step{kind: kindMerge, op: "merge", outs: typesOf[T]()}
	for _, w := range ws {
		s.ins = append(s.ins, w.port().src)
	}
	record(s)
	s.build = func(l *layout) planFns {
		offs := make([]uintptr, len(ws))
		for i, w := range ws {
			offs[i] = l.slot(w.s, w.out)
		}
		out, pos := l.slot(s, 0), l.pos(s)
		return planFns{fire: func(x *Tick) (int, error) {
			*slotAt[T](x, out) = *slotAt[T](x, offs[x.frame.arm[pos]])
			return 0, nil
		}}
	}
	return Wire[T]{s, 0}
}
