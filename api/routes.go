package api

import (
	"fmt"
	"net/http"
)

// told answers a request that no route takes in the form of every other failure, where net/http would answer in plain text.
func told(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		deaf := &deafWriter{header: http.Header{}}
		h.ServeHTTP(deaf, r)
		if deaf.status == http.StatusMethodNotAllowed {
			allow := deaf.header.Get("Allow")
			w.Header().Set("Allow", allow)
			e := &Error{Kind: InvalidRequest, Message: fmt.Sprintf("%s takes no %s: send %s", r.URL.Path, r.Method, allow), Data: r.Method}
			reply(w, deaf.status, refusal(e))
			return
		}
		refuse(w, &Error{Kind: NotFound, Message: fmt.Sprintf("there is no route %s %s: see docs/commands.md", r.Method, r.URL.Path), Data: r.URL.Path})
	})
}

// A deafWriter keeps what a handler says of an answer, and drops the answer.
type deafWriter struct {
	header http.Header
	status int
}

func (w *deafWriter) Header() http.Header         { return w.header }
func (w *deafWriter) WriteHeader(status int)      { w.status = status }
func (w *deafWriter) Write(b []byte) (int, error) { return len(b), nil }
