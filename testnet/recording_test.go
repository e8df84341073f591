package testnet

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/node"
	"github.com/merograph/merograph/sim"
)

// TestRecordedNetworkReplays records a coordinator and its peers over libp2p, and runs every recording again: to the same
// trace hash, and, cut anywhere, up to its last whole event.
func TestRecordedNetworkReplays(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "recordings")
	up, err := Up(t.Context(), UpOptions{Nodes: 3, For: 5 * time.Second, Record: dir})
	if err != nil {
		t.Fatal(err)
	}
	if !up.OK {
		t.Errorf("%+v", up)
	}
	for i, n := range up.Nodes {
		file := filepath.Join(dir, n.Name+".rec")
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s is for %v", n.Name, info.Mode())
		}
		r, err := SimReplay(file, SimOptions{})
		if err != nil {
			t.Fatal(err)
		}
		events := map[string]uint64{}
		for _, in := range r.Instances {
			events[in.Graph+" "+in.Role] = in.Events
			if !in.OK || in.TraceHash != in.RecordedHash || in.PeerID != n.PeerID || in.Ended != "the instance was stopped" {
				t.Errorf("%s: %+v", n.Name, in)
			}
		}
		role := "globalregistry client"
		if i == 0 {
			role = "globalregistry server"
		}
		if !r.OK || r.Ended != "the node stopped" || len(r.Instances) != 3 || events[role] < 3 || events["replicate peer"] < 10 {
			t.Errorf("%s: %+v", n.Name, r)
		}
		t.Logf("%s: %d events, %d bytes, %v", n.Name, r.Events, info.Size(), events)
		cutAnywhere(t, file, r.Events)
	}
}

// cutAnywhere replays a recording as a killed process would have left it.
func cutAnywhere(t *testing.T, file string, events uint64) {
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n < len(b); n += len(b)/20 + 1 {
		r, err := sim.Replay(bytes.NewReader(b[:n]), sim.ReplayOptions{Graphs: node.Protocols()})
		if err != nil || !r.OK || r.Events > events || r.Ended != "" {
			t.Errorf("cut at %d of %d: %+v, %v", n, len(b), r, err)
		}
	}
}

// TestReplayWithoutItsProtocols names what a recording needs and the program does not have.
func TestReplayWithoutItsProtocols(t *testing.T) {
	file := filepath.Join(t.TempDir(), "node.rec")
	cfg := node.Default()
	cfg.Home, cfg.Memory, cfg.Swarm.Addrs = t.TempDir(), true, []string{"/ip4/127.0.0.1/tcp/0"}
	n, err := node.New(cfg, node.WithRecording(file, node.RecordingLimit))
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := n.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r, err := sim.Replay(bytes.NewReader(b), sim.ReplayOptions{Graphs: []*graph.Graph{node.Protocols()[0]}})
	if err != nil || r.OK {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, i := range r.Instances {
		if i.OK != (i.Graph == "blobexchange") || !i.OK && i.Why != "this program has no graph "+i.Graph+" of version 1" {
			t.Errorf("%+v", i)
		}
	}
}
