package main

import (
	"bytes"
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
