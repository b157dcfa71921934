package serve_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

func TestMetrics(t *testing.T) {
	s := start(t, production(sharedBucket(t)))
	bytes := 0
	for _, path := range []string{"/search", "/search", "/search", "/epr/store/store-1.0.0.zip", "/none"} {
		bytes += len(s.get(path).body)
	}
	s.get("/search", "Host: x")
	for _, c := range []struct {
		name   string
		labels []string
		want   float64
	}{
		{"regsnap_http_requests_total", []string{`environment="production"`, `route="search"`, `status="200"`}, 4},
		{"regsnap_http_requests_total", []string{`route="archive"`, `status="200"`}, 1},
		{"regsnap_http_requests_total", []string{`route="other"`, `status="404"`}, 1},
		{"regsnap_http_request_duration_seconds_count", nil, 6},
		{"regsnap_cache_answers_total", []string{`source="miss"`}, 1},
		{"regsnap_cache_answers_total", []string{`source="hit"`}, 3},
		{"regsnap_cache_answers_total", []string{`source="stream"`}, 1},
		{"regsnap_snapshot_info", []string{s.h.Live("production")}, 1},
		{"regsnap_store_errors_total", nil, 0},
	} {
		// A request is counted when it ends, just after the client has its answer.
		eventually(t, c.name+strings.Join(c.labels, ","), func() bool { return metric(t, s, c.name, c.labels...) == c.want })
	}
	if got := metric(t, s, "regsnap_http_response_bytes_total"); got < float64(bytes) {
		t.Errorf("%v bytes written, the clients have %d", got, bytes)
	}
	if metric(t, s, "regsnap_pointer_read_timestamp_seconds") < 1e9 {
		t.Error("it is not known when the pointer was read")
	}
	if metric(t, s, "regsnap_cache_bytes") < 1000 {
		t.Error("nothing is in memory")
	}
	// The API itself does not tell.
	for _, path := range []string{"/metrics", "/ready", "/live"} {
		if r := s.get(path); r.StatusCode != 404 {
			t.Errorf("%s: %s", path, r.Status)
		}
	}
}

func TestAdmin(t *testing.T) {
	ask := func(s *site, path string) int {
		w := httptest.NewRecorder()
		s.h.Admin().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code
	}
	s := start(t, production(sharedBucket(t)))
	if ask(s, "/ready") != 200 || ask(s, "/live") != 200 || ask(s, "/metrics") != 200 || ask(s, "/search") != 404 {
		t.Error("a live registry is not ready")
	}
	s = start(t, production(newBucket(t)))
	if ask(s, "/ready") != 503 || ask(s, "/live") != 200 {
		t.Error("a registry without a snapshot is ready")
	}
}

// lockedBuffer is a buffer that several goroutines write to.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestAccessLog(t *testing.T) {
	var out lockedBuffer
	o := production(sharedBucket(t))
	o.AccessLog = slog.New(slog.NewJSONHandler(&out, nil))
	s := start(t, o)
	r := s.get("/search?package=web%0a%22", "User-Agent: Kibana/8.6.0 \"node-fetch\"")
	s.get("/epr/web/web-2.0.0.zip")
	eventually(t, "two lines", func() bool { return strings.Count(out.String(), "\n") == 2 })
	lines := strings.Split(out.String(), "\n")
	var line map[string]any
	if err := json.Unmarshal([]byte(lines[0]), &line); err != nil {
		t.Fatal(err, lines[0])
	}
	for name, want := range map[string]any{
		"method": "GET", "path": "/search", "query": "package=web%0a%22", "status": 200.0, "bytes": float64(len(r.body)),
		"env": "production", "snapshot": s.h.Live("production"), "route": "search", "user_agent": "Kibana/8.6.0 \"node-fetch\"",
	} {
		if line[name] != want {
			t.Errorf("%s is %v, want %v", name, line[name], want)
		}
	}
	if err := json.Unmarshal([]byte(lines[1]), &line); err != nil || line["source"] != "miss" || line["ms"] == nil || line["remote"] == "" {
		t.Errorf("%v: %s", err, lines[1])
	}
}
