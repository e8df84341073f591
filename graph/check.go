package graph

import (
	"fmt"
	"reflect"
	"strings"
)

// checker finds every fault of a graph.
type checker struct {
	g       *Graph
	faults  Faults
	read    map[*step]map[int]bool // which ports somebody reads
	origins map[*step]map[*step]bool
	conds   map[*step]map[cond]bool // what must have happened for the step to fire
	gathers map[*step]int           // of each for-each
}

// cond is that a step gave its value on a port.
type cond struct {
	s   *step
	out int
}

func newChecker(g *Graph) *checker {
	return &checker{g: g, read: map[*step]map[int]bool{}, origins: map[*step]map[*step]bool{}, conds: map[*step]map[cond]bool{}, gathers: map[*step]int{}}
}

func check(g *Graph) Faults {
	c := newChecker(g)
	c.faults = append(c.faults, g.faults...)
	for _, s := range g.steps {
		c.inputs(s)
		c.flow(s)
		c.place(s)
	}
	for _, s := range g.steps {
		c.outputs(s)
	}
	c.names()
	c.sizes()
	c.tables()
	c.channels()
	if len(c.faults) == 0 {
		c.snapshots() // of a graph that is otherwise sound
		c.reads()
	}
	return c.faults
}

func (c *checker) fault(s *step, what, mend string) {
	c.faults = append(c.faults, Fault{s.role.name, s.title(), what, mend})
}

// title names a step in a message.
func (s *step) title() string {
	t := fmt.Sprintf("step %d, %s", s.index, s.op)
	if s.note != "" {
		t += " " + s.note
	}
	return t
}

func (c *checker) inputs(s *step) {
	wires := 0
	for i, in := range s.ins {
		switch {
		case in.kind == fromNothing:
			c.fault(s, fmt.Sprintf("input port %d (%s) is not connected", i+1, typeName(in.typ)), "give it a wire, a cell or a table")
			continue
		case in.role() != s.role:
			c.fault(s, fmt.Sprintf("input port %d comes from role %s", i+1, in.role().name), "cross with Call, Send or Publish")
		}
		if in.kind != fromWire {
			continue
		}
		wires++
		if in.out == failPort && !in.s.canFail() {
			c.fault(s, fmt.Sprintf("input port %d reads the failure port of %s, which cannot fail", i+1, in.s.title()), "remove it")
		}
		if c.read[in.s] == nil {
			c.read[in.s] = map[int]bool{}
		}
		c.read[in.s][in.out] = true
	}
	if wires == 0 && !s.isOrigin() {
		c.fault(s, "it has cells alone and would never fire", "give one port a wire, or begin with a timer such as Due")
	}
}

// flow works out from which origin a step fires and under which conditions.
func (c *checker) flow(s *step) {
	origins, conds := map[*step]bool{}, map[cond]bool{}
	first := true
	for i, in := range s.ins {
		if in.kind != fromWire || in.s.role != s.role {
			continue
		}
		from := map[cond]bool{{in.s, in.out}: true}
		for k := range c.conds[in.s] { //lint:unordered builds a set
			from[k] = true
		}
		if s.kind == kindMerge {
			if first {
				conds = from
			}
			for k := range conds { //lint:unordered builds a set
				if !from[k] {
					delete(conds, k)
				}
			}
		} else {
			if !first && len(origins) > 0 && !overlaps(origins, c.origins[in.s]) {
				c.fault(s, fmt.Sprintf("input port %d has another origin than the ports before it", i+1), "a step reads wires of one origin: keep one of the values in a table, or merge the origins")
			}
			if k, o, bad := excludes(conds, from); bad {
				c.fault(s, fmt.Sprintf("it can never fire: it reads %s and %s, which exclude each other", k, o), "use Merge, or two steps")
			}
			for k := range from { //lint:unordered builds a set
				conds[k] = true
			}
		}
		for o := range c.origins[in.s] { //lint:unordered builds a set
			origins[o] = true
		}
		first = false
	}
	if s.kind == kindMerge {
		c.merge(s)
	}
	if s.isOrigin() || s.kind == kindMerge && len(origins) > 1 {
		origins = map[*step]bool{s: true}
	}
	c.origins[s], c.conds[s] = origins, conds
}

func overlaps(a, b map[*step]bool) bool {
	for o := range a { //lint:unordered any
		if b[o] {
			return true
		}
	}
	return false
}

// merge: its inputs exclude each other, or each has an origin of its own.
func (c *checker) merge(s *step) {
	for i, a := range s.ins {
		for _, b := range s.ins[:i] {
			if a.kind != fromWire || b.kind != fromWire || !overlaps(c.origins[a.s], c.origins[b.s]) {
				continue
			}
			if _, _, ok := excludes(c.condsOf(a), c.condsOf(b)); !ok {
				c.fault(s, fmt.Sprintf("%s and %s may both have a value in one activation", a.s.title(), b.s.title()),
					"merge branches that exclude each other (w and w.Failed(), the outputs of one Branch) or wires of different origins")
			}
		}
	}
}

func (c *checker) condsOf(in source) map[cond]bool {
	from := map[cond]bool{{in.s, in.out}: true}
	for k := range c.conds[in.s] { //lint:unordered builds a set
		from[k] = true
	}
	return from
}

// excludes finds a step that would have to give its value on two ports at once.
func excludes(a, b map[cond]bool) (x, y string, bad bool) {
	best := -1
	for k := range a { //lint:unordered the least recording index is reported
		for _, out := range k.s.others(k.out) {
			if b[cond{k.s, out}] && (best < 0 || k.s.index < best) {
				best, x, y, bad = k.s.index, k.s.portTitle(k.out), k.s.portTitle(out), true
			}
		}
	}
	return x, y, bad
}

