package api

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/merograph/merograph/node"
)

func TestNoNodeRuns(t *testing.T) {
	home := t.TempDir()
	want := "no node is running in " + home + ": start it with merod run --home " + home
	if _, err := Dial(home); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	// The address of a node that was killed: nothing listens there any more.
	if _, err := keepToken(node.TokenFile(home)); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(node.APIFile(home), "http://127.0.0.1:1\n"); err != nil {
		t.Fatal(err)
	}
	c, err := Dial(home)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Call(t.Context(), "status", nil, nil); err == nil || err.Error() != want || exitOf(err) != 1 {
		t.Errorf("%v, want %s", err, want)
	}
}

func exitOf(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Exit()
	}
	return 1
}

func TestAnotherHomesNode(t *testing.T) {
	w := start(t, nil)
	home := t.TempDir()
	if _, err := keepToken(node.TokenFile(home)); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(node.APIFile(home), w.client.URL()); err != nil {
		t.Fatal(err)
	}
	c, err := Dial(home)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Call(t.Context(), "status", nil, nil); err == nil || !strings.Contains(err.Error(), "another home") {
		t.Error(err)
	}
	// By address and with the right token it is reached.
	right, err := DialURL(w.client.URL()+"/", node.TokenFile(w.home))
	if err != nil {
		t.Fatal(err)
	}
	defer right.Close()
	if err := right.Call(t.Context(), "status", nil, nil); err != nil {
		t.Error(err)
	}
}

func TestWrongAddresses(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if _, err := keepToken(token); err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{"", "127.0.0.1:2528", "ftp://x", "http://", "http://%zz"} {
		if _, err := DialURL(url, token); exitOf(err) != 2 {
			t.Errorf("%q: %v", url, err)
		}
	}
	if _, err := DialURL("http://127.0.0.1:1", token+"x"); err == nil || !strings.Contains(err.Error(), "--token-file") {
		t.Error(err)
	}
	if err := os.WriteFile(token, []byte("no token"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := DialURL("http://127.0.0.1:1", token); err == nil || !strings.Contains(err.Error(), "hexadecimal") {
		t.Error(err)
	}
}

func TestWhatIsNoNode(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if _, err := keepToken(token); err != nil {
		t.Fatal(err)
	}
	for name, answer := range map[string]http.HandlerFunc{
		"a page":     func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) },
		"a refusal":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"not found":  http.NotFound,
		"other JSON": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(400); w.Write([]byte(`{"error":"no"}`)) },
	} {
		s := httptest.NewServer(answer)
		c, err := DialURL(s.URL, token)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Call(t.Context(), "status", nil, nil); err == nil || !strings.Contains(err.Error(), "is it a node?") {
			t.Errorf("%s: %v", name, err)
		}
		c.Close()
		s.Close()
	}
}

func TestEveryKindHasAMeaning(t *testing.T) {
	codes := map[int]Kind{}
	for kind, m := range meanings {
		if m.code >= 0 || m.status < 400 || m.exit < 1 || m.exit > 2 {
			t.Errorf("%s: %+v", kind, m)
		}
		if other, twice := codes[m.code]; twice {
			t.Errorf("%s and %s have the code %d", kind, other, m.code)
		}
		codes[m.code] = kind
	}
}
