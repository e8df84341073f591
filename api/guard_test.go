package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/merograph/merograph/node"
)

func TestTheTokenIsAskedFor(t *testing.T) {
	w := start(t, nil)
	set := func(value string) func(*http.Request) {
		return func(q *http.Request) { q.Header.Set("Authorization", value) }
	}
	token, _ := os.ReadFile(node.TokenFile(w.home))
	good := strings.TrimSpace(string(token))
	for _, c := range []struct {
		path, auth string
		want       int
	}{
		{"/admin-api/blobs", "Bearer " + good, 200},
		{"/admin-api/blobs", "bearer " + good, 200},
		{"/admin-api/blobs", "", 401},
		{"/admin-api/blobs", "Bearer", 401},
		{"/admin-api/blobs", "Bearer " + good + "0", 401},
		{"/admin-api/blobs", "Bearer " + strings.Repeat("0", 64), 401},
		{"/admin-api/blobs", "Basic " + good, 401},
		{"/no/such/route", "", 401},
		{"/no/such/route", "Bearer " + good, 404},
		{"/jsonrpc", "Bearer " + good, 405},
		{"/health", "", 200},
		{"/ready", "", 200},
		{"/admin-api/health", "", 200},
	} {
		status, text, head := w.send(http.MethodGet, c.path, "", set(c.auth))
		if status != c.want {
			t.Errorf("%s with %q: %d, want %d (%s)", c.path, c.auth, status, c.want, text)
		}
		if (status == 401) != (head.Get("WWW-Authenticate") != "") {
			t.Errorf("%s: %d with WWW-Authenticate %q", c.path, status, head.Get("WWW-Authenticate"))
		}
	}
}

// A page of another site, or one whose name was pointed here, is turned away even when it asks for what is public.
func TestForeignNamesAreTurnedAway(t *testing.T) {
	w := start(t, nil)
	port := netip.MustParseAddrPort(strings.TrimPrefix(w.client.URL(), "http://")).Port()
	own := fmt.Sprintf("127.0.0.1:%d", port)
	for _, c := range []struct {
		host, origin string
		want         int
	}{
		{own, "", 200},
		{fmt.Sprintf("localhost:%d", port), "", 200},
		{fmt.Sprintf("[::1]:%d", port), "", 200},
		{"127.0.0.1", "", 200},
		{own, "http://" + own, 200},
		{"evil.example", "", 403},
		{fmt.Sprintf("evil.example:%d", port), fmt.Sprintf("http://evil.example:%d", port), 403},
		{"192.168.1.1", "", 403},
		{own, "http://evil.example", 403},
		{own, "https://" + own, 403},
		{own, "null", 403},
		{own, fmt.Sprintf("http://localhost:%d", port), 403},
		{own, "http://127.0.0.1:1", 403},
	} {
		status, text, _ := w.send(http.MethodGet, "/health", "", func(q *http.Request) {
			q.Host = c.host
			if c.origin != "" {
				q.Header.Set("Origin", c.origin)
			}
		})
		if status != c.want {
			t.Errorf("Host %q, Origin %q: %d, want %d (%s)", c.host, c.origin, status, c.want, text)
		}
	}
}

func TestWhichHostsAreTheDoors(t *testing.T) {
	for _, c := range []struct {
		configured, listens, host string
		want                      bool
	}{
		{"127.0.0.1", "127.0.0.1:1", "127.0.0.1:1", true},
		{"localhost", "127.0.0.1:1", "LOCALHOST", true},
		{"box.lan", "10.0.0.7:1", "box.lan:1", true},
		{"box.lan", "10.0.0.7:1", "10.0.0.7:1", true},
		{"box.lan", "10.0.0.7:1", "evil.example:1", false},
		{"0.0.0.0", "0.0.0.0:1", "10.0.0.7:1", true},
		{"0.0.0.0", "0.0.0.0:1", "evil.example:1", false},
		{"", "[::]:1", "[fe80::1]:1", true},
		{"", "[::]:1", "", false},
		{"127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example", false},
	} {
		d := door{c.configured, netip.MustParseAddrPort(c.listens)}
		if got := d.own(c.host); got != c.want {
			t.Errorf("configured %q, listening at %s, asked as %q: %v", c.configured, c.listens, c.host, got)
		}
	}
}

// A recorder keeps the deadline under which an answer is written.
type recorder struct {
	*httptest.ResponseRecorder
	deadline time.Time
}

// SetWriteDeadline is what an http.ResponseController calls.
func (r *recorder) SetWriteDeadline(t time.Time) error {
	r.deadline = t
	return nil
}

// Connections are kept, so the deadline of the request before must not cut the answer to this one.
func TestEachAnswerHasATimeOfItsOwn(t *testing.T) {
	w := start(t, nil)
	for _, path := range []string{"/health", "/ready", "/nothing", "/admin-api/blobs"} {
		r := &recorder{httptest.NewRecorder(), time.Now().Add(-time.Hour)}
		q := httptest.NewRequest(http.MethodGet, w.client.URL()+path, nil)
		w.server.handler().ServeHTTP(r, q)
		if !r.deadline.IsZero() && time.Now().After(r.deadline) {
			t.Errorf("%s is answered under the deadline %v", path, r.deadline)
		}
	}
}
