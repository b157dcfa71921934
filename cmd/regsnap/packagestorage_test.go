package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/regsnap/regsnap/publish/store/storetest/servers"
)

// TestPushWithIndex: with package_storage, a push reads the cursor and the index before ahead
// of the move, and writes two objects after it; it reads no document. A build that
// changes nothing writes none.
func TestPushWithIndex(t *testing.T) {
	s := servers.StartGCS(t)
	s.Setenv(t)
	name := s.NamedBucket(t, "pushed")
	var mu sync.Mutex
	var asked []string
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", s.Addr, s.Addr
		mu.Lock()
		defer mu.Unlock()
		of := r.In.URL.Path
		if r.In.Method == http.MethodPost {
			of = "/" + name + "/" + r.In.URL.Query().Get("name")
		}
		for part, what := range map[string]string{
			"/storage/production/v2/metadata/cursor.json": "cursor", "/search-index-all.json": "index",
			"/environments/production.json": "pointer", "/responses/": "response",
		} {
			if strings.Contains(of, part) && strings.HasPrefix(of, "/"+name+"/") && !strings.HasSuffix(of, ".part") {
				asked = append(asked, r.In.Method+" "+what)
			}
		}
	}})
	t.Cleanup(proxy.Close)
	s.Via(strings.TrimPrefix(proxy.URL, "http://")).Setenv(t)
	t.Chdir(t.TempDir())
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.WriteFile("regsnap.yml", []byte("bucket: "+s.URL(name)+"\nsource: dir:production=branch\nenvironments:\n  production:\n    branches: [production]\n    package_storage: v2\n"), 0o666))
	push := func(what string, args ...string) []string {
		t.Helper()
		mu.Lock()
		asked = nil
		mu.Unlock()
		var out bytes.Buffer
		if code := run(t.Context(), append([]string{"regsnap"}, args...), &out, &out); code != 0 {
			t.Fatalf("%s: exit code %d: %s", what, code, out.String())
		}
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(asked)
	}
	build := []string{"build", "--quiet", "--publish"}
	for _, version := range []string{"1.0.0", "1.1.0", "1.2.0"} {
		folder := filepath.Join("branch", "packages", "web", version)
		must(os.MkdirAll(filepath.Join(folder, "docs"), 0o777))
		must(os.WriteFile(filepath.Join(folder, "docs", "README.md"), []byte("# Web\n"), 0o666))
		must(os.WriteFile(filepath.Join(folder, "manifest.yml"), []byte("format_version: 1.0.0\nname: web\nversion: "+version+"\ntitle: Web\ndescription: the web\ntype: integration\nowner:\n  github: acme/web\n"), 0o666))
		mustWriteTwo(t, "push of "+version, push("push of "+version, build...), version != "1.0.0")
	}
	if again := push("the same again", build...); slices.Contains(again, "POST index") || slices.Contains(again, "GET index") {
		t.Errorf("the same again: %q", again)
	}
	back := push("rollback", "rollback", "--env", "production", "--reason", "a test", "--yes")
	mustWriteTwo(t, "rollback", slices.DeleteFunc(back, func(r string) bool { return r == "GET response" }), true)
}

// mustWriteTwo checks the requests of a push for its index.
func mustWriteTwo(t *testing.T, what string, asked []string, before bool) {
	t.Helper()
	count := func(list []string, what string) (n int) {
		for _, r := range list {
			if r == what {
				n++
			}
		}
		return n
	}
	moved := slices.Index(asked, "POST pointer")
	if moved < 0 {
		t.Fatalf("%s: the pointer was not moved: %q", what, asked)
	}
	after := slices.DeleteFunc(slices.Clone(asked[moved+1:]), func(r string) bool { return r == "GET pointer" })
	indexes := 0
	if before {
		indexes = 1
	}
	// Two side by side: the reads may end after the move, and the writes come after them.
	if count(asked, "GET cursor") != 1 || count(asked, "GET index") != indexes || count(asked, "GET response") != 0 ||
		len(after) < 2 || !slices.Equal(after[len(after)-2:], []string{"POST index", "POST cursor"}) || count(asked, "POST index") != 1 || count(asked, "POST cursor") != 1 {
		t.Errorf("%s: %q", what, asked)
	}
}
