package promote_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index/promote"
)

const token = "ghs_averysecrettoken"

// api is a server with the two calls of GitHub's REST API that are used.
func api(t *testing.T, create func(w http.ResponseWriter, request map[string]any), list string) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	check := func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") != "Bearer "+token || r.Header.Get("Accept") != "application/vnd.github+json" || r.Header.Get("X-GitHub-Api-Version") == "" {
			w.WriteHeader(http.StatusUnauthorized)
			return false
		}
		return true
	}
	mux.HandleFunc("POST /repos/acme/storage/pulls", func(w http.ResponseWriter, r *http.Request) {
		var request map[string]any
		if !check(w, r) || json.NewDecoder(r.Body).Decode(&request) != nil {
			return
		}
		create(w, request)
	})
	mux.HandleFunc("GET /repos/acme/storage/pulls", func(w http.ResponseWriter, r *http.Request) {
		if q := r.URL.Query(); check(w, r) && q.Get("state") == "open" && q.Get("head") == "acme:promote/x" && q.Get("base") == "production" {
			io.WriteString(w, list)
		}
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

var request = promote.PullRequest{Branch: "promote/x", Base: "production", Title: "Promote x", Body: "- x"}

func TestGitHubOpens(t *testing.T) {
	s := api(t, func(w http.ResponseWriter, r map[string]any) {
		if r["title"] != "Promote x" || r["body"] != "- x" || r["head"] != "promote/x" || r["base"] != "production" {
			t.Errorf("request %v", r)
		}
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, `{"number": 7, "html_url": "https://example.com/acme/storage/pull/7"}`)
	}, "[]")
	g := promote.GitHub{API: s.URL + "/", Repository: "acme/storage", Token: token}
	if err := g.Validate(); err != nil {
		t.Fatal(err)
	}
	url, err := g.Open(t.Context(), request)
	if err != nil || url != "https://example.com/acme/storage/pull/7" {
		t.Errorf("%q, %v", url, err)
	}
}

// The same pull request again is the one that is there.
func TestGitHubFinds(t *testing.T) {
	s := api(t, func(w http.ResponseWriter, _ map[string]any) {
		w.WriteHeader(http.StatusUnprocessableEntity)
		io.WriteString(w, `{"message": "Validation Failed", "errors": [{"message": "A pull request already exists"}]}`)
	}, `[{"html_url": "https://example.com/acme/storage/pull/6"}]`)
	url, err := promote.GitHub{API: s.URL, Repository: "acme/storage", Token: token}.Open(t.Context(), request)
	if err != nil || url != "https://example.com/acme/storage/pull/6" {
		t.Errorf("%q, %v", url, err)
	}
}

// Failures say what the API says, and never the token.
func TestGitHubFails(t *testing.T) {
	for name, c := range map[string]struct {
		token, list, want string
		status            int
		body              string
	}{
		"wrong token": {token: token + "x", want: "answered 401"},
		"refused":     {status: 422, body: `{"message": "Validation Failed", "errors": [{"field": "base", "code": "invalid"}]}`, list: "[]", want: "422: Validation Failed; base invalid"},
		"no words":    {status: 500, body: "<html>", want: "500: it does not say why"},
		"not JSON":    {status: 201, body: "<html>", want: "the API's answer"},
		"no URL":      {status: 201, body: "{}", want: "answered 201"},
		"redirect":    {status: 307, want: "answered 307"},
	} {
		s := api(t, func(w http.ResponseWriter, _ map[string]any) {
			w.Header().Set("Location", "http://localhost:1/elsewhere")
			w.WriteHeader(c.status)
			io.WriteString(w, c.body)
		}, c.list)
		g := promote.GitHub{API: s.URL, Repository: "acme/storage", Token: token}
		if c.token != "" {
			g.Token = c.token
		}
		_, err := g.Open(t.Context(), request)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), token) {
			t.Errorf("%s: %v, want %q and no token", name, err, c.want)
		}
	}
}

func TestGitHubValidate(t *testing.T) {
	good := promote.GitHub{API: "https://api.github.com", Repository: "acme/storage", Token: token}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*promote.GitHub){
		"GitHub API":   func(g *promote.GitHub) { g.API = "https://" + token + "@host" },
		"OWNER/NAME":   func(g *promote.GitHub) { g.Repository = "../storage" },
		"GITHUB_TOKEN": func(g *promote.GitHub) { g.Token = "" },
	} {
		g := good
		change(&g)
		if err := g.Validate(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), token) {
			t.Errorf("%v, want %q and no token", err, want)
		}
	}
}

func TestRepositoryOfRemote(t *testing.T) {
	for remote, want := range map[string]string{
		"https://github.com/acme/package-storage.git":   "acme/package-storage",
		"https://user:secret@github.com/acme/storage":   "acme/storage",
		"git@github.com:acme/storage.git":               "acme/storage",
		"ssh://git@ghe.example.com:22/acme/storage.git": "acme/storage",
		"/srv/git/acme/storage.git":                     "",
		"https://host/one":                              "",
		"https://host/a/b/c":                            "",
	} {
		if got := promote.RepositoryOfRemote(remote); got != want {
			t.Errorf("%s: %q, want %q", remote, got, want)
		}
	}
}
