package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/indextest"
)

// identity finds "name: NAME" and "version: VERSION" in a manifest.
func identity(manifest []byte) (name, version string) {
	for line := range strings.Lines(string(manifest)) {
		if v, ok := strings.CutPrefix(line, "name: "); ok {
			name = strings.TrimSpace(v)
		}
		if v, ok := strings.CutPrefix(line, "version: "); ok {
			version = strings.TrimSpace(v)
		}
	}
	return name, version
}

func openWork(t *testing.T, paths ...string) *WorkSource {
	t.Helper()
	s, err := OpenWork(paths, identity)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// shown is what a source holds: a line for each file of its packages and for each finding.
func shown(t *testing.T, s index.Source, root string) (lines []string) {
	t.Helper()
	b := branch(t, s, WorkBranch)
	if b.Commit != nil || b.Name != WorkBranch {
		t.Errorf("%q has commit %+v", b.Name, b.Commit)
	}
	here := func(path string) string { return strings.TrimPrefix(path, root+"/") }
	for _, e := range b.Entries {
		line := e.Name + "-" + e.Version + " " + here(e.Path)
		if e.IsArchive() {
			if !e.Signature.IsZero() {
				line += " signed"
			}
			lines = append(lines, line)
			continue
		}
		files, err := s.List(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			line += " " + f.Path
		}
		lines = append(lines, line)
	}
	for _, found := range []struct {
		kind     string
		problems []index.Problem
	}{{"warning", b.Found.Warnings}, {"error", b.Found.Errors}} {
		for _, p := range found.problems {
			if p.Branch != WorkBranch {
				t.Errorf("a problem of branch %q", p.Branch)
			}
			lines = append(lines, fmt.Sprintf("%s %s %s%s", found.kind, p.Rule, here(p.File), strings.TrimRight(" "+p.Package+"-"+p.Version, " -")))
		}
	}
	slices.Sort(lines)
	return lines
}

// TestWorkIsFoundWhereAuthorsHaveIt: each form that packages can lie about in, alone
// and beside others, with what editors and systems leave there.
func TestWorkIsFoundWhereAuthorsHaveIt(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	dropped := map[string]string{}
	for _, name := range []string{".DS_Store", "4913", "manifest.yml~", ".#manifest.yml", "#manifest.yml#", ".manifest.yml.swp", ".manifest.yml.swo", ".manifest.yml.swx"} {
		for _, dir := range []string{"storage/packages", "storage/packages/web", "storage/packages/web/1.0.0", "named", "named/docs"} {
			dropped[dir+"/"+name] = "x"
		}
	}
	write(t, root, dropped)
	write(t, root, map[string]string{
		"storage/README.md": "not a package", "storage/packages/.gitkeep": "", "storage/packages/.hidden/x": "", "storage/packages/.git/HEAD": "",
		"storage/packages/web/1.0.0/manifest.yml": "name: web\n", "storage/packages/web/1.0.0/#": "", "storage/packages/web/1.0.0/x.swp": "", "storage/packages/web/1.0.0/.swp.x": "",
		"storage/packages/web/1.0.0/_dev/x": "", "storage/packages/web/2.0.0-rc1/manifest.yml": "name: web\n",
		"storage/packages/web/draft/manifest.yml": "", "storage/packages/web/notes.txt": "", "storage/packages/db-1.0.0.zip": "PK", "storage/packages/db-1.0.0.zip.sig": "s",
		"storage/packages/Web/1.0.0/manifest.yml": "",
		"named/manifest.yml":                      "name: one\nversion: 1.2.3\n", "named/docs/README.md": "", "named/_dev/test/x": "", "named/data/_dev/x": "", "named/_dev.txt": "",
		"many/first/manifest.yml": "name: first\nversion: 0.1.0\n", "many/second/manifest.yml": "version: 0.2.0\n", "many/Third one/manifest.yml": "", "many/fourth/1.0.0/manifest.yml": "name: fourth\n",
		"loose/Six/6.0.0/manifest.yml": "name: six\nversion: 6.0.1\n",
		"alone-1.0.0.zip":              "PK", "alone-1.0.0.zip.sig": "s", "other-1.0.0.zip": "PK", "thesis.txt": "x", "gone.txt": "",
	})
	for _, dir := range []string{"storage/packages/empty", "storage/packages/web/9.9.9", "nothing"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	web1 := "web-1.0.0 storage/packages/web/1.0.0 # .swp.x _dev/x manifest.yml x.swp"
	web2 := "web-2.0.0-rc1 storage/packages/web/2.0.0-rc1 manifest.yml"
	odd := []string{"warning unexpected-directory storage/packages/web/draft web", "warning unexpected-file storage/packages/web/notes.txt web"}
	storage := append([]string{
		"db-1.0.0 storage/packages/db-1.0.0.zip signed", "error package-name storage/packages/Web", web1, web2,
	}, odd...)
	one := "one-1.2.3 named _dev.txt docs/README.md manifest.yml"
	for name, c := range map[string]struct {
		paths []string
		want  []string
	}{
		"a package storage":       {[]string{"storage"}, storage},
		"its directory":           {[]string{"storage/packages"}, storage},
		"a package":               {[]string{"storage/packages/web"}, append([]string{web1, web2}, odd...)},
		"a version":               {[]string{"storage/packages/web/1.0.0"}, []string{web1}},
		"an empty version":        {[]string{"storage/packages/web/9.9.9"}, nil},
		"called as a version":     {[]string{"loose/Six/6.0.0"}, []string{"six-6.0.1 loose/Six/6.0.0 manifest.yml"}},
		"what is developed":       {[]string{"named"}, []string{one}},
		"several in development":  {[]string{"many"}, []string{"error", "first-0.1.0 many/first manifest.yml", "fourth-1.0.0 many/fourth/1.0.0 manifest.yml", "second-0.0.0 many/second manifest.yml", "unnamed-0.0.0 many/Third one manifest.yml"}[1:]},
		"an archive":              {[]string{"alone-1.0.0.zip"}, []string{"alone-1.0.0 alone-1.0.0.zip signed"}},
		"one that is not signed":  {[]string{"other-1.0.0.zip"}, []string{"other-1.0.0 other-1.0.0.zip"}},
		"both":                    {[]string{"alone-1.0.0.zip", "other-1.0.0.zip"}, []string{"alone-1.0.0 alone-1.0.0.zip signed", "other-1.0.0 other-1.0.0.zip"}},
		"no package":              {[]string{"thesis.txt"}, []string{"warning unexpected-file thesis.txt"}},
		"an empty directory":      {[]string{"nothing"}, nil},
		"twice":                   {[]string{"named", "named"}, []string{one}},
		"a part of another":       {[]string{"storage/packages/web/1.0.0", "storage"}, storage},
		"a whole and its part":    {[]string{"storage", "storage/packages/web/1.0.0"}, storage},
		"one here, others there":  {[]string{"named", "other-1.0.0.zip"}, []string{one, "other-1.0.0 other-1.0.0.zip"}},
		"what is gone since":      {[]string{"gone.txt", "named"}, []string{"error file-unreadable gone.txt", one}},
		"all packages of a place": {[]string{"storage", "named"}, append([]string{one}, storage...)},
	} {
		var paths []string
		for _, p := range c.paths {
			paths = append(paths, filepath.Join(root, filepath.FromSlash(p)))
		}
		s := openWork(t, paths...)
		if slices.Contains(c.paths, "gone.txt") {
			if err := os.Remove(filepath.Join(root, "gone.txt")); err != nil {
				t.Fatal(err)
			}
		}
		want := slices.Clone(c.want)
		slices.Sort(want)
		got := shown(t, s, root)
		indextest.Compare(t, name, got, want)
		indextest.Compare(t, name+", again", shown(t, s, root), got)
	}
	_, err = OpenWork([]string{filepath.Join(root, "none")}, identity)
	wantError(t, err, fs.ErrNotExist, "open packages")
	_, err = openWork(t, root).Branch(t.Context(), "production")
	wantError(t, err, index.ErrNoBranch, `"production"`)
	link := filepath.Join(root, "link")
	if err := os.Symlink("named", link); err != nil {
		t.Fatal(err)
	}
	t.Run("from where the packages are", func(t *testing.T) {
		t.Chdir(filepath.Join(root, "storage", "packages"))
		b := branch(t, openWork(t, "."), WorkBranch)
		if len(b.Entries) != 3 || b.Entries[0].Path != "db-1.0.0.zip" || b.Entries[1].Path != "web/1.0.0" || b.Found.Errors[0].File != "Web" {
			t.Errorf("%+v", b)
		}
	})
	indextest.Compare(t, "by a link", shown(t, openWork(t, link), root), []string{one})
}

// TestWorkChanges: what has changed is read again, and nothing else; what is read is what
// is there.
func TestWorkChanges(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	at := func(path string) string { return filepath.Join(root, filepath.FromSlash(path)) }
	write(t, root, map[string]string{"one/manifest.yml": "name: one\nversion: 1.0.0\n", "two/1.0.0/manifest.yml": "name: two\n", "two/2.0.0/manifest.yml": "name: two\n"})
	s := openWork(t, root)
	ids := func() (out []string) {
		for _, e := range branch(t, s, WorkBranch).Entries {
			out = append(out, fmt.Sprintf("%s-%s %s", e.Name, e.Version, e.Tree))
		}
		return out
	}
	// same are those of whole that did not change.
	before := ids()
	if len(before) != 3 {
		t.Fatal(before)
	}
	write(t, root, map[string]string{"one/manifest.yml": "name: one\nversion: 1.1.0\n", "two/1.0.0/manifest.yml": "name: two #\n", "two/2.0.0/manifest.yml": "name: two #\n"})
	indextest.Compare(t, "nothing was said to have changed", ids(), before)
	s.Changed(at("two/1.0.0/manifest.yml"), at("two/2"), at("tw"), at("two/2.0.0x/manifest.yml"))
	after := ids()
	fresh := openWork(t, root)
	whole := []string{}
	for _, e := range branch(t, fresh, WorkBranch).Entries {
		whole = append(whole, fmt.Sprintf("%s-%s %s", e.Name, e.Version, e.Tree))
	}
	indextest.Compare(t, "one file was", after, []string{before[0], whole[1], before[2]})
	s.Changed(at("two"))
	indextest.Compare(t, "a directory above was", ids(), []string{before[0], whole[1], whole[2]})
	s.Changed()
	indextest.Compare(t, "anything may have", ids(), whole)
	indextest.Compare(t, "and nothing since", ids(), whole)
	for path, content := range contents(t, s, branch(t, s, WorkBranch)) {
		if want, err := os.ReadFile(filepath.Join(root, strings.TrimPrefix(path, display(root)))); err != nil || content != string(want) {
			if want, err = os.ReadFile(path); err != nil || content != string(want) {
				t.Errorf("%s: %q, want %q, %v", path, content, want, err)
			}
		}
	}
	// More changes than are looked at one by one.
	for n, reads := range map[int]bool{mostChanges: false, mostChanges + 1: true} {
		write(t, root, map[string]string{"one/manifest.yml": fmt.Sprintf("name: one\nversion: 1.%d.0\n", n)})
		for i := range n {
			s.Changed(at(fmt.Sprintf("elsewhere/%d", i)))
		}
		if got := strings.HasPrefix(ids()[0], fmt.Sprintf("one-1.%d.0", n)); got != reads {
			t.Errorf("%d changes elsewhere: read again %t, want %t", n, got, reads)
		}
	}
	// For a while the manifest says nothing: the package keeps its name.
	for content, want := range map[string]string{"name: One\nversion: 2.0.0\n": "one-1.513.0", "": "one-1.513.0", "name: six\nversion: x\n": "one-1.513.0"} {
		write(t, root, map[string]string{"one/manifest.yml": content})
		s.Changed(at("one"))
		if got := ids()[0]; !strings.HasPrefix(got, want+" ") {
			t.Errorf("with %q it is %s, want %s", content, got, want)
		}
	}
	// A package that goes, one that comes, one that becomes a file.
	write(t, root, map[string]string{"three/manifest.yml": "name: three\nversion: 3.0.0\n"})
	if err := errors.Join(os.RemoveAll(at("one")), os.RemoveAll(at("two/1.0.0")), os.WriteFile(at("two/1.0.0"), nil, 0o666)); err != nil {
		t.Fatal(err)
	}
	got := shown(t, s, root)
	indextest.Compare(t, "come and gone", got, []string{"three-3.0.0 three manifest.yml", "two-2.0.0 two/2.0.0 manifest.yml", "warning unexpected-file two/1.0.0 two"})
	if _, err := s.List(t.Context(), index.Entry{Tree: mustID(t, strings.Fields(whole[0])[1])}); !errors.Is(err, index.ErrNoObject) {
		t.Errorf("what is gone is still known: %v", err)
	}
}

// TestWorkThatCannotBeRead: a package that cannot be read is a problem of that package,
// until it can be.
func TestWorkThatCannotBeRead(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	write(t, root, map[string]string{"good/1.0.0/manifest.yml": "x", "pipe/manifest.yml": "name: five\nversion: 5.0.0\n", "named/manifest.yml": "name: six\nversion: 6.0.0\n", "deep/1.0.0/manifest.yml": "x"})
	s := openWork(t, root)
	sound := []string{"deep-1.0.0 deep/1.0.0 manifest.yml", "five-5.0.0 pipe manifest.yml", "good-1.0.0 good/1.0.0 manifest.yml", "six-6.0.0 named manifest.yml"}
	indextest.Compare(t, "at first", shown(t, s, root), sound)
	pipe := filepath.Join(root, "pipe", "manifest.yml")
	deep := "/" + strings.TrimSuffix(strings.Repeat(strings.Repeat("d", 200)+"/", maxListPath/200+1), "/")
	if err := errors.Join(os.Remove(pipe), syscall.Mkfifo(pipe, 0o666), mkdirDeep(root+"/deep/1.0.0"+deep), mkdirDeep(root+"/named/docs"+deep)); err != nil {
		t.Fatal(err)
	}
	s.Changed()
	want := []string{"error irregular-file pipe/manifest.yml pipe", "error path-length deep/1.0.0 deep-1.0.0", "error path-length named six-6.0.0", sound[2]}
	for range 2 { // it is tried again each time
		indextest.Compare(t, "as long as it lasts", shown(t, s, root), want)
	}
	write(t, root, map[string]string{"named/manifest.yml": "name: seven\nversion: 7.0.0\n"})
	if err := errors.Join(os.RemoveAll(filepath.Dir(pipe)), os.RemoveAll(filepath.Join(root, "deep")), os.RemoveAll(filepath.Join(root, "named", "docs"))); err != nil {
		t.Fatal(err)
	}
	indextest.Compare(t, "afterwards", shown(t, s, root), []string{sound[2], "seven-7.0.0 named manifest.yml"})
	// A package that is developed in a directory that is called as a version.
	write(t, root, map[string]string{"Odd/2.0.0/manifest.yml": "name: six\nversion: 6.0.0\n"})
	odd := openWork(t, filepath.Join(root, "Odd"))
	indextest.Compare(t, "called as a version", shown(t, odd, root), []string{"six-6.0.0 Odd/2.0.0 manifest.yml"})
	if err := mkdirDeep(root + "/Odd/2.0.0/docs" + deep); err != nil {
		t.Fatal(err)
	}
	odd.Changed()
	indextest.Compare(t, "called as a version, and not to be read", shown(t, odd, root), []string{"error path-length Odd/2.0.0 six-6.0.0"})
	if err := os.RemoveAll(filepath.Join(root, "Odd")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	write(t, root, map[string]string{"good/1.0.0/manifest.yml": "changed"})
	s.Changed(filepath.Join(root, "good"))
	if _, err := s.Branch(ctx, WorkBranch); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
	for path, content := range contents(t, s, branch(t, s, WorkBranch)) {
		if strings.HasSuffix(path, "good/1.0.0/manifest.yml") && content != "changed" {
			t.Errorf("what was not read then was not read later: %q", content)
		}
	}
}

// mkdirDeep makes directories whose path is longer than the system takes at once.
func mkdirDeep(path string) error {
	root, err := os.OpenRoot("/")
	if err != nil {
		return err
	}
	defer root.Close()
	return root.MkdirAll(strings.TrimPrefix(path, "/"), 0o777)
}

// TestWorkLastChange: the newest commit that touched a package, wherever in a work tree
// it lies.
func TestWorkLastChange(t *testing.T) {
	dir := workTree(t)
	s := openWork(t, dir)
	for _, e := range branch(t, s, WorkBranch).Entries {
		if c, err := s.LastChange(t.Context(), WorkBranch, e.Path); err != nil || c == nil || c.Subject != "add production" {
			t.Errorf("%s: %+v, %v", e.Path, c, err)
		}
	}
	if c, err := s.LastChange(t.Context(), WorkBranch, "packages/none"); c != nil || err != nil {
		t.Errorf("the last change of nothing: %+v, %v", c, err)
	}
}

// TestWatched: the directories whose changes are changes of packages.
func TestWatched(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	write(t, root, map[string]string{"storage/packages/web/1.0.0/manifest.yml": "", "one/manifest.yml": "", "a-1.0.0.zip": "", "gone": ""})
	at := func(path string) string { return filepath.Join(root, filepath.FromSlash(path)) }
	s := openWork(t, at("storage"), at("one"), at("a-1.0.0.zip"), at("gone"))
	if err := os.Remove(at("gone")); err != nil {
		t.Fatal(err)
	}
	want := []Watched{
		{root, false}, {at("storage"), false}, {at("storage/packages"), true},
		{root, false}, {at("one"), true},
		{root, false},
		{root, false}, {at("gone"), true},
	}
	if got := s.Watched(); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestDisplay: a path is shown relative to where one stands, if it is below.
func TestDisplay(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	here := filepath.Join(root, "here")
	if err := os.MkdirAll(filepath.Join(here, "below"), 0o777); err != nil {
		t.Fatal(err)
	}
	t.Chdir(here)
	for path, want := range map[string]string{
		"here": ".", "here/below": "below", "here/below/x": "below/x", "here/..x": "..x", "here2": root + "/here2", "other/x": root + "/other/x", "": root,
	} {
		if got := display(filepath.Join(root, path)); got != want {
			t.Errorf("%s is shown as %s, want %s", path, got, want)
		}
	}
}

// TestWorkUnitThatGoes: what was there when it was found and is not when it is read is an
// error, and so is a directory that cannot be listed.
func TestWorkUnitThatGoes(t *testing.T) {
	root := t.TempDir()
	write(t, root, map[string]string{"named/README.md": "", "file": ""})
	info, err := os.Lstat(filepath.Join(root, "named"))
	if err != nil {
		t.Fatal(err)
	}
	for name, u := range map[string]*unit{
		"the folder":   {folder: filepath.Join(root, "gone"), rel: "named", named: true},
		"itself":       {folder: root, rel: "gone", named: true},
		"its manifest": {folder: root, rel: "named", named: true},
	} {
		u.dirent = fs.FileInfoToDirEntry(info)
		if err := u.scan(t.Context(), identity); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for dir, want := range map[string]string{"gone": "", "file": "the directory cannot be read: not a directory"} {
		var w workScan
		got := w.list(filepath.Join(root, dir))
		if want == "" && len(got)+len(w.gone) == 0 {
			continue
		}
		if len(got) > 0 || len(w.gone) != 1 || w.gone[0].Detail != want || w.gone[0].Rule != index.RuleFileUnreadable || w.gone[0].File != display(filepath.Join(root, dir)) {
			t.Errorf("%s: %v, %+v", dir, got, w.gone)
		}
	}
}

// TestWorkReadsFiles: a content that is a file in one package and the target of a link in
// another is read from the file, whichever was found first.
func TestWorkReadsFiles(t *testing.T) {
	root := t.TempDir()
	var links []string
	for i := range 10 {
		content := fmt.Sprintf("same %d", i)
		write(t, root, map[string]string{fmt.Sprintf("file%d/1.0.0/x", i): content, fmt.Sprintf("link%d/1.0.0/y", i): "y"})
		link := filepath.Join(root, fmt.Sprintf("link%d/1.0.0/x", i))
		if err := os.Symlink(content, link); err != nil {
			t.Fatal(err)
		}
		links = append(links, link)
	}
	s := openWork(t, root)
	entries := branch(t, s, WorkBranch).Entries
	for _, link := range links {
		if err := os.Remove(link); err != nil {
			t.Fatal(err)
		}
	}
	for i, e := range entries[:10] {
		files, err := s.List(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		err = s.Read(t.Context(), []index.ID{files[0].Blob}, func(_ index.ID, content []byte) error {
			if want := fmt.Sprintf("same %d", i); string(content) != want {
				t.Errorf("%q, want %q", content, want)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}
