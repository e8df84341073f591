package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/merograph/merograph/api"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/node"
	"github.com/spf13/cobra"
)

func graphCommand(c *common) *cobra.Command {
	cmd := group("graph", "the protocols that a node speaks, as data")
	r := c.reachable(cmd)
	cmd.AddCommand(graphList(c, r), graphShow(c, r))
	return cmd
}

// ifRunning makes a call of the node; running is false when there is none, and the command does without it.
func ifRunning[R any](r *reach, cmd *cobra.Command, method string, params any) (result R, running bool, err error) {
	result, err = call[R](r, cmd, method, params)
	if e := (*api.Error)(nil); errors.As(err, &e) && !r.named() && (e.Kind == api.NoNode || e.Kind == api.Unauthorized) {
		return result, false, nil
	}
	return result, true, err
}

func graphList(c *common, r *reach) *cobra.Command {
	return &cobra.Command{Use: "list", Short: "the protocols with their roles", Args: takes(0), RunE: func(cmd *cobra.Command, _ []string) error {
		l, running, err := ifRunning[api.GraphList](r, cmd, "graph_list", nil)
		if err != nil {
			return err
		}
		if !running {
			l = api.Graphs(node.Protocols())
		}
		if c.json {
			return printJSON(cmd.OutOrStdout(), l)
		}
		rows := [][]string{{"NAME", "VERSION", "ROLES"}}
		for _, g := range l.Graphs {
			rows = append(rows, []string{clean(g.Name, 100), fmt.Sprint(g.Version), clean(strings.Join(g.Roles, ", "), 200)})
		}
		return table(cmd.OutOrStdout(), rows...)
	}}
}

func graphShow(c *common, r *reach) *cobra.Command {
	role, format := "", "text"
	cmd := &cobra.Command{Use: "show NAME", Short: "draw a protocol, with counts when a node runs", Args: takes(1, "NAME"), ValidArgs: graphNames(),
		Long: `Draw a protocol: for each role what it is given, what it keeps, and under each origin the steps of its activations.

When a node runs on the home, its own protocols are drawn, with what they did since it started: ×12 after a step that fired
twelve times, its failures and a channel's refusals by reason, the rows of each table. Without one the protocols of this
program are drawn.`}
	cmd.Flags().StringVar(&role, "role", "", "one role alone")
	cmd.Flags().StringVar(&format, "format", format, "text, mermaid, dot or json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if c.json && cmd.Flags().Changed("format") && format != "json" {
			return usage("--json and --format %s exclude each other", format)
		}
		if c.json {
			format = "json"
		}
		show, ok := drawings[format]
		if !ok {
			return usage("--format %q: it is text, mermaid, dot or json", format)
		}
		d, running, err := ifRunning[graph.Description](r, cmd, "graph_show", api.GraphParams{Name: args[0], Role: role})
		if !running {
			d, err = node.Describe(node.Protocols(), args[0], role)
			if errors.As(err, new(*node.NoRoleError)) {
				return usageError{err}
			}
		}
		if err != nil {
			return err
		}
		return show(cmd.OutOrStdout(), d)
	}
	return cmd
}

// drawings draw a description in each format.
var drawings = map[string]func(out io.Writer, d graph.Description) error{
	"text":    func(out io.Writer, d graph.Description) error { return printText(out, d.Text()) },
	"mermaid": func(out io.Writer, d graph.Description) error { return printText(out, d.Mermaid()) },
	"dot":     func(out io.Writer, d graph.Description) error { return printText(out, d.DOT()) },
	"json":    func(out io.Writer, d graph.Description) error { return printJSON(out, d) },
}

func printText(out io.Writer, text string) error {
	_, err := fmt.Fprintln(out, strings.TrimRight(text, "\n"))
	return err
}

func graphNames() []string {
	var names []string
	for _, g := range node.Protocols() {
		names = append(names, g.Name())
	}
	return names
}
