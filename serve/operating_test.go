package serve_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/regsnap/regsnap/serve"
)

// TestSources: where the body of an answer came from is in the log and in the metrics.
func TestSources(t *testing.T) {
	bare := newBucket(t)
	published(t, bare, built(t, bare, edition(t, "one"), onlyCatalog))
	for _, c := range []struct {
		of            serve.Bucket
		object        int64
		path, headers string
		want          []string // of one request after another
	}{
		{sharedBucket(t), 1 << 20, "/search", "", []string{"miss", "hit", "hit"}},
		{sharedBucket(t), 1 << 20, "/search", "Accept-Encoding: gzip", []string{"miss", "hit"}},
		{bare, 1 << 20, "/search?package=web", "", []string{"assembled", "hit", "hit"}},
		{sharedBucket(t), 1 << 20, "/package/web/2.0.0/", "", []string{"miss", "hit"}},
		{sharedBucket(t), 1 << 20, "/package/trial/0.1.0/docs/large.txt", "", []string{"miss", "hit"}},
		{sharedBucket(t), 1 << 20, "/package/trial/0.1.0/docs/large.txt", "Accept-Encoding: gzip", []string{"miss", "hit"}},
		{sharedBucket(t), 1, "/package/trial/0.1.0/docs/large.txt", "", []string{"stream", "stream"}},
		{sharedBucket(t), 1, "/package/trial/0.1.0/docs/large.txt", "Accept-Encoding: gzip", []string{"stream", "stream"}},
		{sharedBucket(t), 1, "/package/trial/0.1.0/agent/stream/long.yml.hbs", "", []string{"miss", "hit"}},
		{sharedBucket(t), 1 << 20, "/catalog/", "", []string{"miss", "hit"}},
		{sharedBucket(t), 1 << 20, "/", "", []string{"", ""}},
		{sharedBucket(t), 1 << 20, "/none", "", []string{""}},
	} {
		t.Run(c.path+c.headers, func(t *testing.T) {
			t.Parallel()
			var log lockedBuffer
			o := production(c.of)
			o.CacheObject, o.AccessLog = c.object, slog.New(slog.NewJSONHandler(&log, nil))
			h := newHandler(t, o)
			counted := map[string]int{}
			for _, want := range c.want {
				if want != "" {
					counted[want]++
				}
				log.b.Reset()
				got := ask(h, c.path, strings.Split(c.headers, "\n")...)
				var line map[string]any
				if err := json.Unmarshal([]byte(log.String()), &line); err != nil {
					t.Fatal(err)
				}
				for name, want := range map[string]any{
					"level": "INFO", "msg": "request", "method": "GET", "host": "example.com", "path": strings.Split(c.path, "?")[0], "status": float64(got.Code), "bytes": float64(got.Body.Len()),
					"source": want, "error": nil, "env": "production", "snapshot": h.Live("production"), "remote": "192.0.2.1:1234",
				} {
					if line[name] != want {
						t.Errorf("%s is %v, want %v", name, line[name], want)
					}
				}
				if ms, ok := line["ms"].(float64); !ok || ms < 0 || ms > 60_000 {
					t.Errorf("ms is %v", line["ms"])
				}
			}
			for _, source := range []string{"hit", "miss", "stream", "assembled", ""} {
				if n := metric(t, &site{h: h}, "regsnap_cache_answers_total", `source="`+source+`"`); int(n) != counted[source] {
					t.Errorf("%q: %v answers are counted, want %d", source, n, counted[source])
				}
			}
			if n := metric(t, &site{h: h}, "regsnap_assembled_responses_total"); int(n) != counted["assembled"] {
				t.Errorf("%v answers were put together, want %d", n, counted["assembled"])
			}
		})
	}
}