// others are the ports of s that carry nothing when out does.
func (s *step) others(out int) (ports []int) {
	if out != failPort && s.canFail() {
		ports = append(ports, failPort)
	}
	for o := range s.outs {
		if o != out && (out == failPort || s.splits) {
			ports = append(ports, o)
		}
	}
	return ports
}

func (s *step) portTitle(out int) string {
	if out == failPort {
		return "the failure of " + s.title()
	}
	if len(s.outs) > 1 {
		return fmt.Sprintf("output %d of %s", out+1, s.title())
	}
	return s.title()
}

func (c *checker) outputs(s *step) {
	read := c.read[s]
	switch {
	case s.kind == kindReceive && s.chann.kind == ExchangeKind, s.kind == kindAsk:
		n := 0
		for _, r := range c.g.steps {
			if r.kind == kindReply && r.callee == s {
				n++
			}
		}
		if n == 0 {
			c.fault(s, "it has no Reply, so every caller would get no reply", "add graph.Reply for it")
		}
		if n > 1 {
			c.fault(s, fmt.Sprintf("it has %d Reply lines", n), "merge the answers before one Reply")
		}
	case s.isOrigin() && len(read) == 0:
		c.fault(s, "nobody reads this origin", "remove it, or read it")
	case s.effect || s.isOrigin():
	default:
		for out := range s.outs {
			if !read[out] {
				what := "its output"
				if len(s.outs) > 1 {
					what = fmt.Sprintf("output %d", out+1)
				}
				c.fault(s, fmt.Sprintf("nobody reads %s, and the step has no effect", what), "read it, or remove the step")
			}
		}
	}
	switch s.kind {
	case kindReply:
		c.reply(s)
	case kindRelay:
		c.relay(s)
	}
}

func (c *checker) reply(s *step) {
	if s.callee == nil {
		return
	}
	if k := s.callee.kind; k != kindReceive && k != kindAsk {
		c.fault(s, "its first port is not the wire of a request", "give it the in of Call, or of Ask")
	}
}

// sizes finds what is too large for the plan.
func (c *checker) sizes() {
	steps := map[*Role]int{}
	for _, s := range c.g.steps {
		if steps[s.role]++; steps[s.role] == mostSteps || len(s.ins) >= mostSteps {
			c.fault(s, fmt.Sprintf("a role has fewer than %d steps, and a merge inputs", mostSteps), "make two protocols of it")
		}
	}
}

// twice reports the names that a role gives to two things.
func (c *checker) names() {
	seen := map[string]bool{}
	twice := func(role, kind, name string) {
		k := role + "\x00" + kind + "\x00" + name
		if kind == "channel" || kind == "role" {
			k = kind + "\x00" + name
		}
		if seen[k] {
			c.faults = append(c.faults, Fault{role, kind + " " + name, "the name is used twice", "choose another"})
		}
		seen[k] = true
		if name == "" || strings.ContainsAny(name, "/ \n") {
			c.faults = append(c.faults, Fault{role, fmt.Sprintf("%s %q", kind, name), "not a name", "use letters, digits, - and _"})
		}
	}
	twice("graph", "graph", c.g.name)
	for _, r := range c.g.roles {
		twice(r.name, "role", r.name)
		for _, p := range r.params {
			twice(r.name, "binding", p.name)
		}
		for _, p := range r.components {
			twice(r.name, "binding", p.name)
		}
		for _, t := range r.tables {
			twice(r.name, "table", t.name)
		}
	}
	for _, s := range c.g.steps {
		switch s.kind {
		case kindCall, kindSend, kindPublish:
			twice(s.role.name, "channel", s.chann.name)
		case kindAsk:
			twice(s.role.name, "ask", s.note)
		}
	}
}

func (c *checker) tables() {
	for _, r := range c.g.roles {
		for _, t := range r.tables {
			if t.capacity <= 0 {
				c.faults = append(c.faults, Fault{r.name, "table " + t.name, "it has no capacity", "declare it with graph.Capacity"})
			}
		}
	}
}

func (c *checker) channels() {
	for _, s := range c.g.steps {
		ch := s.chann
		if s.kind != kindCall && s.kind != kindSend && s.kind != kindPublish {
			continue
		}
		if s.rule == nil {
			c.fault(s, "nothing says who may use it", "give graph.Anyone or graph.Allow")
		} else if s.rule.allow == nil || s.rule.param == nil && Rule(s.rule) != Anyone {
			c.fault(s, "its rule reads something that is no Param", "rules read a Param or a feed of the callee")
		} else if s.rule.param != nil && s.callee != nil && s.rule.param.role != s.callee.role {
			c.fault(s, "its rule reads a Param of role "+s.rule.param.role.name, "it is the callee that judges: read one of its own")
		}
		if ch.maxReq <= 0 {
			c.fault(s, "it has no greatest size", "declare the channel with graph.MaxRequest")
		}
		if ch.kind == ExchangeKind && ch.maxReply <= 0 {
			c.fault(s, "its reply has no greatest size", "declare the channel with graph.MaxReply")
		}
		if r := s.retry; r != nil && (r.attempts < 2 || r.first <= 0 || r.most < r.first) {
			c.fault(s, fmt.Sprintf("its Retry makes %d attempts and waits from %v to %v", r.attempts, r.first, r.most), "give at least two attempts, and a first wait of at most the greatest")
		}
		if s.callee != nil && s.callee.role == nil {
			c.fault(s, "it has no callee role", "name the role that receives it")
		}
		if holdsTime(ch.request, map[reflect.Type]bool{}) || holdsTime(ch.reply, map[reflect.Type]bool{}) {
			c.fault(s, "its messages carry a graph.Time", "send a duration: a time of one node's clock means nothing on another")
		}
	}
}
