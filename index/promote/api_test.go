package promote_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index/promote"
	"github.com/regsnap/regsnap/internal/child"
)

// answer is what a server of our own answers.
type answer struct {
	status int
	body   string
}

// answers is a server of the API that answers a request to open a pull request, and one
// to find it. It returns what it was asked.
func answers(t *testing.T, open, find answer) (promote.GitHub, *[]*http.Request) {
	t.Helper()
	asked := &[]*http.Request{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, r)
		a := open
		if r.Method == http.MethodGet {
			a = find
		}
		if a.status/100 == 3 {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(a.status)
		io.WriteString(w, a.body)
	}))
	t.Cleanup(s.Close)
	return promote.GitHub{API: s.URL, Repository: "acme/storage", Token: token}, asked
}

// What each answer means: only 201 with a URL opened a pull request, and only after 422
// an earlier one is looked for.
func TestGitHubAnswers(t *testing.T) {
	const opened, there = `{"html_url": "https://host/7"}`, `[{"html_url": "https://host/6"}, {"html_url": "https://host/5"}]`
	exists := answer{422, `{"message": "Validation Failed", "errors": [{"message": "it exists"}, {"field": "head", "code": "invalid"}]}`}
	for name, c := range map[string]struct {
		open, find answer
		url, want  string
		asked      int
	}{
		"opened":              {answer{201, opened}, answer{}, "https://host/7", "", 1},
		"200":                 {answer{200, opened}, answer{}, "", "open the pull request: the API answered 200: ", 1},
		"299":                 {answer{299, opened}, answer{}, "", "open the pull request: the API answered 299: ", 1},
		"201 without a URL":   {answer{201, `{}`}, answer{}, "", "open the pull request: the API answered 201: ", 1},
		"201 with half of it": {answer{201, opened[:20]}, answer{}, "", "the API's answer: unexpected end of JSON input", 1},
		"300":                 {answer{300, opened}, answer{}, "", "open the pull request: the API answered 300: it does not say why", 1},
		"301":                 {answer{301, opened}, answer{}, "", "open the pull request: the API answered 301: it does not say why", 1},
		"308":                 {answer{308, ""}, answer{}, "", "open the pull request: the API answered 308: it does not say why", 1},
		"401":                 {answer{401, `{"message": "Bad credentials"}`}, answer{200, there}, "", "open the pull request: the API answered 401: Bad credentials", 1},
		"403":                 {answer{403, `{"message": "Resource not accessible"}`}, answer{200, there}, "", "open the pull request: the API answered 403: Resource not accessible", 1},
		"404":                 {answer{404, `{"message": ""}`}, answer{200, there}, "", "open the pull request: the API answered 404: it does not say why", 1},
		"500":                 {answer{500, `[]`}, answer{200, there}, "", "open the pull request: the API answered 500: it does not say why", 1},
		"there is one":        {exists, answer{200, there}, "https://host/6", "", 2},
		"none is open":        {exists, answer{200, `[]`}, "", "open the pull request: the API answered 422: Validation Failed; it exists; head invalid", 2},
		"one without a URL":   {exists, answer{200, `[{}]`}, "", "open the pull request: the API answered 422: Validation Failed", 2},
		"no list":             {exists, answer{200, `{}`}, "", "the API's answer: json: cannot unmarshal object", 2},
		"another success":     {exists, answer{202, there}, "", "look for the pull request: the API answered 202: ", 2},
		"it cannot be found":  {exists, answer{503, `{"message": "Busy"}`}, "", "look for the pull request: the API answered 503: Busy", 2},
		"sent elsewhere":      {exists, answer{302, ``}, "", "look for the pull request: the API answered 302: it does not say why", 2},
		"it repeats the token": {answer{401, `{"message": "Bearer ` + token + ` is wrong", "errors": [{"message": "` + token + `"}]}`}, answer{}, "",
			"open the pull request: the API answered 401: Bearer xxxxx is wrong; xxxxx", 1},
	} {
		g, asked := answers(t, c.open, c.find)
		url, err := g.Open(t.Context(), request)
		if url != c.url || (err == nil) != (c.want == "") || err != nil && (!strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), token)) {
			t.Errorf("%s: %q, %v, want %q, %q", name, url, err, c.url, c.want)
		}
		if len(*asked) != c.asked {
			t.Errorf("%s: %d requests, want %d", name, len(*asked), c.asked)
		}
	}
}

