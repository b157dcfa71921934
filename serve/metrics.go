package serve

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/regsnap/regsnap/layout/answer"
)

// metrics are what operators watch. Labels have few values, all of our own
// making: nothing that a client sends becomes one.
type metrics struct {
	requests       *prometheus.CounterVec   // environment, route, status
	seconds        *prometheus.HistogramVec // route
	bytes          *prometheus.CounterVec   // environment, route
	sources        *prometheus.CounterVec   // source
	assembled      *prometheus.CounterVec   // environment
	storeErrors    *prometheus.CounterVec   // operation
	followFailures *prometheus.CounterVec   // environment
	snapshots      *prometheus.GaugeVec     // environment, snapshot
}

func newMetrics(to *prometheus.Registry, h *Handler, all []*environment) (*metrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "regsnap", Name: name, Help: help}, labels)
	}
	m := &metrics{
		requests: counter("http_requests_total", "Requests answered.", "environment", "route", "status"),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "regsnap", Name: "http_request_duration_seconds", Help: "Time to answer, until the last byte was written.",
			Buckets: []float64{.0002, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60},
		}, []string{"route"}),
		bytes:          counter("http_response_bytes_total", "Bytes of bodies written.", "environment", "route"),
		sources:        counter("cache_answers_total", "Answers by where their body came from: hit, miss, stream, assembled.", "source"),
		assembled:      counter("assembled_responses_total", "Responses that were not rendered ahead and were put together.", "environment"),
		storeErrors:    counter("store_errors_total", "Reads of the object store that failed.", "operation"),
		followFailures: counter("pointer_failures_total", "Attempts to follow the pointer that failed.", "environment"),
		snapshots: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "regsnap", Name: "snapshot_info", Help: "1 for the snapshot that an environment answers from.",
		}, []string{"environment", "snapshot"}),
	}
	list := []prometheus.Collector{
		m.requests, m.seconds, m.bytes, m.sources, m.assembled, m.storeErrors, m.followFailures, m.snapshots,
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Namespace: "regsnap", Name: "cache_evictions_total", Help: "Objects that memory gave up for others.",
		}, func() float64 { return float64(h.objects.cache.Stats().Evictions) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: "regsnap", Name: "cache_bytes", Help: "Bytes of objects in memory.",
		}, func() float64 { return float64(h.objects.cache.WeightedSize()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: "regsnap", Name: "held_bytes", Help: "Bytes of objects that are being sent, each once however many clients get it.",
		}, func() float64 { return float64(h.held.bytes()) }),
	}
	for _, env := range all {
		m.followFailures.WithLabelValues(env.name)
		list = append(list, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: "regsnap", Name: "pointer_read_timestamp_seconds", Help: "When the pointer was last read, in seconds since 1970; 0 for never.",
			ConstLabels: prometheus.Labels{"environment": env.name},
		}, func() float64 { return float64(env.checked.Load()) }))
	}
	var errs []error
	for _, c := range list {
		errs = append(errs, to.Register(c))
	}
	return m, errors.Join(errs...)
}

func (m *metrics) setSnapshot(env, old, now string) {
	if old != "" {
		m.snapshots.DeleteLabelValues(env, old)
	}
	m.snapshots.WithLabelValues(env, now).Set(1)
}

// finish counts and logs an exchange.
func (h *Handler) finish(x *exchange, took time.Duration) {
	env, route := orElse(x.env, "none"), orElse(x.route, "none")
	if x.preview {
		env = allPreviews
	}
	x.status = orElse(x.status, http.StatusInternalServerError) // a panic
	h.metrics.requests.WithLabelValues(env, route, strconv.Itoa(x.status)).Inc()
	h.metrics.seconds.WithLabelValues(route).Observe(took.Seconds())
	h.metrics.bytes.WithLabelValues(env, route).Add(float64(x.bytes))
	if x.source != fromTable {
		h.metrics.sources.WithLabelValues(string(x.source)).Inc()
	}
	if h.o.AccessLog != nil {
		logAccess(h.o.AccessLog, x, took)
	}
}

// routeOf names what a request is for.
func routeOf(path string, a answer.Answer) string {
	switch a.Kind {
	case answer.File:
		return "file"
	case answer.Archive:
		return "archive"
	case answer.Signature:
		return "signature"
	case answer.Page, answer.Live:
		return "page"
	}
	switch {
	case path == "/", path == "/index.json":
		return "index"
	case path == "/search", path == "/categories", path == "/health":
		return path[1:]
	case strings.HasPrefix(path, "/package/"), strings.HasPrefix(path, "/artifacts/static/"):
		return "package"
	case strings.HasPrefix(path, "/epr/"), strings.HasPrefix(path, "/artifacts/packages/"):
		return "archive"
	}
	return "other"
}
