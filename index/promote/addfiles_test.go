package promote_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/index/lint"
	"github.com/regsnap/regsnap/index/promote"
)

// unsigned writes a ready-made archive without a signature.
func unsigned(t *testing.T, dir, name, version string) promote.AddFile {
	t.Helper()
	f := archive(t, dir, name, version)
	if err := os.Remove(f.Archive + ".sig"); err != nil {
		t.Fatal(err)
	}
	return f
}

func write(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// Archives are committed as they are, byte for byte, each with its signature: that beside
// it, the one that is given, or none.
func TestAdd(t *testing.T) {
	repo := storage(t, pkg("db", "1.0.0"), pkg("n1", "1.0.0"))
	dir := t.TempDir()
	beside, none, given := archive(t, dir, "web", "1.0.0"), unsigned(t, dir, "app", "2.0.0"), unsigned(t, dir, "app", "1.0.0")
	given.Signature = filepath.Join(dir, "release.sig")
	write(t, given.Signature, []byte(indextest.Signature))
	o := promote.AddOptions{Repo: repo.Dir, To: snapshot, Files: []promote.AddFile{beside, none, given}, Regsnap: "v9.8.7", DryRun: true}
	before, tip := refs(repo), repo.Git("", "rev-parse", "snapshot")
	r, err := promote.Add(t.Context(), o)
	if err != nil || ids(r.Moved) != "app-1.0.0 app-2.0.0 web-1.0.0" || refs(repo) != before {
		t.Fatalf("a dry run: %+v, %v", r, err)
	}
	o.DryRun = false
	if r, err = promote.Add(t.Context(), o); err != nil || len(r.Updates) != 1 || r.PullRequest != nil || r.Attempts != 1 || r.To != "snapshot" || r.From != "" {
		t.Fatalf("%+v, %v", r, err)
	}
	var want strings.Builder
	for _, f := range []promote.AddFile{given, none, beside} {
		name := strings.TrimSuffix(filepath.Base(f.Archive), ".zip")
		blob := repo.Git(string(read(t, f.Archive)), "hash-object", "--stdin")
		fmt.Fprintf(&want, "%s %s\n", name, blob)
	}
	var message strings.Builder
	fmt.Fprint(&message, "Add app-1.0.0, app-2.0.0, web-1.0.0\n\n")
	for line := range strings.Lines(want.String()) {
		message.WriteString("Added-Package: " + line)
	}
	message.WriteString("Added-With: regsnap v9.8.7")
	signature := repo.Git(indextest.Signature, "hash-object", "--stdin")
	for _, c := range []struct{ what, got, want string }{
		{"subject", repo.Git("", "log", "-1", "--format=%s", "snapshot"), "Add app-1.0.0, app-2.0.0, web-1.0.0"},
		{"message", repo.Git("", "log", "-1", "--format=%B", "snapshot"), message.String()},
		{"packages", trailers(repo, "snapshot", "Added-Package"), strings.TrimSpace(want.String())},
		{"what by", trailers(repo, "snapshot", "Added-With"), "regsnap v9.8.7"},
		{"parent", repo.Git("", "rev-parse", "snapshot^@"), tip},
		{"update", r.Updates[0].Commit + " " + r.Updates[0].Branch, repo.Git("", "rev-parse", "snapshot") + " snapshot"},
		{"signatures", repo.Git("", "rev-parse", "snapshot:packages/web/web-1.0.0.zip.sig", "snapshot:packages/app/app-1.0.0.zip.sig"), signature + "\n" + signature},
		{"files", repo.Git("", "ls-tree", "--name-only", "snapshot", "packages/app/"), "packages/app/app-1.0.0.zip\npackages/app/app-1.0.0.zip.sig\npackages/app/app-2.0.0.zip"},
		{"others", strings.Join(packages(t, repo.Dir, "snapshot"), " "), "n1/1.0.0"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.what, c.got, c.want)
		}
	}
	// What is there already is not added again, and of some only the rest is.
	at := refs(repo)
	if r, err = promote.Add(t.Context(), o); err != nil || len(r.Moved)+len(r.Updates) > 0 || refs(repo) != at {
		t.Errorf("again: %+v, %v", r, err)
	}
	o.Files = append(o.Files, unsigned(t, dir, "app", "3.0.0"))
	if r, err = promote.Add(t.Context(), o); err != nil || ids(r.Moved) != "app-3.0.0" {
		t.Errorf("one more: %+v, %v", r, err)
	}
}

