package check_test

import (
	"archive/zip"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/serve/check"
)

// foreign answers as a registry of another make may, by HTTP and by the API: without
// validators, parts, encodings and lengths, in a way of its own where bodies are for
// people, and with archives that are packed otherwise. change is what is wrong besides.
func foreign(h http.Handler, change func(*recorded)) http.Handler {
	answers := falsified(h, func(a *recorded) {
		for _, name := range []string{"Etag", "Vary", "Access-Control-Allow-Origin", "Accept-Ranges", "Cache-Control"} {
			a.header.Del(name)
		}
		switch {
		case a.status == http.StatusMovedPermanently:
			a.body = nil
		case a.r.URL.Path == "/favicon.ico":
			a.body = []byte("an icon")
		case a.get("/epr/") && strings.HasSuffix(a.r.URL.Path, ".zip"):
			a.body = repacked(a.body, "")
		}
		if strings.HasPrefix(a.r.URL.Path, "/epr/") && a.r.Method == http.MethodGet {
			a.header.Del("Content-Length") // it is streamed
		}
		if change != nil {
			change(a)
		}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Range")
		r.Header.Del("If-Modified-Since") // it sends Last-Modified, and does not heed conditions
		r.Header.Del("Accept-Encoding")
		answers.ServeHTTP(w, r)
	})
}

// entries packs an archive again, with each of its files as change has it; nil leaves it out.
func entries(archive []byte, change func(name string, body []byte) (string, []byte)) []byte {
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return archive
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			return archive
		}
		body, err := io.ReadAll(r)
		if err != nil {
			return archive
		}
		name, body := change(f.Name, body)
		if body == nil {
			continue
		}
		to, err := w.Create(name)
		if err == nil {
			_, err = to.Write(body)
		}
		if err != nil {
			return archive
		}
	}
	if w.Close() != nil {
		return archive
	}
	return out.Bytes()
}

// TestLongAnswersToParts: archives and files that are longer than is read of a part are
// no difference. It is not parallel, since what it sets is the same for all.
func TestLongAnswersToParts(t *testing.T) {
	bucket, _, _ := newBucket(t)
	o := options(bucket, listening(t, foreign(handler(t, bucket, "production"), nil)).URL)
	o.Level = check.API
	was := check.SetSlack(0)
	defer check.SetSlack(was)
	if r := run(t, o); !r.Same() {
		t.Errorf("whole answers to ranges and conditions: %v\n%s", problems(r), details(r))
	}
}

