package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/merograph/merograph/testnet"
	"github.com/spf13/cobra"
)

func testnetCommand(c *common) *cobra.Command {
	return group("testnet", "networks on this machine", testnetUp(c), testnetSim(c), testnetReplay(c))
}

func testnetUp(c *common) *cobra.Command {
	o := testnet.UpOptions{}
	cmd := &cobra.Command{Use: "up", Short: "real nodes on this machine, writing once a second, until Ctrl-C", Args: takes(0),
		Long: `Run a coordinator and peers as real nodes on this machine, each with a home of its own, until Ctrl-C or for a time. Each node
writes once a second; every write travels to all. The status is 0 if every peer registered and every write is on all.`}
	cmd.Flags().IntVar(&o.Nodes, "nodes", 4, "how many nodes")
	cmd.Flags().DurationVar(&o.For, "for", 0, "how long, from the first start; 0 is until Ctrl-C")
	cmd.Flags().StringVar(&o.Dir, "dir", "", "the folder of the homes (default a temporary one, removed at the end)")
	cmd.Flags().StringVar(&o.Record, "record", "", "a folder for a recording of each node, for testnet sim --replay")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if o.For < 0 {
			return usage("--for %v: it is a duration such as 1m, or 0 for until Ctrl-C", o.For)
		}
		if !c.json {
			o.Out, o.Live, o.Merod = cmd.OutOrStdout(), isTerminal(cmd.OutOrStdout()), called()
			o.Size = func() (int, int) { return terminalSize(cmd.OutOrStdout()) }
		}
		ctx, stop := interruptible(cmd.Context())
		defer stop()
		r, err := testnet.Up(ctx, o)
		if err != nil {
			return err
		}
		if c.json {
			if err := printJSON(cmd.OutOrStdout(), r); err != nil {
				return err
			}
		} else if err := showUp(cmd.OutOrStdout(), r); err != nil {
			return err
		}
		if !r.OK {
			return fmt.Errorf("not every peer registered, or not every write reached all: see the report")
		}
		return nil
	}
	return cmd
}

// called is how the reader called this program, and can call it again.
func called() string {
	if strings.Contains(os.Args[0], "go-build") {
		return "go run ./cmd/merod"
	}
	return os.Args[0]
}

func testnetReplay(c *common) *cobra.Command {
	o := testnet.ReplayOptions{}
	cmd := &cobra.Command{Use: "replay TRACE", Short: "a recorded editing session over real nodes", Args: takes(1, "TRACE, the file of the session"),
		Long: `Replay a recorded editing session over real nodes on this machine: agent k writes on node k mod N, and every node has to come to
the recorded text. The status is 1 if one does not.`}
	cmd.Flags().IntVar(&o.Nodes, "nodes", 3, "how many nodes")
	cmd.Flags().StringVar(&o.Dir, "dir", "", "the folder of the homes (default a temporary one, removed at the end)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !c.json || isTerminal(cmd.ErrOrStderr()) {
			o.Progress = cmd.ErrOrStderr()
		}
		ctx, stop := interruptible(cmd.Context())
		defer stop()
		r, err := testnet.Replay(ctx, args[0], o)
		if err != nil {
			return err
		}
		if c.json {
			err = printJSON(cmd.OutOrStdout(), r)
		} else {
			err = showReplay(cmd.OutOrStdout(), r)
		}
		if err == nil && !r.OK {
			return fmt.Errorf("the text differs from the recorded one: see the report")
		}
		return err
	}
	return cmd
}
