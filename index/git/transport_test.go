package git

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/indextest"
)

// partialClone is a clone that lacks its blobs.
func partialClone(t *testing.T) (clone string) {
	t.Helper()
	repo := indextest.NewRepoFrom(t, twoBranches)
	repo.Git("", "config", "uploadpack.allowFilter", "true")
	repo.Git("", "config", "uploadpack.allowAnySHA1InWant", "true")
	clone = filepath.Join(t.TempDir(), "clone")
	indextest.Git(t, repo.Dir, "", "clone", "--quiet", "--bare", "--filter=blob:none", "file://"+repo.Dir, clone)
	return clone
}

// tricks are the settings and files of a repository by which git runs what it
// says when it fetches. SCRIPT stands for a program that leaves a mark.
var tricks = map[string]struct {
	config [][2]string
	hook   string
	// always: git has to refuse it in a clone of the user's own, too.
	always bool
}{
	"core.sshCommand":         {config: [][2]string{{"core.sshCommand", "SCRIPT"}, {"remote.origin.url", "ssh://host/repository"}}},
	"core.gitProxy":           {config: [][2]string{{"core.gitProxy", "SCRIPT"}, {"remote.origin.url", "git://127.0.0.1:1/repository"}}},
	"uploadpack":              {config: [][2]string{{"remote.origin.uploadpack", "SCRIPT"}}},
	"credential.helper":       {config: [][2]string{{"credential.helper", "!SCRIPT"}, {"remote.origin.url", "http://127.0.0.1:1/repository"}}},
	"core.askPass":            {config: [][2]string{{"core.askPass", "SCRIPT"}, {"remote.origin.url", "http://127.0.0.1:1/repository"}}},
	"core.alternateRefs":      {config: [][2]string{{"core.alternateRefsCommand", "SCRIPT"}}},
	"core.fsmonitor":          {config: [][2]string{{"core.fsmonitor", "SCRIPT"}}},
	"core.hooksPath":          {config: [][2]string{{"core.hooksPath", "HOOKS"}}},
	"hook":                    {hook: "reference-transaction"},
	"ext::":                   {config: [][2]string{{"remote.origin.url", "ext::SCRIPT"}}, always: true},
	"insteadOf ext::":         {config: [][2]string{{"url.ext::SCRIPT #.insteadOf", "file://"}}, always: true},
	"remote.vcs":              {config: [][2]string{{"remote.origin.vcs", "mark"}}, always: true},
	"promisor is an address":  {config: [][2]string{{"remote.origin.promisor", "false"}, {"extensions.partialClone", "ext::SCRIPT"}}, always: true},
	"promisor is an option":   {config: [][2]string{{"remote.origin.promisor", "false"}, {"extensions.partialClone", "--upload-pack=SCRIPT"}}, always: true},
	"promisor is two options": {config: [][2]string{{"remote.origin.promisor", "false"}, {"extensions.partialClone", "-u SCRIPT"}}, always: true},
	"protocol.ext.allow":      {config: [][2]string{{"protocol.ext.allow", "always"}, {"remote.origin.url", "ext::SCRIPT"}}, always: true},
}

// TestForeignCloneRunsNothing: what a clone of someone else says is to be run is
// not run, and some of it not even in a clone of one's own.
func TestForeignCloneRunsNothing(t *testing.T) {
	for name, trick := range tricks {
		for _, foreign := range []bool{true, false} {
			if !foreign && !trick.always {
				continue
			}
			t.Run(name, func(t *testing.T) {
				clone, dir := partialClone(t), t.TempDir()
				mark := filepath.Join(dir, "mark")
				script := filepath.Join(dir, "git-remote-mark")
				program := []byte("#!/bin/sh\nenv > '" + mark + "'\n")
				for _, file := range []string{script, filepath.Join(dir, "reference-transaction")} {
					if err := os.WriteFile(file, program, 0o777); err != nil {
						t.Fatal(err)
					}
				}
				t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
				replace := strings.NewReplacer("SCRIPT", script, "HOOKS", dir)
				for _, kv := range trick.config {
					indextest.Git(t, clone, "", "config", replace.Replace(kv[0]), replace.Replace(kv[1]))
				}
				if trick.hook != "" {
					if err := os.WriteFile(filepath.Join(clone, "hooks", trick.hook), program, 0o777); err != nil {
						t.Fatal(err)
					}
				}
				if foreign {
					wrapGit(t, "export GIT_TEST_ASSUME_DIFFERENT_OWNER=1")
				}
				s := openGit(t, clone)
				entries := branch(t, s, "staging").Entries
				_, err := s.List(t.Context(), entries[0])
				if err == nil || foreign && !strings.Contains(err.Error(), "dubious ownership") {
					t.Errorf("listing what has to be fetched: %v", err)
				}
				if err := s.Prefetch(t.Context(), entries); err == nil {
					t.Error("fetching ahead is no error")
				}
				if err := s.fetchHistory(t.Context(), "staging", index.ID{1}); err == nil {
					t.Error("fetching history is no error")
				}
				if content, err := os.ReadFile(mark); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("the program ran: %v %.200s", err, content)
				}
			})
		}
	}
}

// TestFetchHidesSecrets: what git runs to fetch gets no secrets of ours, and no
// message has the password of an address.
func TestFetchHidesSecrets(t *testing.T) {
	clone, dir := partialClone(t), t.TempDir()
	seen := filepath.Join(dir, "seen")
	program := filepath.Join(dir, "ssh")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nenv > '"+seen+"'\nexit 1\n"), 0o777); err != nil {
		t.Fatal(err)
	}
	t.Setenv("REGSNAP_SIGN_PASSPHRASE", "open sesame")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "open sesame")
	for _, promisor := range []string{"origin", "ssh://x-access-token:hunter2@127.0.0.1/repository"} {
		indextest.Git(t, clone, "", "config", "core.sshCommand", program)
		indextest.Git(t, clone, "", "config", "remote.origin.url", "ssh://x-access-token:hunter2@127.0.0.1/repository")
		indextest.Git(t, clone, "", "config", "extensions.partialClone", promisor)
		s := openGit(t, clone)
		entries := branch(t, s, "staging").Entries
		_, listing := s.List(t.Context(), entries[0])
		for what, err := range map[string]error{
			"list": listing, "prefetch": s.Prefetch(t.Context(), entries), "history": s.fetchHistory(t.Context(), "staging", index.ID{1}),
		} {
			if err == nil || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s from %s: %v", what, promisor, err)
			}
		}
	}
	env, err := os.ReadFile(seen)
	if err != nil || strings.Contains(string(env), "open sesame") {
		t.Errorf("the program that git ran has the environment %q, %v", env, err)
	}
}