// What HTTP allows is no difference, and each of these is one and is found.
func TestForeign(t *testing.T) {
	t.Parallel()
	bucket, _, _ := newBucket(t)
	h := handler(t, bucket, "production")
	o := options(bucket, listening(t, foreign(h, nil)).URL)
	o.Level = check.API
	if r := run(t, o); !r.Same() {
		t.Fatalf("nothing is planted: %v\n%s", problems(r), details(r))
	}
	replace := func(path, old, new string) func(*recorded) {
		return func(a *recorded) {
			if a.r.URL.Path == path {
				a.body = bytes.ReplaceAll(a.body, []byte(old), []byte(new))
			}
		}
	}
	const archive, document = "/epr/guard/guard-3.1.0.zip", "/package/guard/3.1.0/"
	repack := func(change func(name string, body []byte) (string, []byte)) func(*recorded) {
		return func(a *recorded) {
			if a.get(archive) {
				a.body = entries(a.body, change)
			}
		}
	}
	for name, c := range map[string]struct {
		change func(*recorded)
		kind   string
	}{
		"a version less in a search": {func(a *recorded) {
			if a.r.URL.Path == "/search" && bytes.HasPrefix(a.body, []byte("[")) {
				if end := bytes.Index(a.body, []byte("\n  },\n  {")); end > 0 {
					a.body = append([]byte("["), a.body[end+len("\n  },"):]...)
				}
			}
		}, "search"},
		"a title in a search":       {replace("/search", `"title": "Guard"`, `"title": "guard"`), "search"},
		"an empty search is null":   {replace("/search", "[]", "null"), "search"},
		"a count of a category":     {replace("/categories", `"count": 1`, `"count": 2`), "categories"},
		"a value of a document":     {replace(document, `"guard"`, `"guards"`), "document"},
		"a document in other bytes": {replace(document, "\n  ", "\n   "), "document"},
		"a document without its last newline": {func(a *recorded) {
			if a.r.URL.Path == document {
				a.body = append(bytes.TrimSpace(a.body), ' ')
			}
		}, "document"},
		"a document's type": {func(a *recorded) {
			if a.r.URL.Path == document {
				a.header.Set("Content-Type", "text/plain")
			}
		}, "document"},
		"a document that is missing": {func(a *recorded) {
			if a.r.URL.Path == document {
				a.status = http.StatusNotFound
			}
		}, "document"},
		"the type of an archive": {func(a *recorded) {
			if a.get(archive) {
				a.header.Set("Content-Type", "application/octet-stream")
			}
		}, "archive"},
		"a file in an archive": {repack(func(name string, body []byte) (string, []byte) {
			if strings.HasSuffix(name, "README.md") {
				body = append(body, ' ')
			}
			return name, body
		}), "archive"},
		"a file less in an archive": {repack(func(name string, body []byte) (string, []byte) {
			if strings.HasSuffix(name, "README.md") {
				body = nil
			}
			return name, body
		}), "archive"},
		"a file with another name in an archive": {repack(func(name string, body []byte) (string, []byte) {
			return strings.Replace(name, "README", "Readme", 1), body
		}), "archive"},
		"an archive that is cut short": {func(a *recorded) {
			if a.get(archive) {
				a.body = a.body[:len(a.body)/2]
			}
		}, "archive"},
		"an archive with a byte that its directory knows nothing of": {func(a *recorded) {
			if a.get(archive) {
				a.body = entries(a.body, func(name string, body []byte) (string, []byte) { return name, body })
				a.body[100] ^= 1
			}
		}, "archive"},
		"a signature": {func(a *recorded) {
			if a.get("/epr/") && strings.HasSuffix(a.r.URL.Path, ".sig") && a.status == http.StatusOK && len(a.body) > 3 {
				a.body[3] ^= 1
			}
		}, "signature"},
		"a signature that is missing": {func(a *recorded) {
			if strings.HasSuffix(a.r.URL.Path, ".sig") {
				a.status = http.StatusNotFound
			}
		}, "signature"},
		"a file's type": {func(a *recorded) {
			if a.r.URL.Path == "/package/odd_names/1.0.0/manifest.yml" {
				a.header.Set("Content-Type", "application/x-yaml")
			}
		}, "file"},
		"a file's last byte": {func(a *recorded) {
			if a.r.URL.Path == "/package/odd_names/1.0.0/manifest.yml" && len(a.body) > 0 {
				a.body = a.body[:len(a.body)-1]
			}
		}, "file"},
		"a 200 in place of an error": {func(a *recorded) {
			if a.status == http.StatusBadRequest {
				a.status, a.body = http.StatusOK, []byte("[]")
			}
		}, "error"},
		"the text of an error": {replace("/search", "invalid", "bad"), "error"},
		"a redirect elsewhere": {func(a *recorded) {
			if a.status == http.StatusMovedPermanently {
				a.header.Set("Location", a.header.Get("Location")+"x")
			}
		}, "redirect"},
		"no redirect": {func(a *recorded) {
			if a.status == http.StatusMovedPermanently {
				a.status = http.StatusNotFound
			}
		}, "redirect"},
		"the version of the service": {replace("/", `"service.version"`, `"version"`), "index"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(bucket, listening(t, foreign(h, c.change)).URL)
			o.Level = check.API
			r := run(t, o)
			for _, p := range problems(r) {
				if kind, _, _ := strings.Cut(p, ":"); kind == c.kind {
					return
				}
			}
			t.Errorf("not found: %v\n%s", problems(r), details(r))
		})
	}
}
