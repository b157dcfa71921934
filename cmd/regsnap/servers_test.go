package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/serve/dev"
)

// awaited is an output that knows when a text has come.
type awaited struct {
	mu    sync.Mutex
	text  bytes.Buffer
	until string
	come  chan struct{}
}

func (a *awaited) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	before := strings.Contains(a.text.String(), a.until)
	a.text.Write(p)
	if !before && strings.Contains(a.text.String(), a.until) {
		close(a.come)
	}
	return len(p), nil
}

func (a *awaited) String() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.text.String()
}

// running is a command that runs until it is stopped.
type running struct {
	out, errs *awaited
	cancel    context.CancelFunc
	ended     chan int
}

// start runs a command whose bucket is in a store until its standard error has a text.
func start(t *testing.T, s store.Store, until string, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), opening{}, func(string) (*publish.Bucket, error) { return publish.In(unclosed{s}), nil }))
	r := &running{out: &awaited{until: "no such text", come: make(chan struct{})}, errs: &awaited{until: until, come: make(chan struct{})}, cancel: cancel, ended: make(chan int, 1)}
	go func() { r.ended <- run(ctx, append([]string{"regsnap"}, args...), r.out, r.errs) }()
	select {
	case <-r.errs.come:
	case code := <-r.ended:
		t.Fatalf("regsnap %q: exit code %d\n%s", args, code, r.errs)
	}
	return r
}

// stop ends it, and gives its exit code.
func (r *running) stop() int {
	r.cancel()
	return <-r.ended
}

