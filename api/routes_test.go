package api

import (
	"net/http"
	"strings"
	"testing"
)

// What no route takes is refused in the form of every other failure.
func TestWhatNoRouteTakes(t *testing.T) {
	w := start(t, nil)
	for _, c := range []struct {
		verb, path    string
		status        int
		allow, answer string
	}{
		{http.MethodGet, "/nothing", 404, "", `"message":"there is no route GET /nothing: see docs/commands.md","data":{"type":"NotFound","data":"/nothing"}`},
		{http.MethodGet, "/jsonrpc", 405, "POST", `"message":"/jsonrpc takes no GET: send POST","data":{"type":"InvalidRequest","data":"GET"}`},
		{http.MethodPost, "/metrics", 405, "GET, HEAD", `"type":"InvalidRequest"`},
	} {
		status, body, head := w.send(c.verb, c.path, "")
		if status != c.status || head.Get("Allow") != c.allow || head.Get("Content-Type") != "application/json" || !strings.Contains(body, c.answer) {
			t.Errorf("%s %s: %d %q %s", c.verb, c.path, status, head.Get("Allow"), body)
		}
	}
	if status, _, _ := w.send(http.MethodGet, "/nothing", "", func(r *http.Request) { r.Header.Del("Authorization") }); status != http.StatusUnauthorized {
		t.Errorf("a stranger is told which routes there are: %d", status)
	}
}
