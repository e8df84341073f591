package graph

import (
	"fmt"
	"strings"
	"time"
)

// A Description is a graph as plain data, for drawings and for programs of other languages. Text, Mermaid and DOT are
// made of it alone, and so can be drawn where the graph itself is not known.
type Description struct {
	Name     string               `json:"name"`
	Version  int                  `json:"version"`
	Roles    []RoleDescription    `json:"roles"`
	Channels []ChannelDescription `json:"channels"`
}

// A RoleDescription is what one class of nodes does.
type RoleDescription struct {
	Name       string               `json:"name"`
	Params     []BindingDescription `json:"params"`
	Tables     []TableDescription   `json:"tables"`
	Components []BindingDescription `json:"components"`
	Steps      []StepDescription    `json:"steps"`
	Live       *RoleCount           `json:"live,omitempty"` // once Count was called
}

// A BindingDescription is what Start must be given under a name.
type BindingDescription struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// A TableDescription is a table with its bounds. A table of one row has no key.
type TableDescription struct {
	Name     string `json:"name"`
	Key      string `json:"key,omitempty"`
	Row      string `json:"row"`
	Capacity int    `json:"capacity"`
	WhenFull string `json:"whenFull"` // refuse, or evict oldest
	Quota    int    `json:"quota,omitempty"`
	Exposed  bool   `json:"exposed,omitempty"`
	Rows     *int   `json:"rows,omitempty"` // once Count was called
}

// A StepDescription is a step with what it reads.
type StepDescription struct {
	Index   int                `json:"index"` // recording index in the graph
	Kind    string             `json:"kind"`
	Op      string             `json:"op"`
	Note    string             `json:"note,omitempty"` // the channel, the ask or the table that it is about
	Inputs  []InputDescription `json:"inputs"`
	Outputs []string           `json:"outputs"`           // types
	Origin  int                `json:"origin"`            // the step with which its activation begins: itself, of an origin
	Body    *int               `json:"body,omitempty"`    // the for-each in whose body it is
	Most    int                `json:"most,omitempty"`    // items of a for-each
	Timeout time.Duration      `json:"timeout,omitempty"` // nanoseconds
	Live    *StepTotal         `json:"live,omitempty"`    // once Count was called
}

// An InputDescription is what an input port reads.
type InputDescription struct {
	Kind string           `json:"kind"` // wire, const, param, table, row, view, component, nothing
	Wire *WireDescription `json:"wire,omitempty"`
	Name string           `json:"name,omitempty"` // of what is no wire; of a const its value
	Type string           `json:"type"`
}

// A WireDescription is an output of a step, or its failure port.
type WireDescription struct {
	Step   int  `json:"step"`
	Output int  `json:"output"`
	Failed bool `json:"failed,omitempty"`
}

// A ChannelDescription is a crossing between roles.
type ChannelDescription struct {
	Name       string        `json:"name"`
	ID         string        `json:"id"`
	Kind       string        `json:"kind"`
	From       string        `json:"from"`
	To         string        `json:"to"`
	Sender     int           `json:"sender"`   // step
	Receiver   int           `json:"receiver"` // step
	Request    string        `json:"request"`
	Reply      string        `json:"reply,omitempty"`
	MaxRequest int           `json:"maxRequest"`
	MaxReply   int           `json:"maxReply,omitempty"`
	PerSecond  int           `json:"perSecond,omitempty"`
	Burst      int           `json:"burst,omitempty"`
	Rule       string        `json:"rule"`
	Timeout    time.Duration `json:"timeout,omitempty"`  // nanoseconds, of one attempt
	Attempts   int           `json:"attempts,omitempty"` // with Retry
	Refused    []ReasonCount `json:"refused,omitempty"`  // by the callee's admission; once Count was called
}

var kindNames = [...]string{"op", "timer", "receive", "ask", "changes", "failures", "merge", "call", "work", "reply", "send", "publish", "for each", "gather", "relay"}

// Describe gives the graph as plain data; of one role and the channels that it uses, or of all when role is "". It also
// describes a graph that does not compile.
func (g *Graph) Describe(role string) Description {
	c := newChecker(g)
	for _, s := range g.steps {
		c.flow(s)
		c.place(s)
	}
	d := Description{Name: g.name, Version: g.version, Roles: []RoleDescription{}, Channels: []ChannelDescription{}}
	for _, r := range g.roles {
		if role == "" || r.name == role {
			d.Roles = append(d.Roles, c.describeRole(r))
		}
	}
	for _, s := range g.steps {
		if s.kind != kindCall && s.kind != kindSend && s.kind != kindPublish {
			continue
		}
		if to := s.callee.role.name; role == "" || s.role.name == role || to == role {
			d.Channels = append(d.Channels, describeChannel(g, s, to))
		}
	}
	return d
}

