package graph

import (
	"fmt"
	"strings"
)

// Mermaid draws the graph as a Mermaid flowchart: a box for each role, or one when role is not "". Crossings are thick,
// failures dotted, tables cylinders; timers, asks and other origins of the node itself are stadiums.
func (g *Graph) Mermaid(role string) string { return g.Describe(role).Mermaid() }

// mermaidShape gives the brackets of a step.
func mermaidShape(kind string) (open, end string) {
	switch kind {
	case "timer", "ask", "changes", "failures":
		return `(["`, `"])`
	case "receive":
		return `>"`, `"]`
	case "work":
		return `[["`, `"]]`
	case "for each", "gather":
		return `[/"`, `"\]`
	}
	return `["`, `"]`
}

// Mermaid is the drawing of Graph.Mermaid, with the counts that Count added.
func (d Description) Mermaid() string {
	var b strings.Builder
	fmt.Fprintf(&b, "flowchart TB\n  %%%% %s %d\n", mermaidText(d.Name), d.Version)
	drawn := map[string]bool{}
	for i, r := range d.Roles {
		drawn[r.Name] = true
		fmt.Fprintf(&b, "  subgraph r%d[\"%s\"]\n", i, mermaidText(r.Name))
		for j, p := range r.Params {
			fmt.Fprintf(&b, "    r%dp%d[/\"%s\"/]\n", i, j, mermaidText(p.Name+": "+p.Type))
		}
		for j, t := range r.Tables {
			fmt.Fprintf(&b, "    r%dt%d[(\"%s\")]\n", i, j, mermaidText(t.Name+": "+t.Row+t.live()))
		}
		for j, c := range r.Components {
			fmt.Fprintf(&b, "    r%dc%d{{\"%s\"}}\n", i, j, mermaidText(c.Name+": "+c.Type))
		}
		for _, s := range r.Steps {
			open, end := mermaidShape(s.Kind)
			fmt.Fprintf(&b, "    s%d%s%s%s\n", s.Index, open, mermaidText(s.title()+s.Live.text()), end)
		}
		b.WriteString("  end\n")
		r.edges(&b, i)
	}
	d.crossings(&b, drawn)
	return b.String()
}

// edges draws what the steps of the i-th role read.
func (r RoleDescription) edges(b *strings.Builder, i int) {
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
	for _, s := range r.Steps {
		if s.Kind == "changes" {
			fmt.Fprintf(b, "  %s --> s%d\n", at["table "+s.Note], s.Index)
		}
		for _, in := range s.Inputs {
			switch in.Kind {
			case "wire":
				arrow := "-->"
				if in.Wire.Failed {
					arrow = "-.->|failed|"
				} else if in.Wire.Output > 0 {
					arrow = "-->|otherwise|"
				}
				fmt.Fprintf(b, "  s%d %s s%d\n", in.Wire.Step, arrow, s.Index)
			case "param":
				fmt.Fprintf(b, "  %s --> s%d\n", at["param "+in.Name], s.Index)
			case "row", "view":
				fmt.Fprintf(b, "  %s --> s%d\n", at["table "+in.Name], s.Index)
			case "table":
				fmt.Fprintf(b, "  %s <--> s%d\n", at["table "+in.Name], s.Index)
			case "component":
				fmt.Fprintf(b, "  %s --- s%d\n", at["component "+in.Name], s.Index)
			}
		}
	}
}

// crossings draws the channels; a role that is not drawn is a circle.
func (d Description) crossings(b *strings.Builder, drawn map[string]bool) {
	others := map[string]string{}
	end := func(role string, step int) string {
		if drawn[role] {
			return fmt.Sprintf("s%d", step)
		}
		id, ok := others[role]
		if !ok {
			id = fmt.Sprintf("o%d", len(others))
			others[role] = id
			fmt.Fprintf(b, "  %s((\"%s\"))\n", id, mermaidText(role))
		}
		return id
	}
	for _, c := range d.Channels {
		from, to := end(c.From, c.Sender), end(c.To, c.Receiver)
		fmt.Fprintf(b, "  %s ==>|\"%s\"| %s\n", from, mermaidText(fmt.Sprintf("%s, at most %s%s", c.Name, byteSize(c.MaxRequest), c.live())), to)
		if c.Reply == "" {
			continue
		}
		if reply, ok := d.replyOf(c.Receiver); ok {
			to = fmt.Sprintf("s%d", reply)
		}
		fmt.Fprintf(b, "  %s ==>|\"%s\"| %s\n", to, mermaidText(fmt.Sprintf("reply, at most %s", byteSize(c.MaxReply))), from)
	}
}

// replyOf finds the step that answers what a receiving step began.
func (d Description) replyOf(receiver int) (step int, ok bool) {
	for _, r := range d.Roles {
		for _, s := range r.Steps {
			if s.Kind == "reply" && s.Inputs[0].Wire != nil && s.Inputs[0].Wire.Step == receiver {
				return s.Index, true
			}
		}
	}
	return 0, false
}

// mermaidEscapes keeps a quoted label from ending early and from being read as markup.
var mermaidEscapes = strings.NewReplacer(`"`, "#quot;", "#", "#35;", "<", "#lt;", ">", "#gt;", "&", "#amp;", "`", "#96;", "\\", "#92;",
	";", "#59;", "\n", " ", "\r", " ")

func mermaidText(s string) string { return mermaidEscapes.Replace(s) }
