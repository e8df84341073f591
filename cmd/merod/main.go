// Command merod runs a node, and speaks to one that runs.
//
//	merod run                          a coordinator on the default home
//	merod status                       how it is
//	merod store put greeting hello     a durable write, seen by every node of the network
//	merod testnet up                   a network on this machine, to look at
//
// Each command has --help. docs/commands.md has them all, docs/configuration.md the settings.
package main

import (
	"io"
	"os"
)

func main() { os.Exit(merod(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// merod runs one command line and gives its exit status: 0 done, 1 failed or not found, 2 wrong usage.
func merod(args []string, in io.Reader, out, errs io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	return report(errs, root.Execute())
}
