package main

import (
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(out io.Writer, args []string) error {
	if len(args) == 1 && args[0] == "net" {
		return overLibp2p(out)
	}
	for seed := range uint64(5) {
		if err := simulate(out, scenario, seed); err != nil {
			return err
		}
	}
	return nil
}
