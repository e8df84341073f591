package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/merograph/merograph/node"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A world is a node with its door, and a client of bare HTTP.
type world struct {
	t      *testing.T
	home   string
	state  *node.State
	server *Server
	client *Client
	stop   func() error
}

func start(t *testing.T, change func(*node.Config), opts ...Option) *world {
	t.Helper()
	cfg := node.Default()
	cfg.Home, cfg.Memory, cfg.Network.Name = t.TempDir(), true, "test"
	cfg.Swarm.Addrs = []string{"/ip4/127.0.0.1/tcp/0"}
	cfg.API.Addr = "127.0.0.1:0"
	if change != nil {
		change(&cfg)
	}
	w := &world{t: t, home: cfg.Home, server: New(opts...)}
	n, err := node.New(cfg, node.WithPart(w.server))
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.state = n.State()
	stopped := false
	w.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		return n.Stop(context.Background())
	}
	t.Cleanup(func() {
		if err := w.stop(); err != nil {
			t.Error(err)
		}
	})
	if w.client, err = Dial(w.home); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.client.Close)
	return w
}

// send makes a request with the token; change may spoil it.
func (w *world) send(verb, path, body string, change ...func(*http.Request)) (int, string, http.Header) {
	w.t.Helper()
	token, err := os.ReadFile(node.TokenFile(w.home))
	if err != nil {
		w.t.Fatal(err)
	}
	q, err := http.NewRequestWithContext(w.t.Context(), verb, w.client.URL()+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	for _, c := range change {
		c(q)
	}
	res, err := w.client.http.Do(q)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res.StatusCode, string(text), res.Header
}

// rpc posts a body and gives the answer in compact JSON.
func (w *world) rpc(body string) string {
	w.t.Helper()
	status, text, _ := w.send(http.MethodPost, "/jsonrpc", body)
	if status != http.StatusOK && status != http.StatusNoContent {
		w.t.Errorf("%s: status %d: %s", body, status, text)
	}
	var out bytes.Buffer
	if err := json.Compact(&out, []byte(text)); err != nil && text != "" {
		w.t.Fatalf("%s: answered %q: %v", body, text, err)
	}
	return out.String()
}
