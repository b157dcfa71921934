package promote_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/index/promote"
)

// archive writes a ready-made archive and a signature beside it.
func archive(t *testing.T, dir, name, version string) promote.AddFile {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for path, content := range map[string]string{
		"manifest.yml":   "format_version: 1.0.0\nname: " + name + "\nversion: " + version + "\ntitle: T\ndescription: D\nowner:\n  github: acme/" + name + "\n",
		"docs/README.md": "# " + name + "\n",
	} {
		w, err := z.Create(name + "-" + version + "/" + path)
		if err == nil {
			_, err = w.Write([]byte(content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, name+"-"+version+".zip")
	for err := range slices.Values([]error{z.Close(), os.WriteFile(file, b.Bytes(), 0o600), os.WriteFile(file+".sig", []byte(indextest.Signature), 0o600)}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	return promote.AddFile{Archive: file}
}

// TestAddRace: of several who add at the same time all succeed, and nothing is lost;
// then each archive, with its signature, is promoted as it is.
func TestAddRace(t *testing.T) {
	repo := storage(t, pkg("db", "1.0.0"), pkg("app", "1.0.0"))
	dir := t.TempDir()
	names := []string{"a", "b", "c", "d"}
	var all sync.WaitGroup
	for _, name := range names {
		f := archive(t, dir, name, "1.0.0")
		all.Go(func() {
			r, err := promote.Add(t.Context(), promote.AddOptions{Repo: repo.Dir, To: snapshot, Files: []promote.AddFile{f}, Regsnap: "main"})
			if err != nil || len(r.Moved) != 1 {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	all.Wait()
	list := repo.Git("", "ls-tree", "-r", "--name-only", "snapshot") + "\n"
	for _, name := range names {
		for _, suffix := range []string{".zip", ".zip.sig"} {
			if !strings.Contains(list, "packages/"+name+"/"+name+"-1.0.0"+suffix+"\n") {
				t.Errorf("%s%s is lost:\n%s", name, suffix, list)
			}
		}
	}
	if !strings.Contains(list, "packages/app/1.0.0/manifest.yml") {
		t.Errorf("what was there is lost:\n%s", list)
	}
	before := repo.Git("", "rev-parse", "snapshot:packages/a")
	if _, err := promote.Promote(t.Context(), move(repo, promote.Choice{Packages: []string{"a-1.0.0"}})); err != nil {
		t.Fatal(err)
	}
	if after := repo.Git("", "rev-parse", "staging:packages/a"); after != before {
		t.Errorf("promoted as %s, was %s", after, before)
	}
}

// TestAddRefused: what is no package, and what a branch does not take.
func TestAddRefused(t *testing.T) {
	repo := storage(t, "", pkg("app", "1.0.0"))
	dir := t.TempDir()
	good := archive(t, dir, "web", "2.0.0")
	wrong := filepath.Join(dir, "web-9.0.0.zip") // holds 2.0.0
	content, err := os.ReadFile(good.Archive)
	if err == nil {
		err = os.WriteFile(wrong, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	bare := filepath.Join(dir, "web-2.0.0")
	if err := os.WriteFile(bare, content, 0o600); err != nil {
		t.Fatal(err)
	}
	before := repo.Git("", "rev-parse", "snapshot")
	for name, c := range map[string]struct {
		o    promote.AddOptions
		want error
	}{
		"another version inside": {promote.AddOptions{To: snapshot, Files: []promote.AddFile{{Archive: wrong}}}, promote.ErrRefused},
		"no signature in there":  {promote.AddOptions{To: snapshot, Files: []promote.AddFile{{Archive: good.Archive, Signature: good.Archive}}}, promote.ErrRefused},
		"twice":                  {promote.AddOptions{To: snapshot, Files: []promote.AddFile{good, good}}, promote.ErrFile},
		"a name that leaves":     {promote.AddOptions{To: snapshot, Files: []promote.AddFile{{Archive: dir + "/../web.zip"}}}, promote.ErrFile},
		"no zip by its name":     {promote.AddOptions{To: snapshot, Files: []promote.AddFile{{Archive: bare}}}, promote.ErrFile},
		"missing":                {promote.AddOptions{To: snapshot, Files: []promote.AddFile{{Archive: dir + "/web-3.0.0.zip"}}}, os.ErrNotExist},
		"a released branch":      {promote.AddOptions{To: production, Files: []promote.AddFile{good}}, promote.ErrFile},
	} {
		c.o.Repo = repo.Dir
		if _, err := promote.Add(t.Context(), c.o); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if after := repo.Git("", "rev-parse", "snapshot"); after != before {
		t.Error("the branch has changed")
	}
}