// asked asks for a URL, by the name of a host if one is given; the status is 0 if nobody answers.
func asked(t *testing.T, url, host string) (status int, text string) {
	t.Helper()
	client := &http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	answer, err := client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// addressOf is what stands behind a text, up to a space or semicolon.
func addressOf(text, behind string) string {
	_, rest, _ := strings.Cut(text, behind)
	return strings.TrimRight(strings.Fields(rest + " x")[0], ";")
}

// TestServeFlags: what each flag of serve does, and what it says that it does.
func TestServeFlags(t *testing.T) {
	w := newTwoBuilds(t)
	s := memoryStore(t, strings.TrimPrefix(w.bucket, "file://"))
	dir := t.TempDir()
	config := filepath.Join(dir, "regsnap.yml")
	certificate, _, err := dev.Certificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		config:                         []byte("environments:\n  production: {branches: [production], hostname: p.example, catalog: on}\n  staging: {branches: [production], hostname: s.example}\npreviews: {hostname: \"*.pr.example\"}\n"),
		filepath.Join(dir, "cert.pem"): pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}),
		filepath.Join(dir, "key.pem"):  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
	} {
		if err := os.WriteFile(name, text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	listen := []string{"serve", "--bucket", "gs://b", "--listen", "127.0.0.1:0", "--config", config}

	// One environment answers every request, whatever host is asked for.
	r := start(t, s, "/metrics", append(listen, "--env", "production", "--admin", "127.0.0.1:0", "--access-log", "--prefix", "/p/")...)
	at := addressOf(r.errs.String(), "serving on ")
	_, port, _ := net.SplitHostPort(at)
	want := "serving on " + at + "; Ctrl-C stops\n  production http://localhost:" + port + "/p/catalog/\n             http://localhost:" + port + "/p/search?prerelease=true\n  metrics    "
	if text := r.errs.String(); !strings.Contains(text, want) || strings.Contains(text, "curl") || strings.Contains(text, "previews") {
		t.Errorf("%s\nwant %s", text, want)
	}
	if status, text := asked(t, "http://"+at+"/p/search?prerelease=true", "other.example"); status != 200 || !strings.Contains(text, `"1.1.0"`) {
		t.Errorf("%d %s", status, text)
	}
	if status, _ := asked(t, "http://"+at+"/search", ""); status != 404 {
		t.Errorf("without the prefix: %d", status)
	}
	if status, text := asked(t, addressOf(r.errs.String(), "  metrics    "), ""); status != 200 || !strings.Contains(text, "regsnap_") {
		t.Errorf("metrics: %d %s", status, text)
	}
	if code := r.stop(); code != 0 || strings.Count(r.out.String(), `"path":"/p/search","query":"prerelease=true","status":200,`) != 1 {
		t.Errorf("exit code %d\n%s\n%s", code, r.out, r.errs)
	}
	if status, _ := asked(t, "http://"+at+"/p/search", ""); status != 0 {
		t.Errorf("after the end: %d", status)
	}

	// Several are told apart by the host; HTTPS; and no access log, and no metrics.
	r = start(t, s, "  previews ", append(listen, "--tls-cert", filepath.Join(dir, "cert.pem"), "--tls-key", filepath.Join(dir, "key.pem"))...)
	at = addressOf(r.errs.String(), "serving on ")
	_, port, _ = net.SplitHostPort(at)
	want = "  production https://p.example:" + port + "/catalog/\n             https://p.example:" + port + "/search?prerelease=true\n             curl -H 'Host: p.example' https://localhost:" + port + "/search\n" +
		"  staging    https://s.example:" + port + "/search?prerelease=true\n             curl -H 'Host: s.example' https://localhost:" + port + "/search\n  previews   *.pr.example\n"
	if text := r.errs.String(); !strings.Contains(text, want) || strings.Contains(text, "metrics") {
		t.Errorf("%s\nwant %s", text, want)
	}
	for host, want := range map[string]int{"p.example": 200, "s.example": 503, "other.example": 421, "none.pr.example": 421} {
		if status, text := asked(t, "https://"+at+"/search", host); status != want {
			t.Errorf("%s: %d %s", host, status, text)
		}
	}
	if code := r.stop(); code != 0 || r.out.String() != "" {
		t.Errorf("exit code %d\n%s\n%s", code, r.out, r.errs)
	}
}

// TestDevFlags: what each flag of dev does, and what it says that it does.
func TestDevFlags(t *testing.T) {
	w := newTwoBuilds(t)
	s := memoryStore(t, strings.TrimPrefix(w.bucket, "file://"))
	dir := t.TempDir()
	pipe := filepath.Join(dir, "opened")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "xdg-open"), []byte("#!/bin/sh\necho \"$1\" > "+pipe+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	path := filepath.Join(w.repo, "packages/web/1.0.0")

	r := start(t, s, "built in", "dev", path, "--listen", "127.0.0.1:0", "--allow-host", "other.example", "--open", "--look-every", "1h", "--quiet")
	at := addressOf(r.errs.String(), "serving on ")
	_, port, _ := net.SplitHostPort(at)
	url := "http://localhost:" + port
	for _, line := range []string{"  catalogue  " + url + "/catalog/\n", "  findings   " + url + "/-/dev/findings\n", "  kibana.yml xpack.fleet.registryUrl: " + url + "\n", "             xpack.fleet.registryUrl: http://other.example:" + port + "\n", " 1 version built in "} {
		if !strings.Contains(r.errs.String(), line) {
			t.Errorf("no %q in\n%s", line, r.errs)
		}
	}
	if text := r.errs.String(); strings.Contains(text, "other machines") || strings.Contains(text, "certificate") {
		t.Error(text)
	}
	if opened, err := os.ReadFile(pipe); err != nil || string(opened) != url+"/catalog/\n" {
		t.Errorf("opened %q, %v", opened, err)
	}
	for host, want := range map[string]int{"localhost:" + port: 200, "other.example": 200, "others.example": 403} {
		if status, text := asked(t, "http://"+at+"/search?prerelease=true", host); status != want || want == 200 && (!strings.Contains(text, `"1.0.0"`) || strings.Contains(text, `"1.1.0"`)) {
			t.Errorf("%s: %d %s", host, status, text)
		}
	}
	if code := r.stop(); code != 0 {
		t.Errorf("exit code %d\n%s", code, r.errs)
	}

	// What is live of an environment fills the rest, which has no catalogue, and HTTPS.
	r = start(t, s, "built in", "dev", path, "--listen", "[::]:0", "--tls", "--base", "gs://b#production", "--quiet")
	at = addressOf(r.errs.String(), "serving on ")
	_, port, _ = net.SplitHostPort(at)
	for _, line := range []string{"base: production " + w.second + ", 2 package versions\n", "no catalogue: the base has none", "  kibana.yml xpack.fleet.registryUrl: https://localhost:" + port + "\n", "  certificate https://localhost:" + port + "/", "warning: other machines can connect\n"} {
		if !strings.Contains(r.errs.String(), line) {
			t.Errorf("no %q in\n%s", line, r.errs)
		}
	}
	if strings.Contains(r.errs.String(), "  catalogue  ") {
		t.Errorf("a catalogue in\n%s", r.errs)
	}
	if status, text := asked(t, "https://127.0.0.1:"+port+"/search?prerelease=true&all=true", "localhost:"+port); status != 200 || !strings.Contains(text, `"1.0.0"`) || !strings.Contains(text, `"1.1.0"`) {
		t.Errorf("%d %s", status, text)
	}
	if code := r.stop(); code != 0 {
		t.Errorf("exit code %d\n%s", code, r.errs)
	}

	// A base that has a catalogue has one here.
	config := filepath.Join(dir, "regsnap.yml")
	if err := os.WriteFile(config, []byte("environments:\n  shown: {branches: [production], catalog: on}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if got := inStores(t, map[string]store.Store{"gs://b": s}, "build", "--quiet", "--publish", "--config", config, "--source", "git:"+w.repo, "--bucket", "gs://b", "--env", "shown"); got.code != 0 {
		t.Fatal(got)
	}
	r = start(t, s, "built in", "dev", path, "--listen", "127.0.0.1:0", "--base", "gs://b#shown", "--config", config, "--quiet")
	if text := r.errs.String(); !strings.Contains(text, "  catalogue  ") || strings.Contains(text, "no catalogue") {
		t.Error(text)
	}
	if code := r.stop(); code != 0 {
		t.Errorf("exit code %d\n%s", code, r.errs)
	}

	// Or what a registry has, of which a query sees a part.
	registry := registryOf(t, w.bucket, "production")
	r = start(t, s, "built in", "dev", filepath.Join(w.repo, "packages/web/1.1.0"), "--env", "production", "--listen", "127.0.0.1:0", "--base", registry, "--query", "package=web", "--cache", dir+"/cache", "--quiet")
	if text := r.errs.String(); !strings.Contains(text, "base: 1 package version of the registry, ") || !strings.Contains(text, " fetched, 0 unchanged ("+dir+"/cache)\n") || strings.Contains(text, "catalogue") {
		t.Error(text)
	}
	r.stop()

	for _, c := range []struct {
		args []string
		code int
		text string
	}{
		{[]string{"--query", "package=web"}, 2, "--query chooses packages of a registry: give --base URL"},
		{[]string{"--base", "gs://b#production", "--query", "package=web"}, 2, "not of a bucket"},
		{[]string{"--base", "gs://b"}, 2, "want BUCKET#ENV"}, {[]string{"--base", "#production"}, 2, "want BUCKET#ENV"}, {[]string{"--base", "gs://b#"}, 2, "want BUCKET#ENV"},
		{[]string{"--base", "gs://b#staging"}, 1, "staging"}, {[]string{"--env", "none"}, 2, "none"}, {[]string{"--listen", "nowhere"}, 1, "listen: "}, {[]string{"--config", dir + "/none.yml"}, 2, "none.yml"},
		{[]string{"--base", "ftp://b#production"}, 1, ""},
	} {
		if got := inStores(t, map[string]store.Store{"gs://b": s, "ftp://b": memoryStore(t, "")}, append([]string{"dev", path}, c.args...)...); got.code != c.code || !strings.Contains(got.errors, c.text) {
			t.Errorf("%q: %+v", c.args, got)
		}
	}
}
