package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/merograph/merograph/api"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/node"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	cfg := node.Default()
	err := cfg.Environment(os.Getenv)
	if err == nil {
		err = run(ctx, cfg, os.Args[1:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run is the node: what it is configured with, the door, the protocol, and what shows it.
func run(ctx context.Context, cfg node.Config, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%d arguments: give the name of who sits here", len(args))
	}
	n, err := node.New(cfg, node.WithPart(api.New()), with(args[0]), node.WithPart(&show{out: os.Stdout}))
	if err != nil {
		return err
	}
	return n.Run(ctx)
}

// with adds the protocol to a node.
func with(name string) node.Option {
	return node.WithProgram(Protocol(), "peer", func(s *node.State) ([]graph.Option, error) {
		return []graph.Option{graph.Bind("name", name), graph.Bind("members", s.Members())}, nil
	})
}
