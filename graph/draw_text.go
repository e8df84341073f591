package graph

import (
	"fmt"
	"strings"
)

// Text draws the graph in lines that can be read aloud: for each role, or for one when role is not "", what is bound and
// what is kept, and under each origin the steps of its activations in recording order.
func (g *Graph) Text(role string) string { return g.Describe(role).Text() }

// Text is the drawing of Graph.Text, with the counts that Count added.
func (d Description) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %d\n", d.Name, d.Version)
	for _, r := range d.Roles {
		fmt.Fprintf(&b, "\nrole %s%s\n", r.Name, r.Live.text())
		r.declared(&b)
		names := r.titles()
		for _, o := range r.Steps {
			if o.Origin != o.Index {
				continue
			}
			fmt.Fprintf(&b, "\n  on %s\n", names[o.Index])
			for _, s := range r.Steps {
				if s.Origin == o.Index {
					d.line(&b, s, names, strings.Repeat("  ", r.depth(s)))
				}
			}
		}
	}
	return b.String()
}

// declared lists what a role is given and what it keeps.
func (r RoleDescription) declared(b *strings.Builder) {
	for _, p := range r.Params {
		fmt.Fprintf(b, "  param %s: %s\n", p.Name, p.Type)
	}
	for _, t := range r.Tables {
		if t.Key == "" {
			fmt.Fprintf(b, "  row %s: %s", t.Name, t.Row)
		} else {
			fmt.Fprintf(b, "  table %s: %s by %s, at most %d, full: %s", t.Name, t.Row, t.Key, t.Capacity, t.WhenFull)
		}
		if t.Quota > 0 {
			fmt.Fprintf(b, ", %d a sender", t.Quota)
		}
		if t.Exposed {
			b.WriteString(", exposed")
		}
		b.WriteString(t.live() + "\n")
	}
	for _, c := range r.Components {
		fmt.Fprintf(b, "  component %s: %s\n", c.Name, c.Type)
	}
}

// titles names each step of the role by what it does; those with one name among several are told apart by their index.
func (r RoleDescription) titles() map[int]string {
	names, uses := map[int]string{}, map[string]int{}
	for _, s := range r.Steps {
		names[s.Index] = s.title()
		uses[s.title()]++
	}
	for _, s := range r.Steps {
		if uses[s.title()] > 1 {
			names[s.Index] = fmt.Sprintf("%s %d", s.title(), s.Index)
		}
	}
	return names
}

// title is the op without its opset, and what it is about.
func (s StepDescription) title() string {
	op := s.Op
	if i := strings.LastIndexByte(op, '.'); i >= 0 && s.Kind == "op" {
		op = op[i+1:]
	}
	switch {
	case s.Kind == "work":
		op = "work " + op
	case s.Note != "":
		op += " " + s.Note
	}
	return op
}

// depth is in how many bodies of a for-each a step is.
func (r RoleDescription) depth(s StepDescription) (n int) {
	for s.Body != nil {
		n++
		for _, o := range r.Steps {
			if o.Index == *s.Body {
				s = o
				break
			}
		}
	}
	return n
}

func (d Description) line(b *strings.Builder, s StepDescription, names map[int]string, indent string) {
	fmt.Fprintf(b, "  %4d  %s%s", s.Index, indent, s.title())
	if len(s.Inputs) > 0 {
		ins := make([]string, len(s.Inputs))
		for i, in := range s.Inputs {
			ins[i] = in.title(names)
		}
		fmt.Fprintf(b, "(%s)", strings.Join(ins, ", "))
	}
	if len(s.Outputs) != 1 || s.Outputs[0] != "Done" {
		fmt.Fprintf(b, " → %s", strings.Join(s.Outputs, " or "))
	}
	if s.Most > 0 {
		fmt.Fprintf(b, ", at most %d", s.Most)
	}
	b.WriteString(s.Live.text() + "\n")
	if s.Kind == "work" {
		fmt.Fprintf(b, "        %swithin %v\n", indent, s.Timeout)
	}
	for _, c := range d.Channels {
		switch s.Index {
		case c.Sender:
			within := ""
			if c.Timeout > 0 {
				within = fmt.Sprintf(" within %v", c.Timeout)
			}
			if c.Attempts > 0 {
				within += fmt.Sprintf(", at most %d times", c.Attempts)
			}
			fmt.Fprintf(b, "        %s⇒ %s%s: %s\n", indent, c.To, within, c.bounds())
		case c.Receiver:
			fmt.Fprintf(b, "        %s⇐ %s: %s%s\n", indent, c.From, c.bounds(), c.live())
		}
	}
}

// title names what a port reads; names has the steps of the role.
func (in InputDescription) title(names map[int]string) string {
	switch in.Kind {
	case "nothing":
		return "nothing"
	case "wire":
		name := names[in.Wire.Step]
		switch {
		case name == "":
			name = fmt.Sprintf("step %d of another role", in.Wire.Step)
		case in.Wire.Failed:
			name += " failed"
		case in.Wire.Output > 0:
			name += " otherwise"
		}
		return name
	case "row", "view":
		return in.Name + " " + in.Kind
	}
	return in.Name
}
