package image

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/regsnap/regsnap/internal/retry"
	"github.com/regsnap/regsnap/layout"
)

// TestTagAs: what comes of a tag that a registry refuses, by the answer and by what has the
// tag. That it takes no image of several platforms is only said where its answer does.
func TestTagAs(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	const several, keeps = "takes no image of several platforms", "the registry keeps this tag at sha256:"
	var status, asked int
	var body, there string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/v2/":
		case r.Method == http.MethodPut:
			if is := r.Header.Get("Content-Type"); is != "a/b" { // by which a registry knows what it is
				t.Errorf("sent as %q", is)
			}
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		case there == "":
			asked++
			w.WriteHeader(http.StatusNotFound)
		default:
			asked++
			_, _ = io.WriteString(w, there)
		}
	}))
	t.Cleanup(s.Close)
	repo, err := name.NewRepository(strings.TrimPrefix(s.URL, "http://") + "/x")
	if err != nil {
		t.Fatal(err)
	}
	h := &target{repo: repo, retries: retry.Policy{Attempts: 1}, sent: &transfer{}}
	if err := h.connect(t.Context(), nil, "test"); err != nil {
		t.Fatal(err)
	}
	index := &manifest{digest: fmt.Sprintf("sha256:%x", sha256.Sum256([]byte("index"))), mediaType: "a/b", body: []byte("index")}
	code := func(code string) string { return `{"errors": [{"code": "` + code + `"}]}` }
	for _, c := range []struct {
		status      int
		body, there string
		want        string // "" for no error, "-" for the registry's own words alone
		asked       int    // how often for what has the tag
	}{
		{201, "", "", "", 0}, {201, "", "other", "", 0},
		{401, "", "", "-", 0}, {401, "", "index", "-", 0},
		{400, "", "", several, 1}, {405, "", "", several, 1}, {415, "", "", several, 1}, {501, "", "", several, 1}, {400, code("MANIFEST_INVALID"), "", several, 1}, {404, code("UNSUPPORTED"), "", several, 1},
		{400, code("OTHER"), "", "-", 1}, {403, "", "", "-", 1}, {404, "", "", "-", 1}, {409, "", "", "-", 1}, {413, "<html>", "", "-", 1}, {403, code("DENIED"), "", "-", 1},
		{409, "", "index", "", 1}, {400, "", "index", "", 1}, {409, "", "other", keeps, 1}, {405, "", "other", keeps, 1}, {403, code("DENIED"), "other", keeps, 1},
	} {
		status, body, there, asked = c.status, c.body, c.there, 0
		err := (&Image{Manifest: &layout.Manifest{Environment: "production"}}).tagAs(t.Context(), h, index, "production")
		var refused *refusal
		var means explained
		switch {
		case asked != c.asked:
			t.Errorf("%+v: the tag was asked for %d times", c, asked)
		case c.want == "":
			if err != nil {
				t.Errorf("%+v: %v", c, err)
			}
		case !errors.As(err, &refused) || refused.status != c.status || errors.As(err, &means) != (c.want != "-") || c.want != "-" && !strings.Contains(err.Error(), c.want):
			t.Errorf("%+v: %v", c, err)
		case c.want == keeps && !strings.Contains(err.Error(), "--no-env-tag"):
			t.Errorf("%+v: %v", c, err)
		}
	}
}
