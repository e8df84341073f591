package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/merograph/merograph/node"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A common is what every command takes.
type common struct {
	home string // "" when it was not given
	json bool
}

func newRoot() *cobra.Command {
	c := &common{}
	root := group("merod", "a peer-to-peer node: run one, and speak to the one that runs")
	root.Long = `merod runs a node of a peer-to-peer network, and speaks to the one that runs.

  merod run                        start a node; it prints how others join
  merod store put greeting hello   write on it, from another terminal
  merod testnet up                 see a whole network on this machine`
	root.SilenceErrors, root.SilenceUsage = true, true
	root.PersistentFlags().StringVar(&c.home, "home", "", "the node's folder (default ~/.merod, or MEROD_HOME)")
	root.PersistentFlags().BoolVar(&c.json, "json", false, "print JSON")
	root.SetFlagErrorFunc(flagError) // of every command that has none of its own
	root.AddCommand(runCommand(c), statusCommand(c), nodeCommand(c), peersCommand(c), registryCommand(c), storeCommand(c), syncCommand(c),
		blobCommand(c), graphCommand(c), logCommand(c), testnetCommand(c), versionCommand(c))
	return root
}

// group makes a command that has only others under it. Alone it shows its help.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{Use: use, Short: short, Args: cobra.ArbitraryArgs, RunE: func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownCommand(cmd, args[0])
		}
		if cmd.HasParent() {
			return usage("%s needs a command: see %s --help", cmd.CommandPath(), cmd.CommandPath())
		}
		return cmd.Help()
	}}
	g.SuggestionsMinimumDistance = 2
	g.AddCommand(commands...)
	return g
}

func unknownCommand(cmd *cobra.Command, name string) error {
	what := fmt.Sprintf("unknown command %q", name)
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		what += fmt.Sprintf(" (did you mean %s?)", strings.Join(near, " or "))
	}
	return usage("%s: see %s --help", what, cmd.CommandPath())
}

// flagError says what is wrong with a flag; before an unknown command, the command is what is wrong.
func flagError(cmd *cobra.Command, err error) error {
	if given := cmd.Flags().Args(); cmd.HasSubCommands() && len(given) > 0 {
		return unknownCommand(cmd, given[0])
	}
	if bad := (*pflag.InvalidValueError)(nil); errors.As(err, &bad) {
		wants := map[string]string{"bool": "true or false", "duration": "a duration such as 30s", "int": "a whole number", "uint64": "a whole number, 0 or more"}
		return usage("--%s %q: it is %s", bad.GetFlag().Name, bad.GetValue(), wants[bad.GetFlag().Value.Type()])
	}
	return usage("%s: see %s --help", err, cmd.CommandPath())
}

// takes says how many arguments a command has, by naming them.
func takes(least int, names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usage("%s needs %s: see %s --help", cmd.CommandPath(), names[len(args)], cmd.CommandPath())
		case len(args) > len(names):
			return usage("%s takes no argument %q: see %s --help", cmd.CommandPath(), args[len(names)], cmd.CommandPath())
		}
		return nil
	}
}

// homeOf is the folder that a command is about: the flag over the environment over the default.
func (c *common) homeOf(getenv func(string) string) string {
	if c.home != "" {
		return c.home
	}
	if home := getenv("MEROD_HOME"); home != "" {
		return home
	}
	return node.Default().Home
}
