package api

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// A panic in a handler ends the process: nobody waits for a node that is stuck.
func TestAPanicEndsTheProcess(t *testing.T) {
	if os.Getenv("API_TEST_PANICS") != "" {
		s := httptest.NewServer(ends(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("in the middle of a write") })))
		defer s.Close()
		_, err := s.Client().Get(s.URL + "/store")
		t.Fatalf("it goes on: %v", err)
	}
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAPanicEndsTheProcess$")
	c.Env = append(os.Environ(), "API_TEST_PANICS=1")
	out, err := c.CombinedOutput()
	var end *exec.ExitError
	if !errors.As(err, &end) || strings.Contains(string(out), "it goes on") || !strings.Contains(string(out), "panic: GET /store: in the middle of a write") {
		t.Errorf("%v: %s", err, out)
	}
}

// What a handler cuts on purpose is cut.
func TestAnAnswerThatIsCut(t *testing.T) {
	s := httptest.NewServer(ends(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })))
	defer s.Close()
	if res, err := s.Client().Get(s.URL); err == nil {
		res.Body.Close()
		t.Error("there is an answer")
	}
}
