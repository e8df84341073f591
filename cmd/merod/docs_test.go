package main

import (
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Every command, and every flag that a command has for itself, is in docs/commands.md.
func TestEveryCommandIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/commands.md")
	if err != nil {
		t.Fatal(err)
	}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Short == "" || strings.Contains(c.Short, ".") {
			t.Errorf("%s: its short help is %q: one phrase without a full stop", c.CommandPath(), c.Short)
		}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if !strings.Contains(string(text), "`--"+f.Name+"`") {
				t.Errorf("docs/commands.md does not have `--%s` of %s", f.Name, c.CommandPath())
			}
		})
		if !c.HasSubCommands() && !strings.Contains(string(text), "`"+c.CommandPath()) {
			t.Errorf("docs/commands.md does not have %s", c.CommandPath())
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRoot())
}