// TestFailuresAreTold: what log and metrics say of requests that had no proper answer.
func TestFailuresAreTold(t *testing.T) {
	const path = "/package/web/2.0.0/"
	for name, c := range map[string]struct {
		fault  func(cancel func()) error
		status int
		text   string // in the access log
	}{
		"failure":    {func(func()) error { return errors.New("connection refused") }, 502, "connection refused"},
		"client":     {func(cancel func()) error { cancel(); return errors.New("connection refused") }, 499, ""},
		"panic":      {func(func()) error { panic("oops") }, 502, "panic: oops"},
		"no failure": {func(func()) error { return nil }, 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var log, access lockedBuffer
			bucket := newFaulty(sharedBucket(t))
			o := production(bucket)
			o.Log, o.AccessLog = slog.New(slog.NewTextHandler(&log, nil)), slog.New(slog.NewJSONHandler(&access, nil))
			h := newHandler(t, o)
			log.b.Reset()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			bucket.set(func(string, string) error { return c.fault(cancel) })
			func() {
				defer func() {
					if p := recover(); (p != nil) != (c.status == 499) || p != nil && p != http.ErrAbortHandler {
						t.Errorf("panics with %v", p)
					}
				}()
				h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", path, nil))
			}()
			var line struct {
				Status int
				Error  string
			}
			if err := json.Unmarshal([]byte(access.String()), &line); err != nil || line.Status != c.status || !strings.Contains(line.Error, c.text) || c.status == 200 && line.Error != "" {
				t.Errorf("%v: %s", err, access.String())
			}
			if n := metric(t, &site{h: h}, "regsnap_http_requests_total", `route="package"`, fmt.Sprintf(`status="%d"`, c.status)); n != 1 {
				t.Errorf("%v requests are counted", n)
			}
			if (log.String() != "") != (c.status == 502) {
				t.Errorf("the log says %q", log.String())
			}
		})
	}
	// A panic beyond what is read into memory ends the request, and is an error of the server.
	bucket := newFaulty(sharedBucket(t))
	o := production(bucket)
	o.CacheObject = 1
	h := newHandler(t, o)
	bucket.set(func(op, key string) error {
		if op == "open" {
			panic("oops")
		}
		return nil
	})
	func() {
		defer func() {
			if p := recover(); p != "oops" {
				t.Errorf("panics with %v", p)
			}
		}()
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/epr/web/web-2.0.0.zip", nil))
	}()
	if n := metric(t, &site{h: h}, "regsnap_http_requests_total", `route="archive"`, `status="500"`); n != 1 {
		t.Errorf("%v requests are counted", n)
	}
}

// TestReadiness: what is said of environments that have nothing yet, and which of them
// answers a probe without a known host.
func TestReadiness(t *testing.T) {
	b := newPointing(t)
	o := serve.Options{Bucket: b, Environments: []serve.Environment{{Name: "production", Hostnames: []string{"a.example"}}, {Name: "second", Hostnames: []string{"b.example"}}, {Name: "third"}}, Poll: 90 * time.Second}
	h := newHandler(t, o)
	expect := func(status int, body string, health int) {
		t.Helper()
		if got := ask(h.Admin(), "/ready"); got.Code != status || got.Body.String() != body {
			t.Errorf("/ready: %d %q, want %d %q", got.Code, got.Body, status, body)
		}
		if got := ask(h.Admin(), "/live"); got.Code != 200 || got.Body.String() != "ok\n" {
			t.Errorf("/live: %d %q", got.Code, got.Body)
		}
		if got := ask(h, "/health", "Host: 10.0.0.7"); got.Code != health {
			t.Errorf("/health: %d, want %d", got.Code, health)
		}
		if h.Ready() != (status == 200) {
			t.Errorf("ready: %t", h.Ready())
		}
	}
	expect(503, "no snapshot yet: second, third\n", 503)
	if got := ask(h, "/search", "Host: b.example"); got.Code != 503 || got.Header().Get("Retry-After") != "90" || !strings.Contains(got.Body.String(), "environment second ") {
		t.Errorf("nothing is live: %d %v %s", got.Code, got.Header(), got.Body)
	}
	if err := h.Refresh(t.Context()); err == nil || !strings.Contains(err.Error(), "environment second has no snapshot yet") || !strings.Contains(err.Error(), "third") || strings.Contains(err.Error(), "production") {
		t.Errorf("refreshed: %v", err)
	}
	b.set("second", nil)
	if err := h.Refresh(t.Context()); err == nil || strings.Contains(err.Error(), "second") {
		t.Errorf("refreshed: %v", err)
	}
	expect(503, "no snapshot yet: third\n", 503)
	b.set("third", nil)
	if err := h.Refresh(t.Context()); err != nil {
		t.Error(err)
	}
	expect(200, "ok\n", 200)
	if h.Live("second") == "" || h.Live("second") != h.Live("production") || h.Live("other") != "" {
		t.Errorf("live: %q, %q", h.Live("second"), h.Live("other"))
	}
	if got := ask(h, "/search", "Host: 10.0.0.7"); got.Code != 421 || !strings.Contains(got.Body.String(), `"10.0.0.7", only for a.example, b.example`) {
		t.Errorf("an unknown host: %d %s", got.Code, got.Body)
	}
}

