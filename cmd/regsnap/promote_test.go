package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index/indextest"
)

const promotable = `
-- production/packages/db/1.0.0/manifest.yml --
name: db
-- staging/packages/web/1.0.0/manifest.yml --
format_version: 1.0.0
name: web
title: Web
version: 1.0.0
description: Web
-- staging/packages/web/1.0.0/docs/README.md --
# Web
`

// promote --push --open pushes a branch and opens a pull request for it, with the
// token of the environment, which nothing shows.
func TestPromoteOpens(t *testing.T) {
	const token = "ghs_averysecrettoken"
	origin := indextest.NewRepoFrom(t, promotable)
	dir := t.TempDir()
	indextest.Git(t, dir, "", "clone", "--quiet", "--bare", origin.Dir, "work")
	indextest.Git(t, dir+"/work", "", "config", "user.name", "Ada Author")
	indextest.Git(t, dir+"/work", "", "config", "user.email", "ada@example.com")
	var opened struct{ Head, Base, Title string }
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/repos/acme/storage/pulls" || r.Header.Get("Authorization") != "Bearer "+token {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		if err := json.NewDecoder(r.Body).Decode(&opened); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, `{"html_url": "https://example.com/acme/storage/pull/1"}`)
	}))
	defer api.Close()
	promote := func() (code int, stdout, stderr string) {
		var out, errs strings.Builder
		code = run(context.Background(), []string{"regsnap", "promote", "--source", "git:" + dir + "/work", "--from", "staging", "--to", "production", "--spec", "off",
			"--push", "origin", "--open", "--github", "acme/storage", "--github-api", api.URL, "web-1.0.0"}, &out, &errs)
		if strings.Contains(out.String()+errs.String(), token) {
			t.Error("the token is shown")
		}
		return code, out.String(), errs.String()
	}
	t.Setenv("GH_TOKEN", "")
	t.Setenv("GITHUB_TOKEN", "")
	if code, _, stderr := promote(); code != exitUsage || !strings.Contains(stderr, "set GITHUB_TOKEN") {
		t.Errorf("without a token: exit code %d, %s", code, stderr)
	}
	t.Setenv("GITHUB_TOKEN", token)
	code, stdout, stderr := promote()
	if code != 0 || !strings.Contains(stdout, "https://example.com/acme/storage/pull/1\n") {
		t.Errorf("exit code %d, %s%s", code, stdout, stderr)
	}
	if opened.Base != "production" || opened.Title != "Promote web-1.0.0 from staging to production" || !strings.HasPrefix(opened.Head, "promote/production/web-1.0.0-") {
		t.Errorf("opened %+v", opened)
	}
	if got := origin.Git("", "ls-tree", "-r", "--name-only", "refs/heads/"+opened.Head); !strings.Contains(got, "packages/web/1.0.0/manifest.yml") {
		t.Errorf("the pushed branch holds %q", got)
	}
	// A token that is not taken fails, and the branch is there for another try.
	t.Setenv("GITHUB_TOKEN", token+"x")
	if code, _, stderr := promote(); code != exitFailure || !strings.Contains(stderr, "the API answered 403") {
		t.Errorf("with a wrong token: exit code %d, %s", code, stderr)
	}
}

func TestShellQuote(t *testing.T) {
	for in, want := range map[string]string{
		"promote/web-1.0.0+b": "promote/web-1.0.0+b", "": "''", "it's $(x)": `'it'\''s $(x)'`, "a\nb": "'a\nb'", "~": "'~'",
	} {
		if got := shellQuote(in); got != want {
			t.Errorf("shellQuote(%q) = %s, want %s", in, got, want)
		}
	}
}
