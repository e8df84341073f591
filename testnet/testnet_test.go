package testnet

import (
	"os"
	"testing"
	"time"
)

const traces = "../../shared/data/editing-traces/"

// recorded gives the path of a recorded session, or skips.
func recorded(t *testing.T, name string) string {
	t.Helper()
	file := traces + name
	if _, err := os.Stat(file); err != nil {
		t.Skipf("the recorded session %s is not beside the checkout", file)
	}
	return file
}

func TestUp(t *testing.T) {
	r, err := Up(t.Context(), UpOptions{Nodes: 3, For: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if !r.OK || len(r.Nodes) != 3 || len(r.Registry.Peers) != 2 || r.Store.Writes != r.Store.Converged {
		t.Fatalf("%+v", r)
	}
}

func TestReplayRecordedSessions(t *testing.T) {
	for _, name := range []string{"friendsforever.json.gz", "sveltecomponent.json.gz"} {
		t.Run(name, func(t *testing.T) {
			r, err := Replay(t.Context(), recorded(t, name), ReplayOptions{Nodes: 3})
			if err != nil {
				t.Fatal(err)
			}
			if !r.OK || !r.TextMatches || len(r.Nodes) != 3 {
				t.Fatalf("%+v", r)
			}
			t.Logf("%+v", r)
		})
	}
}
