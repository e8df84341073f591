package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/merograph/merograph/sim"
	"github.com/merograph/merograph/testnet"
	"github.com/spf13/cobra"
)

// simCommand is what testnet sim was asked for.
type simCommand struct {
	c       *common
	o       testnet.SimOptions
	seeds   int
	explain bool
	trace   string
	file    string // of overrides
	replay  string // a recording
}

func testnetSim(c *common) *cobra.Command {
	s := &simCommand{c: c}
	cmd := &cobra.Command{Use: "sim NAME | sim --replay FILE", Short: "a deterministic simulation of a protocol, or of what a node recorded", Args: s.args,
		Long: `Simulate a protocol in virtual time. The same seed gives the same run, byte for byte. The status is 1 when a property fails, and
the report then names it and the seed. With --explain a failing run is shrunk to the faults that it needs, and told.

With --replay, run again what merod run --record wrote: each program is given what its host gave it, and must do the same. The
status is 1 when one does something else, or when the recording is damaged; the report names the first event.`}
	f := cmd.Flags()
	f.IntVar(&s.o.Nodes, "nodes", 50, "how many nodes")
	f.Uint64Var(&s.o.Seed, "seed", 1, "what the run is drawn from")
	f.IntVar(&s.seeds, "seeds", 1, "how many seeds to run, from --seed on")
	f.DurationVar(&s.o.Time, "time", 10*time.Minute, "virtual time")
	f.StringVar(&s.o.Faults, "faults", "none", "what may go wrong, with commas between; all, or none")
	f.BoolVar(&s.o.Swarm, "swarm", false, "each seed leaves out half of the faults; every other one has short buffers and early timeouts")
	f.BoolVar(&s.explain, "explain", false, "shrink a failing run to the faults that it needs, and tell it")
	f.StringVar(&s.replay, "replay", "", "a recording of a node, to be run again")
	f.StringVar(&s.trace, "trace", "", "write one line for each event to a file")
	f.Uint64Var(&s.o.TraceFrom, "trace-from", 0, "begin the trace when so many events have been taken")
	f.Uint64Var(&s.o.TraceTo, "trace-to", 0, "end the trace when so many events have been taken; 0 is never")
	f.StringArrayVar(&s.o.Overrides, "override", nil, "a choice, as site/node/count=value; may be given again")
	f.StringVar(&s.file, "overrides", "", "a file of choices, one on a line")
	f.BoolVar(&s.o.OnlyOverrides, "only-overrides", false, "let no fault happen but those of --override and --overrides")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return s.run(cmd.OutOrStdout(), strings.Join(args, "")) }
	return cmd
}

// args is one protocol, or none of a replay.
func (s *simCommand) args(cmd *cobra.Command, args []string) error {
	if s.replay != "" {
		return replayArgs(cmd, args)
	}
	return takes(1, "NAME, the protocol to simulate")(cmd, args)
}

func (s *simCommand) run(out io.Writer, name string) error {
	if s.file != "" {
		text, err := os.ReadFile(s.file)
		if err != nil {
			return fmt.Errorf("read the overrides: %w", err)
		}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); line != "" {
				s.o.Overrides = append(s.o.Overrides, line)
			}
		}
	}
	if s.trace == "" {
		return s.simulate(out, name)
	}
	trace := &traceFile{path: s.trace}
	s.o.Trace = trace
	return errors.Join(s.simulate(out, name), trace.Close())
}

// simulate runs one seed, a campaign or a recording.
func (s *simCommand) simulate(out io.Writer, name string) error {
	if s.replay != "" {
		return simReplay(s.c, out, s.replay, s.o)
	}
	if s.seeds != 1 {
		return s.campaign(out, name)
	}
	r, err := testnet.Sim(name, s.o)
	if err != nil {
		return err
	}
	if !r.OK && s.explain {
		r.Story, err = s.story(name, r.Seed)
		if err != nil {
			return err
		}
	}
	if s.c.json {
		err = printJSON(out, r)
	} else {
		err = errors.Join(showSim(out, r), s.showStory(out, r.Story))
	}
	if err == nil && !r.OK {
		return fmt.Errorf("a property of %s failed with seed %d%s", r.Graph, r.Seed, s.hint())
	}
	return err
}

