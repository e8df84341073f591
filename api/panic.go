package api

import (
	"fmt"
	"net/http"
	"runtime/debug"
)

// ends has a panic in a handler end the process, as one on any other goroutine does. net/http would go on, and a handler that wrote
// the log for others, or held a lock, would leave them waiting for ever in a node that seems to run. After a crash the log is whole.
func ends(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p == http.ErrAbortHandler { // which says that the answer is to be cut, no more
				panic(p)
			} else if p != nil {
				text := fmt.Sprintf("%s %s: %v\n%s", r.Method, r.URL.Path, p, debug.Stack())
				go panic(text)
				select {} // and gives no answer
			}
		}()
		next.ServeHTTP(w, r)
	})
}