// TestFollowing: pointers are read once in the time between two looks, give or take a
// fifth. A failure is in the log once, and so is its end.
func TestFollowing(t *testing.T) {
	sharedBucket(t)
	synctest.Test(t, func(t *testing.T) {
		var log lockedBuffer
		bucket := newFaulty(newPointing(t))
		o := production(bucket)
		o.Poll, o.Log = 10*time.Second, slog.New(slog.NewTextHandler(&log, nil))
		h, err := serve.New(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		id := h.Live("production")
		if text := log.String(); !strings.Contains(text, `msg="snapshot is live" env=production snapshot=`+id+` before=""`) || strings.Count(text, "\n") != 1 {
			t.Errorf("the log says at first:\n%s", text)
		}
		log.b.Reset()
		last := time.Now()
		for range 20 {
			before := bucket.count("pointer", "")
			for bucket.count("pointer", "") == before {
				time.Sleep(10 * time.Millisecond)
				synctest.Wait()
			}
			if took := time.Since(last); took < 8*time.Second || took > 12*time.Second+20*time.Millisecond {
				t.Errorf("looked again after %s", took)
			}
			last = time.Now()
		}
		if bucket.count("routes", "") != 1 || log.String() != "" {
			t.Errorf("loaded %d times: %s", bucket.count("routes", ""), log.String())
		}
		read := metric(t, &site{h: h}, "regsnap_pointer_read_timestamp_seconds")
		if int64(read) != last.Unix() && int64(read) != last.Unix()-1 {
			t.Errorf("read at %v, it is %d", read, last.Unix())
		}
		expect := func(what string, err error, failures float64, lines int, text string) {
			t.Helper()
			bucket.set(func(string, string) error { return err })
			time.Sleep(36 * time.Second) // three times at least
			synctest.Wait()
			if got := metric(t, &site{h: h}, "regsnap_pointer_failures_total", `environment="production"`); got < failures || failures == 0 && got > 0 {
				t.Errorf("%s: %v failures", what, got)
			}
			if got := log.String(); strings.Count(got, "\n") != lines || !strings.Contains(got, text) {
				t.Errorf("%s: the log says\n%swant %d lines, with %s", what, got, lines, text)
			}
			log.b.Reset()
			if (h.Refresh(t.Context()) != nil) != (err != nil) || h.Live("production") != id {
				t.Errorf("%s: live is %q", what, h.Live("production"))
			}
		}
		expect("nothing", nil, 0, 0, "")
		expect("down", errors.New("connection refused"), 3, 1, `level=ERROR msg="cannot follow the pointer: what was live stays live" env=production error="connection refused" snapshot=`+id)
		expect("down for another reason", errors.New("access denied"), 6, 1, `error="access denied"`)
		if got := metric(t, &site{h: h}, "regsnap_pointer_read_timestamp_seconds"); time.Since(time.Unix(int64(got), 0)) < time.Minute {
			t.Errorf("read at %v, it is %d", got, time.Now().Unix())
		}
		expect("up", nil, 6, 1, `level=INFO msg="the pointer can be followed again" env=production`)
		expect("still up", nil, 6, 0, "")
		h.Close()
		before := bucket.count("pointer", "")
		time.Sleep(time.Minute)
		if bucket.count("pointer", "") != before {
			t.Error("pointers are read after the end")
		}
		// A look whose caller goes away is no failure.
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		bucket.set(func(string, string) error { return context.Canceled })
		if err := h.Refresh(gone); err != nil || log.String() != "" {
			t.Errorf("%v: %s", err, log.String())
		}
	})
}

// TestOwnMetrics: two handlers cannot share their metrics.
func TestOwnMetrics(t *testing.T) {
	o := production(sharedBucket(t))
	o.Metrics = prometheus.NewRegistry()
	newHandler(t, o)
	if h, err := serve.New(t.Context(), o); err == nil {
		h.Close()
		t.Error("the metrics of one handler count what another does")
	}
	o = production(sharedBucket(t))
	o.Previews = "preview.example"
	if h, err := serve.New(t.Context(), o); err == nil || !strings.HasPrefix(err.Error(), "serve: previews: ") {
		h.Close()
		t.Errorf("hosts of previews without an asterisk: %v", err)
	}
}

// TestLargeAnswersInTurn: an answer that takes all the memory for putting together waits
// for the one before, and its turn comes.
func TestLargeAnswersInTurn(t *testing.T) {
	bare := newBucket(t)
	published(t, bare, built(t, bare, edition(t, "one"), onlyCatalog))
	o := production(bare)
	o.CacheBytes = 100 // one answer is more
	h := newHandler(t, o)
	for range 3 {
		for _, path := range []string{"/search?package=web&all=true", "/search?all=true&prerelease=true"} {
			for _, header := range []string{"", "Accept-Encoding: gzip"} {
				if got, want := ask(h, path, header), ask(newHandler(t, production(bare)), path, header); got.Code != 200 || !bytes.Equal(got.plain(t), want.plain(t)) {
					t.Errorf("%s: %d, %d bytes of %d", path, got.Code, got.Body.Len(), want.Body.Len())
				}
			}
		}
	}
}

// TestTLSOptions: both files or none, and no version of TLS that browsers have given up.
func TestTLSOptions(t *testing.T) {
	cert, key, roots := certificate(t)
	h := newHandler(t, production(sharedBucket(t)))
	for _, o := range []serve.ServerOptions{{CertFile: cert}, {KeyFile: key}, {CertFile: key, KeyFile: cert}, {CertFile: cert, KeyFile: cert + "x"}} {
		o.Handler, o.Listen = h, "127.0.0.1:0"
		ctx, cancel := context.WithCancel(t.Context())
		o.Started = func(_, _ net.Addr) { cancel() }
		if err := serve.Run(ctx, o); err == nil {
			t.Errorf("%+v: no error", o)
		}
		cancel()
	}
	server := run(t, serve.ServerOptions{Handler: h, Listen: "127.0.0.1:0", CertFile: cert, KeyFile: key})
	if server.admin != nil {
		t.Errorf("metrics are at %s", server.admin)
	}
	for version, ok := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		c, err := tls.Dial("tcp", server.api.String(), &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS10, MaxVersion: version})
		if (err == nil) != ok {
			t.Errorf("TLS %x: %v", version, err)
		}
		if err == nil {
			c.Close()
		}
	}
	server.stop()
	if err := <-server.ended; err != nil {
		t.Error(err)
	}
}

// TestDraining: from when the end is asked for the registry is not ready.
func TestDraining(t *testing.T) {
	h := newHandler(t, production(sharedBucket(t)))
	ctx, cancel := context.WithCancel(t.Context())
	err := serve.Run(ctx, serve.ServerOptions{Handler: h, Listen: "127.0.0.1:0", Admin: "127.0.0.1:0", Started: func(api, admin net.Addr) {
		if api == nil || admin == nil || api.String() == admin.String() {
			t.Errorf("listens at %v and %v", api, admin)
		}
		cancel()
	}})
	if err != nil {
		t.Error(err)
	}
	if got := ask(h.Admin(), "/ready"); got.Code != 503 || got.Body.String() != "shutting down\n" {
		t.Errorf("/ready: %d %q", got.Code, got.Body)
	}
	if got := ask(h, "/search"); got.Code != 200 {
		t.Errorf("a request in work: %d", got.Code)
	}
}
