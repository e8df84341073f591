package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// guard stands before every route: it counts requests, turns away who came under a foreign name, and asks for the token.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		if !s.enter() {
			w.Header().Set("Connection", "close")
			refuse(w, &Error{Kind: NotReady, Message: "the node is stopping"})
			return
		}
		defer s.running.Done()
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
		if err := s.admit(r); err != nil {
			if err.Kind == Unauthorized {
				w.Header().Set("WWW-Authenticate", `Bearer realm="merod"`)
			}
			refuse(w, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) admit(r *http.Request) *Error {
	if !s.door.own(r.Host) {
		return &Error{Kind: Forbidden, Message: fmt.Sprintf("the host %q is not this node's: use %s", r.Host, s.door.url()), Data: r.Host}
	}
	for _, origin := range r.Header.Values("Origin") {
		if u, err := url.Parse(origin); err != nil || u.Scheme != "http" || !strings.EqualFold(u.Host, r.Host) {
			return &Error{Kind: Forbidden, Message: fmt.Sprintf("the origin %q is not this node's", origin), Data: origin}
		}
	}
	if public[r.URL.Path] {
		return nil
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || !same(strings.TrimSpace(token), s.token) {
		return &Error{Kind: Unauthorized, Message: "no valid token: send Authorization: Bearer with what the file token in the node's home holds"}
	}
	return nil
}

// same compares in a time that tells nothing of either.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// own says whether a Host header names this door: a loopback address, localhost, the host of the configuration, or, when
// that is every address of the machine, any address. A name that somebody else's DNS may point here is none of these.
func (d door) own(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
	}
	if strings.EqualFold(host, "localhost") || d.host != "" && strings.EqualFold(host, d.host) {
		return true
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	return addr.Unmap().IsLoopback() || addr.Unmap() == d.addr.Addr() || d.addr.Addr().IsUnspecified()
}

// refuse answers with an error as the routes other than /jsonrpc tell it.
func refuse(w http.ResponseWriter, e *Error) {
	reply(w, e.status(), refusal(e))
}

func refusal(e *Error) any {
	return map[string]any{"error": wireError{Code: e.code(), Message: e.Message, Data: wireData{e.Kind, e.Data}}}
}

// reply answers in JSON. Each answer has a time of its own: a deadline outlives its request on a connection that is kept.
func reply(w http.ResponseWriter, status int, v any) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(bodyTimeout))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // a client that went away is told nothing
}
