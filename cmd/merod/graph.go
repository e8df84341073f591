package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/merograph/merograph/api"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/node"
	"github.com/spf13/cobra"
)

func graphCommand(c *common) *cobra.Command {
	return group("graph", "the protocols that a node speaks, as data", graphList(c), graphShow(c))
}

func graphList(c *common) *cobra.Command {
	return &cobra.Command{Use: "list", Short: "the protocols with their roles", Args: takes(0), RunE: func(cmd *cobra.Command, _ []string) error {
		l := api.Graphs(node.Protocols())
		if c.json {
			return printJSON(cmd.OutOrStdout(), l)
		}
		rows := [][]string{{"NAME", "VERSION", "ROLES"}}
		for _, g := range l.Graphs {
			rows = append(rows, []string{g.Name, fmt.Sprint(g.Version), strings.Join(g.Roles, ", ")})
		}
		return table(cmd.OutOrStdout(), rows...)
	}}
}

func graphShow(c *common) *cobra.Command {
	role, format := "", "text"
	cmd := &cobra.Command{Use: "show NAME", Short: "draw a protocol", Args: takes(1, "NAME"), ValidArgs: graphNames()}
	cmd.Flags().StringVar(&role, "role", "", "one role alone")
	cmd.Flags().StringVar(&format, "format", format, "text, mermaid, dot or json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		i := slices.IndexFunc(node.Protocols(), func(g *graph.Graph) bool { return g.Name() == args[0] })
		if i < 0 {
			return fmt.Errorf("there is no graph %q: there are %s", args[0], strings.Join(graphNames(), ", "))
		}
		g := node.Protocols()[i]
		if role != "" && !slices.Contains(g.Roles(), role) {
			return usage("%s has no role %q: it has %s", g.Name(), role, strings.Join(g.Roles(), ", "))
		}
		if c.json && cmd.Flags().Changed("format") && format != "json" {
			return usage("--json and --format %s exclude each other", format)
		}
		if c.json {
			format = "json"
		}
		return draw(cmd, g, role, format)
	}
	return cmd
}

func draw(cmd *cobra.Command, g *graph.Graph, role, format string) error {
	drawing := ""
	switch format {
	case "text":
		drawing = g.Text(role)
	case "mermaid":
		drawing = g.Mermaid(role)
	case "json":
		return printJSON(cmd.OutOrStdout(), g.Describe(role))
	case "dot":
		fmt.Fprint(cmd.OutOrStdout(), g.DOT(role))
	default:
		return usage("--format %q: it is text, mermaid, dot or json", format)
	}
	_, err := fmt.Fprintln(cmd.OutOrStdout(), strings.TrimRight(drawing, "\n"))
	return err
}

func graphNames() []string {
	var names []string
	for _, g := range node.Protocols() {
		names = append(names, g.Name())
	}
	return names
}
