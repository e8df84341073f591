package main

import (
	"fmt"
	"io"

	"github.com/merograph/merograph/node"
	"github.com/merograph/merograph/sim"
	"github.com/merograph/merograph/testnet"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A recording is where run records to.
type recording struct {
	file string
	most uint64
}

func (r *recording) flags(f *pflag.FlagSet) {
	f.StringVar(&r.file, "record", "", "record what the node is given into a new file, for testnet sim --replay; it holds payloads and the network's secret")
	f.Uint64Var(&r.most, "record-limit", node.RecordingLimit, "end the recording before it is longer than so many bytes")
}

func (r *recording) options() []node.Option {
	if r.file == "" {
		return nil
	}
	return []node.Option{node.WithRecording(r.file, int64(min(r.most, 1<<60)))}
}

// replayArgs refuses what means nothing beside --replay.
func replayArgs(cmd *cobra.Command, args []string) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f := f.Name; err == nil && cmd.LocalNonPersistentFlags().Lookup(f) != nil && f != "replay" && f != "trace" && f != "help" {
			err = usage("--%s means nothing with --replay: a recording says itself what happened", f)
		}
	})
	if err == nil && len(args) > 0 {
		err = usage("%s --replay takes no argument %q: the recording says which protocols it is of", cmd.CommandPath(), args[0])
	}
	return err
}

func simReplay(c *common, out io.Writer, file string, o testnet.SimOptions) error {
	r, err := testnet.SimReplay(file, o)
	if err != nil {
		return err
	}
	if c.json {
		err = printJSON(out, r)
	} else {
		err = showSimReplay(out, r)
	}
	switch {
	case err != nil:
		return err
	case r.Damage != "":
		return fmt.Errorf("the recording %s is damaged %s", file, r.Damage)
	}
	for _, i := range r.Instances {
		if !i.OK {
			return fmt.Errorf("%s %s parts from the recording %s: %s", i.Graph, i.Role, place(&i), i.Why)
		}
	}
	return nil
}

// place is where an instance did something else.
func place(i *sim.ReplayedInstance) string {
	if i.PartedAt == 0 {
		return "at its start"
	}
	return fmt.Sprintf("at event %d of %d", i.PartedAt, i.Events)
}

func showSimReplay(out io.Writer, r *sim.ReplayReport) error {
	end := r.Ended
	switch {
	case r.Damage != "":
		end = "DAMAGED " + r.Damage + "; what follows was not read"
	case r.Cut:
		end = "cut within an event, which was left out"
	case end == "":
		end = "without an end: the process was killed"
	}
	rows := [][]string{
		{"recorded", fmt.Sprintf("%s, %s", plural(len(r.Instances), "instance", "instances"), plural(int(r.Events), "event", "events"))},
		{"end", end},
		{"replayed", fmt.Sprintf("in %.2f s", r.WallSeconds)},
	}
	for _, i := range r.Instances {
		did := "the same"
		if !i.OK {
			did = fmt.Sprintf("PARTS %s: %s", place(&i), i.Why)
		}
		rows = append(rows, []string{i.Graph + " " + i.Role, fmt.Sprintf("%s, %s, trace hash %s", did, plural(int(i.Events), "event", "events"), i.TraceHash)})
	}
	return table(out, rows...)
}
