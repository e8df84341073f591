package node

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/merograph/merograph/graph"
	"go.uber.org/goleak"
)

// TestRecordingIsNeverWrittenOver starts a node with a recording that is there already.
func TestRecordingIsNeverWrittenOver(t *testing.T) {
	file := filepath.Join(t.TempDir(), "node.rec")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := Default()
	cfg.Home = t.TempDir()
	n, err := New(cfg, WithRecording(file, RecordingLimit))
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "node.rec is there already") {
		t.Errorf("started: %v", err)
	}
	if b, err := os.ReadFile(file); string(b) != "precious" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
}

// fullFile takes the first write, a part of the second, and everything after it.
type fullFile struct {
	writes int
	bytes.Buffer
}

func (f *fullFile) Name() string { return "node.rec" }
func (f *fullFile) Sync() error  { return nil }
func (f *fullFile) Close() error { return nil }
func (f *fullFile) Write(b []byte) (int, error) {
	if f.writes++; f.writes == 2 {
		n, _ := f.Buffer.Write(b[:len(b)/2])
		return n, errors.New("no space")
	}
	return f.Buffer.Write(b)
}

// TestRecordingTellsOfItsEnd has the file fail: the recording ends, nothing more is written, and status says so.
func TestRecordingTellsOfItsEnd(t *testing.T) {
	f := &fullFile{writes: 1}
	s := newState(Default())
	wake := make(chan struct{}, 1)
	r := graph.NewRecording(RecordingLimit, func() {
		select {
		case wake <- struct{}{}:
		default:
		}
	})
	if err := writeRecording(r, f, wake, s); err != nil {
		t.Error(err)
	}
	if got := f.String(); got != "merograph r" {
		t.Errorf("in the file: %q", got)
	}
	if why := r.Ended(); why != "the file could not be written" {
		t.Errorf("ended: %q", why)
	}
	if p := s.Status().Problems; len(p) != 1 || !strings.HasPrefix(p[0], "the recording node.rec ended early: no space; ") {
		t.Errorf("problems: %q", p)
	}
}

// TestRecordingLeavesNothingBehind looks for what still runs after a recorded node has stopped.
func TestRecordingLeavesNothingBehind(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	file := filepath.Join(t.TempDir(), "node.rec")
	cfg := Default()
	cfg.Home, cfg.Swarm.Addrs = t.TempDir(), []string{"/ip4/127.0.0.1/tcp/0"}
	n, err := New(cfg, WithRecording(file, RecordingLimit))
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := n.State().Put("greeting", []byte("hello")); err != nil {
		t.Error(err)
	}
	if err := n.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 || info.Size() == 0 {
		t.Errorf("%v, %v", info, err)
	}
}
