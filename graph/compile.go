package graph

import (
	"fmt"
	"reflect"
	"strings"
)

// A Fault is what is wrong with a graph: where, what, and what to do.
type Fault struct {
	Role, Step, What, Mend string
}

// String is the fault as one line.
func (f Fault) String() string {
	return fmt.Sprintf("%s: %s: %s: %s", f.Role, f.Step, f.What, f.Mend)
}

// Faults is every fault of a graph.
type Faults []Fault

// Error lists the faults, one a line.
func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// Compile gives the program of a role, or all Faults of the graph at once, those of its other roles too.
func Compile(g *Graph, role string) (*Program, error) {
	if fs := check(g); len(fs) > 0 {
		return nil, fs
	}
	for _, r := range g.roles {
		if r.name == role {
			return plan(g, r), nil
		}
	}
	return nil, Faults{{role, g.name, "no such role", "it has " + strings.Join(g.Roles(), ", ")}}
}

func plan(g *Graph, r *Role) *Program {
	steps := stepsOf(g, r)
	l := newLayout(steps)
	p := &Program{g: g, role: r, failures: -1, receive: map[string]int{}, asks: map[string]int{}, known: map[string]bool{},
		words: (len(steps) + 63) / 64, pending: make([]int16, len(steps)), steps: make([]planStep, len(steps)),
		due: make([][]int, len(r.tables)), dueFeed: make([][]int, len(r.params)), changes: make([]int, len(r.tables))}
	for i, s := range steps {
		ps := &p.steps[i]
		ps.s, ps.name, ps.planFns = s, s.op, s.build(l)
		if ps.title = s.op; s.note != "" {
			ps.title += " " + s.note
		}
		ps.readers = make([][]reader, len(s.outs))
		if l.has(s, failPort) {
			ps.failOff = l.slot(s, failPort)
		}
		ps.waits = s.kind == kindCall || s.kind == kindWork
		ps.pure = s.kind == kindMerge || s.kind == kindOp
		p.bodies(l, i, s)
		for arm, in := range s.ins {
			if in.kind == fromTable {
				ps.pure = false
			}
			if in.kind != fromWire {
				continue
			}
			if s.kind != kindMerge || arm == 0 {
				p.pending[i]++
				p.waitInBody(l, i, s, in)
			}
			from, rd := &p.steps[l.pos(in.s)], reader{uint16(i), uint16(arm)}
			if in.out == failPort {
				from.onFail = append(from.onFail, rd)
			} else {
				from.readers[in.out] = append(from.readers[in.out], rd)
			}
		}
		p.origin(i, s)
	}
	for i, s := range steps {
		if s.suspends() {
			p.steps[i].live = l.fieldsOf(liveAcross(steps, s))
		}
		if s.kind == kindForEach {
			p.steps[i].bodyLive = l.fieldsOf(append(append([]source(nil), s.ins...), s.outer...))
		}
	}
	p.frame = reflect.StructOf(l.fields)
	for i := range p.steps {
		if ps := &p.steps[i]; len(ps.readers) > 0 {
			ps.first = ps.readers[0]
		}
	}
	p.channels = channelsOf(g, r)
	for _, c := range p.channels {
		p.known[c.Name] = true
	}
	return p
}

// bodies makes a for-each wait for what its body reads from outside, and gives a gather to its for-each.
func (p *Program) bodies(l *layout, i int, s *step) {
	if s.kind == kindForEach {
		p.steps[i].body = make([]int16, len(p.steps))
		for _, in := range s.outer {
			from, rd := &p.steps[l.pos(in.s)], reader{step: uint16(i)}
			p.pending[i]++
			p.waitInBody(l, i, s, in)
			if in.out == failPort {
				from.onFail = append(from.onFail, rd)
			} else {
				from.readers[in.out] = append(from.readers[in.out], rd)
			}
		}
	}
	if s.kind == kindGather {
		e := &p.steps[l.pos(bodyOf(s.ins[0]))]
		e.gathers = append(e.gathers, i)
	}
}

// waitInBody counts a wire that is made in the body of a for-each: a step waits for it in each item.
func (p *Program) waitInBody(l *layout, i int, s *step, in source) {
	if b := bodyOf(in); b != nil && (b == s.body || s.kind == kindGather) {
		p.steps[l.pos(b)].body[i]++
	}
}

func (p *Program) origin(i int, s *step) {
	switch s.kind {
	case kindTimer:
		p.timers = append(p.timers, i)
		switch in := s.ins[0]; in.kind {
		case fromRow:
			p.due[in.t.index] = append(p.due[in.t.index], i)
		case fromParam:
			p.dueFeed[in.p.index] = append(p.dueFeed[in.p.index], i)
		}
	case kindReceive:
		p.receive[s.chann.name] = i
	case kindAsk:
		p.asks[s.note], p.known[s.note] = i, true
	case kindFailures:
		p.failures = i
	case kindChanges:
		p.changes[s.table.index] = i
	}
}

func channelsOf(g *Graph, r *Role) []ChannelInfo {
	var out []ChannelInfo
	for _, s := range g.steps {
		if s.kind != kindCall && s.kind != kindSend && s.kind != kindPublish {
			continue
		}
		c, to := s.chann, s.callee
		if s.role != r && to.role != r {
			continue
		}
		info := ChannelInfo{Kind: c.kind, Name: c.name, From: s.role.name, To: to.role.name, Out: s.role == r, In: to.role == r,
			MaxRequest: c.maxReq, MaxReply: c.maxReply, Fingerprint: fingerprint(c, s.role.name, to.role.name),
			Rule: s.rule.text, PerSecond: c.perSecond, CallDeadline: s.timeout, RequestType: typeName(c.request)}
		info.Judged = relayOf(g, to) != nil
		if c.reply != nil {
			info.ReplyType = typeName(c.reply)
		}
		out = append(out, info)
	}
	return out
}

func typeName(t reflect.Type) string {
	if t == nil {
		return ""
	}
	s := strings.ReplaceAll(t.String(), "graph.", "")
	// Type arguments are printed with their whole import paths; a reader wants the last element.
	var b strings.Builder
	for _, part := range splitKeep(s) {
		if i := strings.LastIndexByte(part, '/'); i >= 0 {
			part = part[i+1:]
		}
		b.WriteString(strings.TrimPrefix(part, "graph."))
	}
	return b.String()
}

// splitKeep cuts s after each of the bytes that stand between names.
func splitKeep(s string) []string {
	var out []string
	start := 0
	for i := range len(s) {
		if strings.IndexByte("[],*() ", s[i]) >= 0 {
			out = append(out, s[start:i], s[i:i+1])
			start = i + 1
		}
	}
	return append(out, s[start:])
}

func typeNames(ts []reflect.Type) []string {
	out := make([]string, len(ts))
	for i, t := range ts {
		out[i] = typeName(t)
	}
	return out
}

func short(v any) string {
	s := fmt.Sprintf("%v", v)
	if len(s) > 40 {
		s = s[:40] + "…"
	}
	return s
}
