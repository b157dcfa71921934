package serve

import (
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// admin is what operators ask, to be served on an address of its own:
//
//	/metrics   for Prometheus
//	/live     200 while the process runs
//	/ready    200 once every environment has a snapshot to answer from, else
//	           503 with the names of those that have none
func (h *Handler) admin() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(h.o.Metrics, promhttp.HandlerOpts{Registry: h.o.Metrics}))
	mux.HandleFunc("GET /live", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, _ *http.Request) {
		switch missing := h.unready(); {
		case h.draining.Load():
			http.Error(w, "shutting down", http.StatusServiceUnavailable)
		case len(missing) > 0:
			http.Error(w, "no snapshot yet: "+strings.Join(missing, ", "), http.StatusServiceUnavailable)
		default:
			_, _ = w.Write([]byte("ok\n"))
		}
	})
	return mux
}