func describeChannel(g *Graph, s *step, to string) ChannelDescription {
	ch := s.chann
	d := ChannelDescription{Name: ch.name, ID: channelID(g.name, g.version, ch.name), Kind: ch.kind.String(), From: s.role.name, To: to,
		Sender: s.index, Receiver: s.callee.index, Request: typeName(ch.request), Reply: typeName(ch.reply),
		MaxRequest: ch.maxReq, MaxReply: ch.maxReply, PerSecond: ch.perSecond, Burst: ch.burst, Timeout: s.timeout}
	if s.rule != nil {
		d.Rule = s.rule.text
	}
	if s.retry != nil {
		d.Attempts = s.retry.attempts
	}
	return d
}

func (c *checker) describeRole(r *Role) RoleDescription {
	d := RoleDescription{Name: r.name, Params: []BindingDescription{}, Tables: []TableDescription{}, Components: []BindingDescription{},
		Steps: []StepDescription{}}
	for _, p := range r.params {
		d.Params = append(d.Params, BindingDescription{p.name, typeName(p.typ)})
	}
	for _, t := range r.tables {
		full := "refuse"
		if t.evict {
			full = "evict oldest"
		}
		d.Tables = append(d.Tables, TableDescription{Name: t.name, Key: typeName(t.key), Row: typeName(t.row), Capacity: t.capacity,
			WhenFull: full, Quota: t.quota, Exposed: t.exposed})
	}
	for _, p := range r.components {
		d.Components = append(d.Components, BindingDescription{p.name, typeName(p.typ)})
	}
	for _, s := range c.g.steps {
		if s.role == r {
			d.Steps = append(d.Steps, c.describeStep(s))
		}
	}
	return d
}

func (c *checker) describeStep(s *step) StepDescription {
	d := StepDescription{Index: s.index, Kind: kindNames[s.kind], Op: s.op, Note: s.note, Inputs: []InputDescription{},
		Outputs: typeNames(s.outs), Origin: s.index, Most: s.most, Timeout: s.timeout}
	if s.body != nil {
		d.Body = &s.body.index
	}
	first := -1
	for o := range c.origins[s] { //lint:unordered the least index is taken
		if first < 0 || o.index < first {
			first = o.index
		}
	}
	if first >= 0 {
		d.Origin = first
	}
	for _, in := range s.ins {
		d.Inputs = append(d.Inputs, describeInput(in))
	}
	return d
}

func describeInput(in source) InputDescription {
	d := InputDescription{Type: typeName(in.typ)}
	switch in.kind {
	case fromNothing:
		d.Kind = "nothing"
	case fromWire:
		d.Kind, d.Wire = "wire", &WireDescription{Step: in.s.index, Output: max(in.out, 0), Failed: in.out == failPort}
	case fromConst:
		d.Kind, d.Name = "const", in.text
	case fromParam:
		d.Kind, d.Name = "param", in.p.name
	case fromTable:
		d.Kind, d.Name = "table", in.t.name
	case fromRow:
		d.Kind, d.Name = "view", in.t.name
		if in.t.key == nil {
			d.Kind = "row"
		}
	case fromComponent:
		d.Kind, d.Name = "component", in.c.name
	}
	return d
}

func channelID(graph string, version int, channel string) string {
	return fmt.Sprintf("/merograph/%s/%d/%s", graph, version, channel)
}

// bounds tells in words what may cross, and who.
func (c ChannelDescription) bounds() string {
	what := "message"
	if c.Reply != "" {
		what = "request"
	}
	parts := []string{fmt.Sprintf("%s %s of at most %s", what, c.Request, byteSize(c.MaxRequest))}
	if c.Reply != "" {
		parts = append(parts, fmt.Sprintf("reply %s of at most %s", c.Reply, byteSize(c.MaxReply)))
	}
	if c.PerSecond > 0 {
		parts = append(parts, fmt.Sprintf("%d a second, %d at once", c.PerSecond, max(1, c.Burst)))
	}
	rule := c.Rule
	if rule == "" {
		rule = "nobody said who"
	}
	return strings.Join(append(parts, "who may: "+rule), "; ")
}

// byteSize is n in the greatest unit that divides it.
func byteSize(n int) string {
	switch {
	case n > 0 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n > 0 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d B", n)
}
