package graph

import (
	"fmt"
	"strings"
)

// DOT draws the graph in the language of Graphviz: a cluster for each role, or for one when role is not "". Crossings are
// bold, failures dashed, tables cylinders.
func (g *Graph) DOT(role string) string { return g.Describe(role).DOT() }

// dotShape gives the shape of a step.
func dotShape(kind string) string {
	switch kind {
	case "timer", "ask", "changes", "failures":
		return "ellipse"
	case "receive":
		return "cds"
	case "work":
		return "box3d"
	case "for each", "gather":
		return "trapezium"
	}
	return "box"
}

// DOT is the drawing of Graph.DOT, with the counts that Count added.
func (d Description) DOT() string {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph %q {\n  rankdir=TB\n  node [fontname=\"sans-serif\" shape=box]\n", fmt.Sprintf("%s %d", d.Name, d.Version))
	drawn := map[string]bool{}
	for i, r := range d.Roles {
		drawn[r.Name] = true
		fmt.Fprintf(&b, "  subgraph cluster_%d {\n    label=%q\n", i, r.Name)
		for j, p := range r.Params {
			fmt.Fprintf(&b, "    r%dp%d [label=%q shape=parallelogram]\n", i, j, p.Name+": "+p.Type)
		}
		for j, t := range r.Tables {
			fmt.Fprintf(&b, "    r%dt%d [label=%q shape=cylinder]\n", i, j, t.Name+": "+t.Row+t.live())
		}
		for j, c := range r.Components {
			fmt.Fprintf(&b, "    r%dc%d [label=%q shape=hexagon]\n", i, j, c.Name+": "+c.Type)
		}
		for _, s := range r.Steps {
			fmt.Fprintf(&b, "    s%d [label=%q shape=%s]\n", s.Index, s.title()+s.Live.text(), dotShape(s.Kind))
		}
		b.WriteString("  }\n")
		r.dotEdges(&b, i)
	}
	for _, c := range d.Channels {
		from, to := fmt.Sprintf("s%d", c.Sender), fmt.Sprintf("s%d", c.Receiver)
		if !drawn[c.From] {
			from = fmt.Sprintf("%q", "role "+c.From)
		}
		if !drawn[c.To] {
			to = fmt.Sprintf("%q", "role "+c.To)
		}
		fmt.Fprintf(&b, "  %s -> %s [style=bold label=%q]\n", from, to, fmt.Sprintf("%s, at most %s%s", c.Name, byteSize(c.MaxRequest), c.live()))
		if c.Reply != "" {
			if reply, ok := d.replyOf(c.Receiver); ok {
				to = fmt.Sprintf("s%d", reply)
			}
			fmt.Fprintf(&b, "  %s -> %s [style=bold label=%q]\n", to, from, fmt.Sprintf("reply, at most %s", byteSize(c.MaxReply)))
		}
	}
	b.WriteString("}\n")
	return b.String()
}

// dotEdges draws what the steps of the i-th role read.
func (r RoleDescription) dotEdges(b *strings.Builder, i int) {
	at := map[string]string{}
	for j, p := range r.Params {
		at["param "+p.Name] = fmt.Sprintf("r%dp%d", i, j)
	}
	for j, t := range r.Tables {
		at["table "+t.Name] = fmt.Sprintf("r%dt%d", i, j)
	}
	for j, c := range r.Components {
		at["component "+c.Name] = fmt.Sprintf("r%dc%d", i, j)
	}
	edge := func(from string, to int, attributes string) {
		if from != "" {
			fmt.Fprintf(b, "  %s -> s%d%s\n", from, to, attributes)
		}
	}
	for _, s := range r.Steps {
		if s.Kind == "changes" {
			edge(at["table "+s.Note], s.Index, "")
		}
		for _, in := range s.Inputs {
			switch in.Kind {
			case "wire":
				attributes := ""
				if in.Wire.Failed {
					attributes = " [style=dashed label=failed]"
				} else if in.Wire.Output > 0 {
					attributes = " [label=otherwise]"
				}
				edge(fmt.Sprintf("s%d", in.Wire.Step), s.Index, attributes)
			case "row", "view":
				edge(at["table "+in.Name], s.Index, "")
			case "table":
				edge(at["table "+in.Name], s.Index, " [dir=both]")
			case "component":
				edge(at["component "+in.Name], s.Index, " [dir=none]")
			default:
				edge(at[in.Kind+" "+in.Name], s.Index, "")
			}
		}
	}
}