// The request is the one of GitHub's documentation ("Create a pull request").
func TestGitHubRequest(t *testing.T) {
	var body map[string]any
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		for header, want := range map[string]string{"Authorization": "Bearer " + token, "Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28", "User-Agent": "regsnap"} {
			if got := r.Header.Get(header); got != want {
				t.Errorf("%s: %q, want %q", header, got, want)
			}
		}
		if r.Method != http.MethodPost || r.URL.String() != "/api/v3/repos/acme/storage/pulls" {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, `{"html_url": "https://host/7"}`)
	}))
	defer s.Close()
	for _, end := range []string{"", "/"} {
		g := promote.GitHub{API: s.URL + "/api/v3" + end, Repository: "acme/storage", Token: token}
		if _, err := g.Open(t.Context(), request); err != nil {
			t.Error(err)
		}
		if want := "map[base:production body:- x head:promote/x maintainer_can_modify:true title:Promote x]"; fmt.Sprint(body) != want {
			t.Errorf("%v, want %s", body, want)
		}
	}
}

// A connection that fails is an error without the token, and so is an answer that breaks
// off or has no end that is waited for.
func TestGitHubConnection(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, `{"html_url": "https://host/7"}`)
	}))
	g := promote.GitHub{API: s.URL, Repository: "acme/storage", Token: token}
	failed := func(name string, ctx context.Context, g promote.GitHub, want string) {
		t.Helper()
		if url, err := g.Open(ctx, request); err == nil || url != "" || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), token) {
			t.Errorf("%s: %q, %v, want %q and no token", name, url, err, want)
		}
	}
	failed("breaks off", t.Context(), g, "unexpected EOF")
	ctx, stop := context.WithCancel(t.Context())
	stop()
	failed("given up", ctx, g, "context canceled")
	broken := g
	broken.Token = token + "\n"
	failed("a token with a line break", t.Context(), broken, "invalid header")
	broken = g
	broken.API = "http://%zz"
	failed("no URL", t.Context(), broken, "invalid URL escape")
	broken = g
	broken.API = "http://" + child.Address(t)
	failed("nobody there", t.Context(), broken, "refused")
}

// An answer is read to its longest, and not beyond.
func TestGitHubLongest(t *testing.T) {
	const head, tail = `{"html_url": "https://host/7", "body": "`, `"}`
	for more, want := range map[int]string{0: "https://host/7", 1: ""} {
		g, _ := answers(t, answer{201, head + strings.Repeat("x", promote.MaxAnswer-len(head)-len(tail)+more) + tail}, answer{})
		if url, err := g.Open(t.Context(), request); url != want || (err == nil) != (want != "") {
			t.Errorf("%d bytes more: %q, %v", more, url, err)
		}
	}
}

func TestGitHubSettings(t *testing.T) {
	for api, valid := range map[string]bool{
		"https://api.github.com": true, "http://127.0.0.1:8080/api/v3": true, "ftp://host": false, "api.github.com": false, "https://": false,
		"https://user@host": false, "http://%zz": false, "": false,
	} {
		err := promote.GitHub{API: api, Repository: "acme/storage", Token: token}.Validate()
		if (err == nil) != valid {
			t.Errorf("API %q: %v", api, err)
		}
	}
	for name, valid := range map[string]bool{
		"acme/storage": true, "a-1/b.c_d-e": true, "acme": false, "acme/": false, "/storage": false, "acme/storage/x": false, "-a/b": false, "a_b/c": false, "a/b c": false, "": false,
	} {
		err := promote.GitHub{API: "https://api.github.com", Repository: name, Token: token}.Validate()
		if (err == nil) != valid || err != nil && !strings.Contains(err.Error(), fmt.Sprintf("%q is not a repository: want OWNER/NAME", name)) {
			t.Errorf("repository %q: %v", name, err)
		}
	}
}

func TestRemoteURL(t *testing.T) {
	_, clone, _ := remoteStorage(t)
	clone.Git("", "remote", "add", "hub", "git@github.com:acme/storage.git")
	url, err := promote.RemoteURL(t.Context(), clone.Dir, "hub")
	if err != nil || url != "git@github.com:acme/storage.git" || promote.RepositoryOfRemote(url) != "acme/storage" {
		t.Errorf("%q, %v", url, err)
	}
	if url, err = promote.RemoteURL(t.Context(), clone.Dir, "none"); err == nil || url != "" {
		t.Errorf("no such remote: %q, %v", url, err)
	}
	if url, err = promote.RemoteURL(t.Context(), t.TempDir(), "hub"); err == nil || url != "" || !strings.HasPrefix(err.Error(), "git rev-parse: ") {
		t.Errorf("no repository: %q, %v", url, err)
	}
	// One that no server may be asked for.
	for _, remote := range []string{"https://host/-a/b", "https://host/a b/c", "https://host/a/b?c"} {
		if got := promote.RepositoryOfRemote(remote); got != "" {
			t.Errorf("%s: %q", remote, got)
		}
	}
}
