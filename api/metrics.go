package api

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/merograph/merograph/node"
)

// maxScrapes bounds the scrapes that are answered at a time.
const maxScrapes = 4

// metrics answers a scrape in the text format of Prometheus.
func metrics(s *node.State) http.Handler {
	h := promhttp.HandlerFor(s.Metrics(), promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes, DisableCompression: true})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(bodyTimeout))
		h.ServeHTTP(w, r)
	})
}
