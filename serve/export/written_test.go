package export_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
	"github.com/regsnap/regsnap/serve/edge/edgetest"
	"github.com/regsnap/regsnap/serve/export"
	"github.com/regsnap/regsnap/serve/servetest"
)

// TestWritten: what an export says that it wrote is what is there, and how far it is is
// told from nothing to the end.
func TestWritten(t *testing.T) {
	t.Parallel()
	bucket, _ := edgetest.Publish(t, storage(t, func(packages string) {
		put(t, filepath.Join(packages, "large", "1.0.0", "docs", "README.md"), "# Large\n")
		put(t, filepath.Join(packages, "large", "1.0.0", "manifest.yml"),
			"{format_version: 1.0.0, name: large, title: Large, version: 1.0.0, type: integration, description: "+strings.Repeat("large ", 256<<10/6)+"}\n")
	}), build.DefaultBudget)
	dir := servers.MemoryDir(t)
	var told []publish.Copied
	r := exported(t, bucket, dir, func(o *export.Options) {
		o.Copy, o.Hostname, o.Progress = true, "h.example", func(n publish.Copied) { told = append(told, n) }
	})
	var files, bytes int64
	seen := []os.FileInfo{}
	for _, folder := range []string{"tree", "data"} {
		err := filepath.WalkDir(filepath.Join(dir, r.Snapshot, folder), func(_ string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			files++
			info, err := d.Info()
			for _, other := range seen {
				if err == nil && os.SameFile(info, other) {
					return nil
				}
			}
			seen = append(seen, info)
			bytes += info.Size()
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if linked := int(files) - len(seen); int64(r.Files) != files || r.Bytes != bytes || r.Linked != linked || linked == 0 {
		t.Errorf("%+v, there are %d files of %d bytes, %d are links", r.Written, files, bytes, linked)
	}
	// Who serves it may enter it, as far as the umask of who writes it lets others.
	like := filepath.Join(t.TempDir(), "like")
	if err := os.Mkdir(like, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"", "tree", "data", "nginx"} {
		want, err := os.Stat(like)
		got, e := os.Stat(filepath.Join(dir, r.Snapshot, folder))
		if err != nil || e != nil || got.Mode() != want.Mode() {
			t.Errorf("%q has the mode %v, want %v", folder, got.Mode(), want.Mode())
		}
	}
	if site, err := os.ReadFile(filepath.Join(dir, r.Snapshot, "nginx", "site.conf")); err != nil || !strings.Contains(string(site), "server_name h.example;") {
		t.Errorf("%v\n%s", err, site)
	}
	m, err := bucket.Manifest(t.Context(), env, r.Snapshot)
	if err != nil {
		t.Fatal(err)
	}
	// What is kept encoded only is plain here, for nginx, unless it is a large search.
	encodedOnly, large := 0, 0
	for _, r := range m.Responses {
		name := filepath.Join(dir, m.ID(), "data", filepath.FromSlash(r.Object(layout.CacheContent).Key))
		body, err := os.ReadFile(name)
		if want := !r.EncodedOnly || r.Page || r.Size < 256<<10; (err == nil) != want || want && int64(len(body)) != r.Size {
			t.Errorf("%s of %d bytes, encoded only: %t, has %d: %v", name, r.Size, r.EncodedOnly, len(body), err)
		}
		if _, err := os.Stat(name + layout.GzipSuffix); (err == nil) != (r.Gzip > 0) {
			t.Errorf("%s, encoded: %v", name, err)
		}
		if r.EncodedOnly && !r.Page && r.Size < 256<<10 {
			encodedOnly++
		} else if r.EncodedOnly && !r.Page {
			large++
		}
	}
	if encodedOnly == 0 || large == 0 {
		t.Errorf("%d searches are kept encoded only, %d large ones", encodedOnly, large)
	}
	all := len(m.Packages) + len(m.Responses)
	for i, n := range told {
		if n.Units != i || n.Total != all {
			t.Errorf("call %d: %+v", i, n)
		}
	}
	if len(told) != all+1 {
		t.Errorf("told %d times, want %d", len(told), all+1)
	}
	if r.Environment != env || r.Dir != dir || r.Of != "" || r.Previous != "" || r.Present {
		t.Errorf("%+v", r)
	}
	again := exported(t, bucket, dir, nil)
	if !again.Present || again.Previous != r.Snapshot || again.Written != (export.Written{}) {
		t.Errorf("again: %+v", again)
	}
}

// TestPlans: a plan says what would be done, and does nothing.
func TestPlans(t *testing.T) {
	t.Parallel()
	url, first, second := small(t)
	bucket := servetest.Open(t, url)
	plan := func(dir, snapshot string) export.Result {
		t.Helper()
		r, err := export.Plan(t.Context(), export.Options{From: bucket, Environment: env, Dir: dir, At: "/srv/registry", Snapshot: snapshot})
		if err != nil {
			t.Fatal(err)
		}
		return *r
	}
	dir := filepath.Join(servers.MemoryDir(t), "export")
	if got, want := plan(dir, ""), (export.Result{Environment: env, Snapshot: second, Dir: dir}); got != want {
		t.Errorf("a folder that is not there: %+v", got)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder is made: %v", err)
	}
	exported(t, bucket, dir, func(o *export.Options) { o.Snapshot = first })
	before := contents(t, dir)
	if got, want := plan(dir, ""), (export.Result{Environment: env, Snapshot: second, Dir: dir, Previous: first}); got != want {
		t.Errorf("after another: %+v", got)
	}
	if got, want := plan(dir, first), (export.Result{Environment: env, Snapshot: first, Dir: dir, Previous: first, Present: true}); got != want {
		t.Errorf("the same: %+v", got)
	}
	if now := contents(t, dir); len(now) != len(before) {
		t.Errorf("there are %d files, there were %d", len(now), len(before))
	}
	const missing = "20240101T000000Z-0123456789ab"
	for what, o := range map[string]export.Options{
		"of a snapshot that is not there":     {From: bucket, Environment: env, Dir: dir, At: "/srv/registry", Snapshot: missing},
		"of an environment that is not there": {From: bucket, Environment: "none", Dir: filepath.Join(dir, "x"), At: "/srv/registry"},
		"of another environment":              {From: bucket, Environment: "none", Dir: dir, At: "/srv/registry", Snapshot: first},
		"to a path that nginx cannot have":    {From: bucket, Environment: env, Dir: dir, At: "/a b"},
	} {
		if r, err := export.Plan(t.Context(), o); err == nil {
			t.Errorf("a plan %s: %+v", what, r)
		}
		if r, err := export.Export(t.Context(), o); err == nil {
			t.Errorf("an export %s: %+v", what, r)
		}
	}
	// Nothing is made for what there is not.
	none := filepath.Join(servers.MemoryDir(t), "none")
	for _, o := range []export.Options{{Environment: "none"}, {Environment: env, Snapshot: missing}} {
		o.From, o.Dir, o.At = bucket, none, "/srv/registry"
		if _, err := export.Export(t.Context(), o); err == nil {
			t.Errorf("%+v", o)
		}
		if _, err := os.Stat(none); !os.IsNotExist(err) {
			t.Errorf("the folder is made: %v", err)
		}
	}
}
