package testnet

import (
	"bytes"
	"errors"
	"os"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

func TestSimTakesOverrides(t *testing.T) {
	o := SimOptions{Nodes: 5, Seed: 7, Time: 5 * time.Minute, Faults: "churn,partition", OnlyOverrides: true}
	r, err := Sim("globalregistry", o)
	if err != nil || len(r.Faults) != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	var trace bytes.Buffer
	o.Overrides = []string{"crash/3/0=0x4000000000000000", "partition/world/0=0x4000000000000000", "side/2/0=max"}
	o.Trace, o.TraceTo = &trace, 10
	if r, err = Sim("globalregistry", o); err != nil || r.Faults["crashes"] != 1 || r.Faults["partitions"] != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if n := strings.Count(trace.String(), " took "); n < 5 || n > 20 {
		t.Errorf("%d ticks in the trace of the first ten events", n)
	}
	o.Overrides = []string{"crash=1"}
	if _, err := Sim("globalregistry", o); !errors.Is(err, ErrUsage) {
		t.Errorf("an override that is none: %v", err)
	}
}

func TestSimPutsTheCollectorBack(t *testing.T) {
	if os.Getenv("GOGC") != "" {
		t.Skip("GOGC is set")
	}
	was := debug.SetGCPercent(77)
	defer debug.SetGCPercent(was)
	if _, err := Sim("globalregistry", SimOptions{Nodes: 2, Time: 2 * time.Minute}); err != nil {
		t.Fatal(err)
	}
	if now := debug.SetGCPercent(77); now != 77 {
		t.Errorf("the collector is at %d afterwards", now)
	}
}