func (s *simCommand) campaign(out io.Writer, name string) error {
	r, err := testnet.Campaign(name, s.o, s.seeds)
	if err != nil {
		return err
	}
	if len(r.Failed) > 0 && s.explain {
		r.Story, err = s.story(name, r.Failed[0].Seed)
		if err != nil {
			return err
		}
	}
	if s.c.json {
		err = printJSON(out, r)
	} else {
		err = errors.Join(showCampaign(out, r), s.showStory(out, r.Story))
	}
	switch {
	case err != nil || r.OK:
		return err
	case len(r.Failed) == 0:
		return fmt.Errorf("no seed of %s reached: %s", r.Graph, strings.Join(r.Unreached, "; "))
	}
	return fmt.Errorf("a property of %s failed with seed %d%s", r.Graph, r.Failed[0].Seed, s.hint())
}

func (s *simCommand) story(name string, seed uint64) (*sim.Story, error) {
	o := s.o
	o.Seed, o.Trace = seed, nil
	return testnet.Explain(name, o, 0)
}

// hint says how to learn more.
func (s *simCommand) hint() string {
	if s.explain {
		return ""
	}
	return ": give that seed with --explain to see what it takes"
}

// showStory tells a story, and how to see it again.
func (s *simCommand) showStory(out io.Writer, t *sim.Story) error {
	if t == nil {
		return nil
	}
	again := fmt.Sprintf("%s testnet sim %s --nodes %d --time %v --seed %d --faults %s", called(), t.Scenario, t.Nodes, s.o.Time, t.Seed, s.o.Faults)
	if s.o.Swarm {
		again += " --swarm"
	}
	again += " --only-overrides"
	for _, text := range s.o.Overrides { // what was asked for stays: what goes wrong of it is among the faults too
		again += " --override " + text
	}
	for _, f := range t.Faults {
		again += " --override " + f.Override
	}
	_, err := fmt.Fprintf(out, "\n%v\nTo see it again:\n  %s\n", t, again)
	return err
}

func showCampaign(out io.Writer, r *sim.Campaign) error {
	rows := [][]string{
		{"graph", fmt.Sprintf("%s, %s, %s from %d", r.Graph, plural(r.Nodes, "node", "nodes"), plural(r.Seeds, "seed", "seeds"), r.FirstSeed)},
		{"time", fmt.Sprintf("%.2f s", r.WallSeconds)},
		{"events", fmt.Sprint(r.Events)},
	}
	rows = append(rows, faultRows(r.Faults)...)
	for _, f := range r.Failed {
		rows = append(rows, []string{fmt.Sprintf("seed %d", f.Seed), fmt.Sprintf("FAILED: %s %s", f.Property, f.Detail)})
	}
	for _, name := range r.Unreached {
		rows = append(rows, []string{"sometimes", "not reached: " + name})
	}
	if r.OK {
		rows = append(rows, []string{"properties", "every one held"})
	}
	return table(out, rows...)
}

func showSim(out io.Writer, r *sim.Report) error {
	rows := [][]string{
		{"graph", fmt.Sprintf("%s, %s, seed %d", r.Graph, plural(r.Nodes, "node", "nodes"), r.Seed)},
		{"time", fmt.Sprintf("%.0f s virtual in %.2f s", r.VirtualSeconds, r.WallSeconds)},
		{"events", fmt.Sprintf("%d, %d messages, %s", r.Events, r.Messages, size(int64(r.Bytes)))},
	}
	rows = append(rows, faultRows(r.Faults)...)
	for _, p := range r.Properties {
		rows = append(rows, []string{string(p.Kind), p.String()})
	}
	rows = append(rows, []string{"trace hash", r.TraceHash})
	return table(out, rows...)
}
