package api

import (
	"errors"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/merograph/merograph/node"
)

func TestTheHomeHoldsAddressAndToken(t *testing.T) {
	w := start(t, nil)
	address, err := os.ReadFile(node.APIFile(w.home))
	if err != nil || strings.TrimSpace(string(address)) != w.state.API() || !strings.HasPrefix(w.state.API(), "http://127.0.0.1:") {
		t.Fatalf("%q, %v; the state says %q", address, err, w.state.API())
	}
	info, err := os.Stat(node.TokenFile(w.home))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info, err)
	}
	token, _ := os.ReadFile(node.TokenFile(w.home))
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(node.APIFile(w.home)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after the stop: %v", err)
	}
	if kept, _ := os.ReadFile(node.TokenFile(w.home)); string(kept) != string(token) {
		t.Errorf("the token was %s and is %s", token, kept)
	}
	entries, _ := os.ReadDir(w.home)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			t.Errorf("left behind: %s", e.Name())
		}
	}
}

func TestATokenIsKeptWhenItIsGood(t *testing.T) {
	path := t.TempDir() + "/token"
	first, err := keepToken(path)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := keepToken(path); err != nil || again != first {
		t.Errorf("%s, then %s %v", first, again, err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	second, err := keepToken(path)
	if err != nil || second == first {
		t.Errorf("a token that others could read was kept: %v", err)
	}
	if !private(path) {
		t.Error("others can read the token")
	}
	for _, bad := range []string{"", "short", strings.Repeat("x", 64), first + "00"} {
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := keepToken(path); err != nil || got == bad || len(got) != 64 {
			t.Errorf("%q became %q, %v", bad, got, err)
		}
	}
}

func TestATakenPortIsAProblemAndNoMore(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	w := start(t, func(c *node.Config) { c.API.Addr = l.Addr().String() })
	problems := strings.Join(w.state.Status().Problems, "\n")
	if !strings.Contains(problems, "taken") || !strings.Contains(problems, l.Addr().String()) || !strings.Contains(problems, w.client.URL()) {
		t.Errorf("problems: %q", problems)
	}
	if err := w.client.Call(t.Context(), "status", nil, nil); err != nil {
		t.Error(err)
	}
}

// While the node stops, what waits for the network ends, and whoever asks is told.
func TestStoppingEndsWhatWaits(t *testing.T) {
	w := start(t, nil)
	asked, answer := make(chan struct{}), make(chan error, 1)
	go func() {
		close(asked)
		_, _, err := w.client.Blob(t.Context(), strangeID, 0)
		if err == nil {
			err = errors.New("a blob that nobody has was given")
		}
		answer <- err
	}()
	<-asked
	<-answer
	go func() {
		_, _, err := w.client.Blob(t.Context(), strangeID, maxBlobTimeout)
		answer <- err
	}()
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	if err := <-answer; err == nil {
		t.Error("a blob that nobody has was given")
	}
}

func TestReadyIsToldApartFromAlive(t *testing.T) {
	s := New()
	cfg := node.Default()
	cfg.Home, cfg.API.Addr = t.TempDir(), "127.0.0.1:0"
	n, err := node.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	// Not started: the node is not ready, and the door is open.
	if err := s.Start(t.Context(), n.State()); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"/health": 200, "/ready": 503} {
		res, err := http.Get(n.State().API() + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, res.StatusCode, want)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A door that cannot be opened leaves the node, which says what to mend.
func TestADoorThatStaysShut(t *testing.T) {
	cfg := node.Default()
	cfg.Home, cfg.Memory, cfg.Swarm.Addrs = t.TempDir(), true, nil
	if err := os.Mkdir(node.TokenFile(cfg.Home), 0o700); err != nil {
		t.Fatal(err)
	}
	n, err := node.New(cfg, node.WithPart(New()))
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	st := n.State().Status()
	if !st.Ready || st.API != "" || len(st.Problems) != 1 || !strings.Contains(st.Problems[0], "the API did not start: ") {
		t.Errorf("%+v", st)
	}
	if _, err := n.State().Put("a", []byte("b")); err != nil {
		t.Error(err)
	}
	if err := n.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
