package graph

import "fmt"

// bodyOf is the for-each in whose body a wire is, or nil.
func bodyOf(in source) *step {
	switch {
	case in.kind != fromWire || in.s == nil:
		return nil
	case in.s.kind == kindForEach && in.out != failPort:
		return in.s
	}
	return in.s.body
}

// within reports whether a for-each is, or is in the body of, another; everything is within nil.
func within(b, other *step) bool {
	for ; b != other; b = b.body {
		if b == nil {
			return false
		}
	}
	return true
}

// place finds the body that a step is in: the innermost of its wires', which all lie within each other. A gather is one
// body further out than what it reads. What a body reads from outside, its for-each waits for.
func (c *checker) place(s *step) {
	s.body, s.outer = nil, nil
	for i, in := range s.ins {
		b := bodyOf(in)
		switch {
		case in.kind != fromWire || in.s.role != s.role:
		case within(b, s.body):
			s.body = b
		case !within(s.body, b):
			c.fault(s, fmt.Sprintf("input port %d is in the body of another for-each than the ports before it", i+1), "gather one of them first")
			return
		}
	}
	if s.kind == kindGather {
		if s.body == nil {
			if s.ins[0].kind != fromNothing {
				c.fault(s, "what it reads is in no body of a for-each", "remove it, or begin with graph.ForEach")
			}
			return
		}
		s.nth = c.gathers[s.body]
		c.gathers[s.body]++
		s.body = s.body.body
		return
	}
	if s.kind == kindReply && s.body != nil {
		c.fault(s, "it is in the body of a for-each, and a request has one answer", "gather first, then reply")
	}
	if s.kind == kindRelay && s.body != nil {
		c.fault(s, "it is in the body of a for-each, and a publication has one verdict", "gather first, then relay")
	}
	if s.kind == kindForEach && s.most <= 0 {
		c.fault(s, "it has no greatest number of items", "give one")
	}
	for _, in := range s.ins {
		if in.kind != fromWire || in.s.role != s.role {
			continue
		}
		for b := s.body; b != nil && b != bodyOf(in); b = b.body {
			c.fromOutside(s, b, in)
		}
	}
}

// fromOutside notes that the body of b reads a wire from outside.
func (c *checker) fromOutside(s, b *step, in source) {
	if in.s.index > b.index {
		c.fault(s, fmt.Sprintf("its body reads %s, which is recorded after the for-each", in.s.portTitle(in.out)), "record it before: a body has what the activation had when it opened")
		return
	}
	for _, o := range append(append([]source(nil), b.ins...), b.outer...) {
		if o.kind == fromWire && o.s == in.s && o.out == in.out {
			return
		}
	}
	b.outer = append(b.outer, in)
}
