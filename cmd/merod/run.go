package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/merograph/merograph/api"
	"github.com/merograph/merograph/node"
	"github.com/spf13/cobra"
)

// stopTimeout is what a stopping node has before its connections are cut.
const stopTimeout = 20 * time.Second

func runCommand(c *common) *cobra.Command {
	s, rec := &settings{}, &recording{}
	cmd := &cobra.Command{
		Use:   "run",
		Short: "run a node until Ctrl-C",
		Long: `Run a node until Ctrl-C; a second Ctrl-C ends it at once.

With no flag it is a coordinator, the first node of a network, on the default home, at ports 2428 (swarm) and 2528 (API) of
the loopback. The home is made on first use. When the node is ready it prints the command with which another joins.

A setting is taken from the flag, else from the environment (MEROD_…), else from --config, else it has its default.`,
		Args: takes(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := s.load(c.homeOf(os.Getenv), cmd.Flags().Changed, os.Getenv)
			if err != nil {
				return err
			}
			cfg.Logger = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
			return run(cmd.Context(), cfg, newSpeaker(c.json, cfg, cmd.OutOrStdout(), cmd.ErrOrStderr()), rec.options()...)
		},
	}
	s.flags(cmd.Flags())
	rec.flags(cmd.Flags())
	return cmd
}

// run runs a node until the first signal; the second ends the process.
func run(ctx context.Context, cfg node.Config, say *speaker, opts ...node.Option) error {
	ctx, interrupt := context.WithCancel(ctx)
	defer interrupt()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	go func() {
		<-signals
		interrupt()
		<-signals
		os.Exit(1)
	}()

	n, err := node.New(cfg, append(opts, node.WithPart(api.New()))...)
	if err != nil {
		return usageError{err}
	}
	s := n.State()
	say.state("starting", s)
	if err := n.Start(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	if ctx.Err() == nil {
		say.ready(s)
		follow(ctx, s, say)
	}
	say.state("stopping", s)
	stop, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if err := n.Stop(stop); err != nil {
		return err
	}
	say.state("stopped", s)
	return nil
}

// follow waits for the end, and tells when a peer has been registered, and of problems that come up.
func follow(ctx context.Context, s *node.State, say *speaker) {
	told := s.Config().NodeType == node.Coordinator
	for {
		changed := s.Changed()
		st := s.Status()
		if !told && st.Discovery.Registered {
			told = true
			say.state("registered", s)
		}
		say.problems(st.Problems)
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}
