package build_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/hex"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/index/parse"
	"github.com/regsnap/regsnap/layout"
)

// zipOf packs what an archive of files has of one package.
func zipOf(t *testing.T, root, storage string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range txtar.Parse([]byte(storage)).Files {
		to, err := w.Create(root + "/" + strings.Join(strings.Split(f.Name, "/")[4:], "/"))
		if err == nil {
			_, err = to.Write(f.Data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// spoiling is a source of which the archive is another from the n-th time on that it is
// read.
type spoiling struct {
	*readIDs
	archive index.ID
	left    int
}

func (s *spoiling) Read(ctx context.Context, ids []index.ID, fn func(index.ID, []byte) error) error {
	return s.readIDs.Read(ctx, ids, func(id index.ID, content []byte) error {
		s.mu.Lock()
		if id == s.archive {
			if s.left--; s.left < 0 {
				content = content[:len(content)/2]
			}
		}
		s.mu.Unlock()
		return fn(id, content)
	})
}

// TestReadyMade: an archive of the source is served as it is; its files, and what the
// catalogue says of it, are those of the same package as a folder.
func TestReadyMade(t *testing.T) {
	t.Parallel()
	const more = `-- production/packages/p/VERSION/docs.txt --
between docs and docs/
-- production/packages/p/VERSION/img/logo.svg --
<svg/>
`
	log := func(version string) string {
		return strings.NewReplacer("changelog.yml --\n[]", "changelog.yml --\n- version: "+version+"\n  changes: [{description: It is new, type: enhancement, link: https://acme.example/1}]\n").
			Replace(aPackage("p", version, "") + strings.ReplaceAll(more, "VERSION", version))
	}
	folders := indextest.Folders(t, log("1.0.0")+log("1.1.0"))
	zips := filepath.Join(t.TempDir(), "production")
	if err := os.MkdirAll(filepath.Join(zips, "packages"), 0o777); err != nil {
		t.Fatal(err)
	}
	bodies := map[string][]byte{}
	for _, version := range []string{"1.0.0", "1.1.0"} {
		bodies[version] = zipOf(t, "p-"+version, log(version))
		if err := os.WriteFile(filepath.Join(zips, "packages", "p-"+version+".zip"), bodies[version], 0o666); err != nil {
			t.Fatal(err)
		}
	}
	type shown struct {
		logs    [][]layout.SiteLog
		changes []layout.SiteChanges
		files   []string
	}
	run := func(source index.Source) (*fragileStore, *layout.Manifest, shown) {
		t.Helper()
		s := newStore(t)
		r, err := buildIn(t.Context(), s, source, nil, nil)
		if err != nil {
			t.Fatal(err, r.Report)
		}
		m := r.Snapshots[0].Manifest
		list, err := layout.DecodeSiteList(s.objects[layout.PageKey(siteIn(t, s, m).Packages["p"].List)])
		if err != nil {
			t.Fatal(err)
		}
		var out shown
		for i, v := range list.Versions {
			rev := layout.Revision{Name: "p", Version: v.Version, ID: v.Revision}
			c, err := layout.DecodeContents(s.objects[rev.ContentsKey()], rev)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range c.Files {
				out.files = append(out.files, f.Path+" "+f.SHA256+" "+f.Type)
				if f.Object && string(s.objects[rev.FileKey(f.Path)]) == "" {
					t.Errorf("%s is not stored", f.Path)
				}
			}
			out.logs = append(out.logs, v.Log)
			if i > 0 {
				v.Changes.Since = ""
				out.changes = append(out.changes, *v.Changes)
			}
		}
		return s, m, out
	}
	source := &readIDs{Source: git.OpenDirs(map[string]string{"production": zips})}
	s, m, got := run(source)
	_, _, want := run(git.OpenDirs(map[string]string{"production": filepath.Join(folders, "production")}))
	if !reflect.DeepEqual(got, want) || len(got.logs[1]) != 1 || len(got.changes) != 1 || len(got.changes[0].Fields.Added.Names) != 1 || len(got.files) < 14 {
		t.Errorf("as archives\n%+v\nas folders\n%+v", got, want)
	}
	for _, p := range m.Packages {
		if body := s.objects[layout.Revision{Name: "p", Version: p.Version, ID: p.Revision}.ArchiveKey()]; !bytes.Equal(body, bodies[p.Version]) {
			t.Errorf("the archive of %s is another", p.Version)
		}
	}
	if slices.Contains(source.ids, index.ID{}) {
		t.Error("a signature is read where nothing is signed")
	}

	// A push of one beside the other, which is then compared with it.
	one := filepath.Join(t.TempDir(), "packages")
	if err := os.Mkdir(one, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(one, "p-1.0.0.zip"), bodies["1.0.0"], 0o666); err != nil {
		t.Fatal(err)
	}
	pushed := newStore(t)
	first, err := buildIn(t.Context(), pushed, git.OpenDirs(map[string]string{"production": filepath.Dir(one)}), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	next, err := buildIn(t.Context(), pushed, source, nil, func(o *build.Options) { o.Live = []build.Live{liveIn(t, pushed, first.Snapshots[0])} })
	if err != nil || next.Snapshots[0].ID != m.ID() || next.Stats.RevisionsWritten != 1 {
		t.Errorf("after a push: %v, %+v, from nothing %s", err, next, m.ID())
	}

	// Small archives are kept from when they were checked; a large one is read again.
	noise := make([]byte, parse.MaxParsedBytes)
	rand.NewChaCha8([32]byte{1}).Read(noise) // it never fails
	large := zipOf(t, "p-1.0.0", log("1.0.0")+"-- production/packages/p/1.0.0/img/large.bin --\n"+hex.EncodeToString(noise)+"\n")
	if err := os.WriteFile(filepath.Join(zips, "packages", "p-1.0.0.zip"), large, 0o666); err != nil {
		t.Fatal(err)
	}
	source = &readIDs{Source: git.OpenDirs(map[string]string{"production": zips})}
	branch, err := source.Branch(t.Context(), "production")
	if err != nil {
		t.Fatal(err)
	}
	store := newStore(t)
	_, err = buildIn(t.Context(), store, &spoiling{source, branch.Entries[0].Archive, 1}, nil, nil)
	if err == nil || !strings.Contains(err.Error(), "p-1.0.0: ") || len(large) <= parse.MaxParsedBytes {
		t.Errorf("an archive of %d bytes that is another when it is stored: %v", len(large), err)
	}
	store.sound(t)
	for key := range store.objects {
		if strings.HasPrefix(key, "packages/p/1.0.0/") {
			t.Errorf("%s is stored", key)
		}
	}
}
