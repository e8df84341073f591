package node

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/merograph/merograph/blob"
	"github.com/merograph/merograph/graph"
)

// askAll asks a state all that anybody may ask it, and gives the errors of what needs a node that runs.
func askAll(t *testing.T, s *State) map[string]error {
	t.Helper()
	errs := map[string]error{}
	_, errs["Put"] = s.Put("k", []byte("v"))
	_, errs["Remove"] = s.Remove("absent")
	_, errs["Store"] = s.Store()
	_, _, errs["AddBlob"] = s.AddBlob(strings.NewReader("x"))
	_, _, errs["Blob"] = s.Blob(t.Context(), blob.ID{}, time.Nanosecond)
	_, errs["Deliver"] = s.Deliver(t.Context(), false)
	_, errs["Program"] = s.Program("replicate", "peer")
	s.ID()
	s.Signer()
	s.Journal()
	s.Blobs()
	s.Host()
	s.Info()
	s.Peers()
	s.Registry()
	s.Context()
	s.Cohort(t.Context())
	s.Outbox()
	if _, err := s.Live(t.Context(), "replicate", ""); err != nil {
		t.Error(err)
	}
	if _, err := s.Metrics().Gather(); err != nil {
		t.Error(err)
	}
	s.Status()
	return errs
}

// Before Start a state answers: with errors that say why, or with nothing.
func TestStateBeforeStart(t *testing.T) {
	cfg := Default()
	cfg.Memory, cfg.Home = true, t.TempDir()
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := n.State()
	for what, err := range askAll(t, s) {
		if err == nil || what != "Program" && !errors.Is(err, ErrNotStarted) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if st := s.Status(); st.Ready || st.NodeID != "" || s.Journal() != nil || s.Blobs() != nil || s.Host() != nil || s.ID() != graph.Peer("") {
		t.Errorf("%+v", st)
	}
}

// A state may be asked while the node starts and stops.
func TestStateWhileStarting(t *testing.T) {
	cfg := Default()
	cfg.Home, cfg.Network.Name, cfg.Swarm.Addrs = t.TempDir(), "test", []string{"/ip4/127.0.0.1/tcp/0"}
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var askers sync.WaitGroup
	done, begun := make(chan struct{}), make(chan struct{})
	askers.Go(func() {
		askAll(t, n.State())
		close(begun)
		for {
			select {
			case <-done:
				return
			default:
				askAll(t, n.State())
			}
		}
	})
	<-begun
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := n.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	close(done)
	askers.Wait()
}
