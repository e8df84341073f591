package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merograph/merograph/sim"
	"github.com/merograph/merograph/testnet"
)

// TestStoryTellsHowToSeeItAgain: the command that stands under a story has all that the run was asked for, and its faults.
func TestStoryTellsHowToSeeItAgain(t *testing.T) {
	s := &simCommand{o: testnet.SimOptions{Time: 10 * time.Minute, Faults: "all", Swarm: true, Overrides: []string{"latency/0-3/0=max"}}}
	story := &sim.Story{Scenario: "globalregistry", Nodes: 20, Seed: 7, Faults: []sim.FaultTold{{Override: "crash/3/0=0x5"}, {Override: "mood/2/3=0x6"}}}
	var out bytes.Buffer
	if err := s.showStory(&out, story); err != nil {
		t.Fatal(err)
	}
	want := "testnet sim globalregistry --nodes 20 --time 10m0s --seed 7 --faults all --swarm --only-overrides" +
		" --override latency/0-3/0=max --override crash/3/0=0x5 --override mood/2/3=0x6\n"
	if !strings.HasSuffix(out.String(), want) {
		t.Errorf("it says\n%s\nwant at the end\n%s", out.String(), want)
	}
}

// TestTraceIsOfARunThatBegan: options that are refused leave the trace of a former run as it is; a run writes all of its own.
func TestTraceIsOfARunThatBegan(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trace")
	if err := os.WriteFile(path, []byte("of before\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &simCommand{c: &common{json: true}, o: testnet.SimOptions{Nodes: 5, Seed: 1, Time: 2 * time.Minute, Faults: "nonsense"}, seeds: 1, trace: path}
	read := func() string {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if err := s.run(io.Discard, "globalregistry"); !errors.Is(err, testnet.ErrUsage) || read() != "of before\n" {
		t.Fatalf("%v; the trace is now %q", err, read())
	}
	s.o.Faults = "none"
	if err := s.run(io.Discard, "globalregistry"); err != nil {
		t.Fatal(err)
	}
	if got := read(); strings.Count(got, "\n") < 100 || !strings.HasSuffix(got, "\n") || strings.Contains(got, "of before") {
		t.Errorf("the trace is %d bytes: %.200q", len(got), got)
	}
}

// TestOverridesAreOneOnALine: a site of choices may have any name that a scenario gives it.
func TestOverridesAreOneOnALine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "overrides")
	if err := os.WriteFile(path, []byte("crash/3/0=0x5\r\n\n  a mood/2/3=max \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &simCommand{c: &common{json: true}, o: testnet.SimOptions{Nodes: 5, Seed: 1, Time: 2 * time.Minute, Faults: "none"}, seeds: 1, file: path}
	if err := s.run(io.Discard, "globalregistry"); err != nil {
		t.Fatal(err)
	}
	if want := []string{"crash/3/0=0x5", "a mood/2/3=max"}; !slices.Equal(s.o.Overrides, want) {
		t.Errorf("overrides are %q, want %q", s.o.Overrides, want)
	}
}