// Another content takes the place of what the branch has of a version: an archive's, with
// its signature, or a folder's.
func TestAddReplaces(t *testing.T) {
	repo := storage(t, pkg("db", "1.0.0"), pkg("app", "1.0.0")+pkg("n1", "1.0.0"))
	dir := t.TempDir()
	o := promote.AddOptions{Repo: repo.Dir, To: snapshot, Files: []promote.AddFile{archive(t, dir, "web", "1.0.0")}}
	if _, err := promote.Add(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(o.Files[0].Archive + ".sig"); err != nil {
		t.Fatal(err)
	}
	o.Files = append(o.Files, unsigned(t, dir, "app", "1.0.0"))
	r, err := promote.Add(t.Context(), o)
	if err != nil || len(r.Updates) != 1 || sorted(changes(r.Updates[0])) != "~app-1.0.0 ~web-1.0.0" {
		t.Fatalf("%+v, %v", r, err)
	}
	want := "packages/app/app-1.0.0.zip\npackages/n1/1.0.0/docs/README.md\npackages/n1/1.0.0/manifest.yml\npackages/web/web-1.0.0.zip"
	if got := repo.Git("", "ls-tree", "-r", "--name-only", "snapshot"); got != want {
		t.Errorf("snapshot holds %q, want %q", got, want)
	}
}

// A file is taken up to its limit, and not beyond; and nothing but a file is.
func TestAddLimits(t *testing.T) {
	repo := storage(t, pkg("db", "1.0.0"), pkg("n1", "1.0.0"))
	dir := t.TempDir()
	f := unsigned(t, dir, "web", "1.0.0")
	size := int64(len(read(t, f.Archive)))
	folder := filepath.Join(dir, "sub", "app-1.0.0.zip")
	if err := os.MkdirAll(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	sig := func(size int) string {
		file := filepath.Join(dir, fmt.Sprint(size))
		write(t, file, append([]byte(indextest.Signature), bytes.Repeat([]byte("\n"), size-len(indextest.Signature))...))
		return file
	}
	for name, c := range map[string]struct {
		file promote.AddFile
		most int64
		want string
	}{
		"an archive at its limit":   {f, size, ""},
		"an archive over it":        {f, size - 1, fmt.Sprintf("web-1.0.0.zip cannot be added: want a file of at most %d bytes", size-1)},
		"a folder":                  {promote.AddFile{Archive: folder}, 0, "app-1.0.0.zip cannot be added: want a file of at most"},
		"a signature at its limit":  {promote.AddFile{Archive: f.Archive, Signature: sig(promote.MaxSignature)}, 0, ""},
		"a signature over it":       {promote.AddFile{Archive: f.Archive, Signature: sig(promote.MaxSignature + 1)}, 0, fmt.Sprintf("cannot be added: want a file of at most %d bytes", promote.MaxSignature)},
		"a signature that is given": {promote.AddFile{Archive: f.Archive, Signature: f.Archive + ".sig"}, 0, "no such file"},
		"no zip":                    {promote.AddFile{Archive: filepath.Join(dir, "web-1.0.0.tar")}, 0, "web-1.0.0.tar cannot be added: want a file NAME-VERSION.zip"},
		"no version":                {promote.AddFile{Archive: filepath.Join(dir, "web.zip")}, 0, "want a file NAME-VERSION.zip"},
		"half a version":            {promote.AddFile{Archive: filepath.Join(dir, "web-1.0.zip")}, 0, "want a file NAME-VERSION.zip"},
		"no name":                   {promote.AddFile{Archive: filepath.Join(dir, "Web-1.0.0.zip")}, 0, "want a file NAME-VERSION.zip"},
	} {
		o := promote.AddOptions{Repo: repo.Dir, To: snapshot, Files: []promote.AddFile{c.file}, DryRun: true, Limits: index.Limits{ArchiveSize: c.most}}
		_, err := promote.Add(t.Context(), o)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	// A signature beside that is no file is not left out in silence.
	if err := os.Mkdir(f.Archive+".sig", 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := promote.Add(t.Context(), promote.AddOptions{Repo: repo.Dir, To: snapshot, Files: []promote.AddFile{f}, DryRun: true}); !errors.Is(err, promote.ErrFile) {
		t.Errorf("a signature that is a folder: %v", err)
	}
}

func TestAddErrors(t *testing.T) {
	repo := storage(t, pkg("db", "1.0.0"), pkg("n1", "1.0.0"))
	dir := t.TempDir()
	f := archive(t, dir, "web", "1.0.0")
	good := promote.AddOptions{Repo: repo.Dir, To: snapshot, Files: []promote.AddFile{f}}
	for name, c := range map[string]struct {
		change func(*promote.AddOptions)
		is     error
		want   string
	}{
		"twice":         {func(o *promote.AddOptions) { o.Files = []promote.AddFile{f, f} }, promote.ErrFile, "web-1.0.0 is given twice"},
		"by request":    {func(o *promote.AddOptions) { o.To = production }, promote.ErrFile, "production takes packages by pull request only: add them to a branch below it, and promote them"},
		"no branch":     {func(o *promote.AddOptions) { o.To = lint.Branch{Name: "gone", Overwrite: lint.Always} }, index.ErrNoBranch, "gone"},
		"no repository": {func(o *promote.AddOptions) { o.Repo = dir }, nil, "git"},
		"no file":       {func(o *promote.AddOptions) { o.Files = []promote.AddFile{{Archive: dir + "/web-2.0.0.zip"}} }, os.ErrNotExist, "web-2.0.0.zip"},
		"no remote":     {func(o *promote.AddOptions) { o.Remote = "upstream" }, nil, "git ls-remote"},
	} {
		before := refs(repo)
		o := good
		c.change(&o)
		if _, err := promote.Add(t.Context(), o); err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) || refs(repo) != before {
			t.Errorf("%s: %v, want %v and %q", name, err, c.is, c.want)
		}
	}
}
