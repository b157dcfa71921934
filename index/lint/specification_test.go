package lint_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/index/lint"
)

// checker is a Checker that reads all that it is given, and answers.
type checker struct {
	got    map[string]string // by path
	answer lint.Specification
	err    error
	stop   error // of the first file
}

func (c *checker) Check(ctx context.Context, packages []lint.Content) (*lint.Specification, error) {
	c.got = map[string]string{}
	for _, p := range packages {
		if err := p.Each(ctx, func(path string, content []byte) error {
			c.got[p.Dir+"/"+path] = string(content)
			return c.stop
		}); err != nil {
			return nil, err
		}
	}
	return &c.answer, c.err
}

// zipped is a ready-made archive, as a file of a branch.
func zipped(t *testing.T, name, version string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range [][2]string{
		{"manifest.yml", fmt.Sprintf("format_version: 1.0.0\nname: %s\ntitle: t\nversion: %s\ndescription: d\nowner.github: acme/%[1]s\n", name, version)},
		{"docs/README.md", "# zipped\n"},
	} {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name + "-" + version + "/" + f[0], Method: zip.Store})
		if err == nil {
			_, err = w.Write([]byte(f[1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// specified is a push of a package, an archive and a package that is invalid.
func specified(t *testing.T) *indextest.Repo {
	t.Helper()
	repo := indextest.NewRepo(t)
	repo.Commit("snapshot", "before", pkg("old", "1.0.0", "old"))
	head := repo.Commit("snapshot", "after", pkg("old", "1.0.0", "old")+pkg("web", "1.0.0", "web")+
		strings.Replace(pkg("bad", "1.0.0", "bad"), "\nversion: 1.0.0", "\nversion: 1.0.1", 1))
	// An archive is not text, which the files of Commit are.
	file := repo.Blob(zipped(t, "app", "2.0.0"))
	dir := repo.Tree(indextest.TreeEntry{Mode: indextest.ModeFile, Name: "app-2.0.0.zip", ID: file})
	packages := repo.Git(repo.Git("", "ls-tree", head+":packages")+"\n040000 tree "+dir+"\tapp\n", "mktree")
	tree := repo.Git("040000 tree "+packages+"\tpackages\n", "mktree")
	repo.Git("", "update-ref", "refs/heads/snapshot", "snapshot^")
	repo.CommitTree("snapshot", tree, "after")
	return repo
}

// The checker gets each file of the packages that changed and are valid, of archives too.
func TestSpecificationContents(t *testing.T) {
	repo := specified(t)
	c := &checker{answer: lint.Specification{Version: "3.1.4"}}
	r, err := pushed(t, repo, snapshot, func(o *lint.Options) { o.Specification, o.Checker = lint.Warn, c })
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"packages/app/2.0.0/docs/README.md", "packages/app/2.0.0/manifest.yml", "packages/web/1.0.0/docs/README.md", "packages/web/1.0.0/manifest.yml"}
	if got := slices.Sorted(maps.Keys(c.got)); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if c.got[want[0]] != "# zipped\n" || c.got[want[2]] != "# web\n" || !strings.HasPrefix(c.got[want[3]], "format_version") {
		t.Errorf("%q", c.got)
	}
	if r.Specification != "3.1.4" {
		t.Errorf("version %q", r.Specification)
	}
}

// Each level: all warns, or errors are errors, or all is an error. With off nobody asks.
func TestSpecificationLevels(t *testing.T) {
	repo := specified(t)
	c := &checker{answer: lint.Specification{Version: "3.1.4", Findings: []lint.SpecFinding{
		{Package: "packages/web/1.0.0", File: "docs/README.md", Severity: "error", Code: "X1", Message: "is too short"},
		{Package: "packages/web/1.0.0", Severity: "warning", Message: "could be better"},
		{Package: "packages/app/2.0.0", File: "manifest.yml", Severity: "error", Message: "is old"},
	}}}
	const short = "snapshot: web-1.0.0: packages/web/1.0.0/docs/README.md: is too short (X1) [specification]"
	const better = "snapshot: web-1.0.0: packages/web/1.0.0: could be better [specification]"
	const old = "snapshot: app-2.0.0: packages/app/app-2.0.0.zip: is old [specification]"
	for level, want := range map[lint.Level][2][]string{
		lint.Off:    {},
		"":          {},
		lint.Warn:   {nil, {old, short, better}},
		lint.Error:  {{old, short}, {better}},
		lint.Strict: {{old, short, better}, nil},
	} {
		c.got = nil
		r, err := pushed(t, repo, snapshot, func(o *lint.Options) { o.Specification, o.Checker = level, c })
		if err != nil {
			t.Fatal(err)
		}
		for i, list := range [][]index.Problem{r.Report.Errors, r.Report.Warnings} {
			var got []string
			for _, p := range list {
				if p.Rule != index.RuleSpecification {
					continue
				}
				got = append(got, p.String())
				if p.Owner != "acme/"+p.Package || p.Commit == nil || p.Commit.Subject != "after" {
					t.Errorf("%s: %s: whom to ask: %q, %+v", level, p, p.Owner, p.Commit)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, want[i]) {
				t.Errorf("level %q: %q, want %q", level, got, want[i])
			}
		}
		if asked := level != lint.Off && level != ""; asked != (c.got != nil) || asked != (r.Specification != "") {
			t.Errorf("level %q: asked %v, version %q", level, c.got != nil, r.Specification)
		}
	}
	for level, valid := range map[lint.Level]bool{lint.Off: true, lint.Warn: true, lint.Error: true, lint.Strict: true, "": false, "all": false} {
		if level.Valid() != valid {
			t.Errorf("%q is valid: %v", level, !valid)
		}
	}
}

// Without a checker, and without a valid package, nobody is asked.
func TestSpecificationNothing(t *testing.T) {
	repo := specified(t)
	if r, err := pushed(t, repo, snapshot, func(o *lint.Options) { o.Specification = lint.Strict }); err != nil || r.Specification != "" {
		t.Errorf("%+v, %v", r, err)
	}
	repo.Commit("snapshot", "more", pkg("old", "1.0.0", "old"))
	c := &checker{err: errors.New("asked")}
	if r, err := pushed(t, repo, snapshot, func(o *lint.Options) { o.Specification, o.Checker = lint.Strict, c }); err != nil || c.got != nil {
		t.Errorf("%+v, %v", r, err)
	}
}

// A checker that fails is no finding, nor is one that answers what it was not asked.
func TestSpecificationFails(t *testing.T) {
	repo := specified(t)
	wrong := &checker{answer: lint.Specification{Version: "1", Findings: []lint.SpecFinding{{Package: "packages/old/1.0.0"}}}}
	broken := &checker{err: errors.New("out of order")}
	for want, c := range map[string]*checker{
		`package specification: a finding is about "packages/old/1.0.0", which was not asked`: wrong,
		"package specification: out of order":                                                 broken,
	} {
		if _, err := pushed(t, repo, snapshot, func(o *lint.Options) { o.Specification, o.Checker = lint.Error, c }); err == nil || err.Error() != want {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := lint.Packages(t.Context(), lint.PackagesOptions{Source: open(t, repo.Dir), Branch: "snapshot", Specification: lint.Error, Checker: broken}); !errors.Is(err, broken.err) {
		t.Errorf("%v", err)
	}
}

// What fails while a file is handed over ends there, of an archive as of a folder.
func TestSpecificationStops(t *testing.T) {
	repo := specified(t)
	folder := indextest.NewRepo(t)
	folder.Commit("snapshot", "n", pkg("web", "1.0.0", "web"))
	for name, dir := range map[string]string{"archive": repo.Dir, "folder": folder.Dir} {
		c := &checker{stop: errors.New("the pipe is broken")}
		_, err := lint.Packages(t.Context(), lint.PackagesOptions{Source: open(t, dir), Branch: "snapshot", Specification: lint.Error, Checker: c})
		if !errors.Is(err, c.stop) || len(c.got) != 1 {
			t.Errorf("%s: %v, after %d files", name, err, len(c.got))
		}
	}
}

// script is a program of our own.
func script(t *testing.T, dir, name, text string) lint.Program {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+text), 0o777); err != nil {
		t.Fatal(err)
	}
	return lint.Program(file)
}

// content is a package with files, by path.
func content(dir string, files ...[2]string) lint.Content {
	return lint.Content{Dir: dir, Each: func(_ context.Context, fn func(string, []byte) error) error {
		for _, f := range files {
			if err := fn(f[0], []byte(f[1])); err != nil {
				return err
			}
		}
		return nil
	}}
}

// The program gets one archive of all packages, and its report is what was found.
func TestProgram(t *testing.T) {
	dir := t.TempDir()
	sent := filepath.Join(dir, "sent.zip")
	p := script(t, dir, "spec", "cat > "+sent+`
echo '{"specification": "3.1.4", "findings": [{"package": "packages/a/1.0.0", "file": "b", "severity": "error", "code": "X", "message": "m"}]}'
`)
	got, err := p.Check(t.Context(), []lint.Content{content("packages/a/1.0.0", [2]string{"b", "content of b"}, [2]string{"c/d", ""}), content("packages/e/1.0.0", [2]string{"f", "ff"})})
	if err != nil {
		t.Fatal(err)
	}
	if got.Version != "3.1.4" || len(got.Findings) != 1 || got.Findings[0] != (lint.SpecFinding{Package: "packages/a/1.0.0", File: "b", Severity: "error", Code: "X", Message: "m"}) {
		t.Errorf("%+v", got)
	}
	z, err := zip.OpenReader(sent)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var files []string
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := b.ReadFrom(r); err != nil {
			t.Fatal(err)
		}
		if f.Method != zip.Store {
			t.Errorf("%s is compressed", f.Name)
		}
		files = append(files, f.Name+"="+b.String())
	}
	if want := []string{"packages/a/1.0.0/b=content of b", "packages/a/1.0.0/c/d=", "packages/e/1.0.0/f=ff"}; !slices.Equal(files, want) {
		t.Errorf("%q, want %q", files, want)
	}
}

func TestProgramFails(t *testing.T) {
	dir := t.TempDir()
	large := content("p", [2]string{"a", strings.Repeat("x", 1<<20)})
	broken := lint.Content{Dir: "p", Each: func(context.Context, func(string, []byte) error) error { return errors.New("cannot be read") }}
	for name, c := range map[string]struct {
		text string
		send lint.Content
		want string
	}{
		"it says why":         {"cat > /dev/null\necho 'no  license' >&2\necho here >&2\nexit 3\n", large, ": exit status 3: no license here"},
		"it says nothing":     {"cat > /dev/null\nexit 3\n", large, ": exit status 3"},
		"it does not read":    {"exit 0\n", large, "send packages to "},
		"a file is not there": {"cat > /dev/null\n", broken, ": cannot be read"},
		"no report":           {"cat > /dev/null\n", large, ": its report: unexpected end of JSON input"},
		"half a report":       {"cat > /dev/null\necho '{\"specification\": '\n", large, ": its report: unexpected end of JSON input"},
		"another program":     {"cat > /dev/null\necho '{}'\n", large, ": its report names no version of the specification: is it regsnap-spec?"},
		"without an end":      {"cat > /dev/null\necho '{\"specification\": \"1\"}'\nhead -c 67108864 /dev/zero | tr '\\0' ' '\n", large, ": its report is over 67108864 bytes long"},
	} {
		p := script(t, dir, strings.ReplaceAll(name, " ", "-"), c.text)
		if got, err := p.Check(t.Context(), []lint.Content{c.send}); err == nil || got != nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), string(p)) {
			t.Errorf("%s: %+v, %v, want %q", name, got, err, c.want)
		}
	}
	// What it says on success is no failure, and a report may be just as long as it may be.
	p := script(t, dir, "long", "cat > /dev/null\necho warned >&2\nprintf '%s' '{\"specification\": \"1\"}'\nhead -c $((67108864-22)) /dev/zero | tr '\\0' ' '\n")
	if got, err := p.Check(t.Context(), nil); err != nil || got.Version != "1" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := lint.Program(filepath.Join(dir, "none")).Check(t.Context(), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// A program is found by its path, on the PATH, or beside this one, which comes first.
func TestFindProgram(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	if _, err := lint.FindProgram(""); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("%v", err)
	}
	other, standard := script(t, dir, "other", ""), script(t, dir, lint.SpecProgram, "")
	for name, want := range map[string]lint.Program{"": standard, "other": other, string(other): other} {
		if got, err := lint.FindProgram(name); err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", name, got, err, want)
		}
	}
	if _, err := lint.FindProgram(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	beside := script(t, filepath.Dir(self), lint.SpecProgram, "")
	defer os.Remove(string(beside))
	for name, want := range map[string]lint.Program{"": beside, "other": other} {
		if got, err := lint.FindProgram(name); err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", name, got, err, want)
		}
	}
}
