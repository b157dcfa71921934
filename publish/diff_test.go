package publish

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// randomPackage writes a package whose manifest has what the queries look at.
func randomPackage(t *testing.T, dir, name string, r *rand.Rand) {
	t.Helper()
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	version := fmt.Sprintf("%d.%d.0%s", r.IntN(3), r.IntN(3), pick("", "", "", "-beta1"))
	var m strings.Builder
	fmt.Fprintf(&m, "format_version: %s\nname: %s\ntitle: %[2]s\nversion: %s\ndescription: %s\nowner.github: acme/x\ntype: %s\n",
		pick("1.0.0", "2.3.0", "3.0.0"), name, version, pick("one", "two"), pick("integration", "integration", "input"))
	fmt.Fprintf(&m, "categories: [%s]\n", pick("", "security", "web", "security, aws"))
	fmt.Fprintf(&m, "conditions:\n  kibana.version: \"%s\"\n", pick("^7.16.0 || ^8.0.0", "^8.2.0", ">=8.5.0", "^9.0.0"))
	if r.IntN(4) == 0 {
		fmt.Fprintf(&m, "  elastic.capabilities: [%s]\n", pick("security", "observability"))
	}
	folder := filepath.Join(dir, "packages", name, version)
	for file, text := range map[string]string{"manifest.yml": m.String(), "docs/README.md": pick("a", "b"), "img/a [1] b.svg": pick("", "<svg/>", "<svg></svg>")} {
		if text == "" {
			continue
		}

		file = filepath.Join(folder, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func randomSnapshot(t *testing.T, b *Bucket, r *rand.Rand) SnapshotRef {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"alpha", "beta", "gamma"} {
		for range 1 + r.IntN(3) {
			randomPackage(t, dir, name, r)
		}
	}
	src := git.OpenDirs(map[string]string{"production": dir})
	defer src.Close()
	l := b.Lease(LeaseOptions{})
	result, err := build.Build(t.Context(), build.Options{Source: src, Store: l, Environments: []build.Environment{testEnvironment}, Regsnap: "test"})
	if err != nil {
		t.Fatalf("%v: %v", err, result.Report.Errors)
	}
	if err := l.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	return SnapshotRef{testEnv, result.Snapshots[0].ID}
}

// TestDiffAgainstAll asks two snapshots every question and compares: Diff finds
// each difference, and names no request that is answered alike.
func TestDiffAgainstAll(t *testing.T) {
	differ := 0
	for seed := range uint64(runs(6)) {
		r := rand.New(rand.NewPCG(*soakSeed+seed, 7))
		b, _ := fileBucket(t)
		old, new := randomSnapshot(t, b, r), randomSnapshot(t, b, r)
		d, err := b.Diff(t.Context(), old, new)
		if err != nil {
			t.Fatal(err)
		}
		_, oldTable, err := b.table(t.Context(), old)
		if err != nil {
			t.Fatal(err)
		}
		_, newTable, err := b.table(t.Context(), new)
		if err != nil {
			t.Fatal(err)
		}
		known := map[string]bool{}
		for _, a := range d.Answers {
			known[effect(oldTable, newTable, a.URL)] = true
			for _, u := range a.URLs() {
				if effect(oldTable, newTable, u) == "" {
					t.Errorf("seed %d: %s is answered alike", seed, u)
				}
			}
		}
		for _, u := range everyQuery() {
			e := effect(oldTable, newTable, u)
			if e == "" {
				continue
			}
			if differ++; !known[e] {
				t.Errorf("seed %d: %s is answered differently, which diff does not tell: %s", seed, u, e)
			}
		}
	}
	t.Logf("%d requests are answered differently", differ)
	if differ == 0 {
		t.Error("nothing was compared")
	}
}

// TestDiffPathsAgainstAll asks two snapshots for every document, archive,
// signature and file that either has: Diff lists those that are answered
// differently, and no other.
func TestDiffPathsAgainstAll(t *testing.T) {
	b, _ := fileBucket(t)
	var pairs [][2]SnapshotRef
	for seed := range uint64(runs(6)) {
		r := rand.New(rand.NewPCG(*soakSeed+seed, 8))
		pairs = append(pairs, [2]SnapshotRef{randomSnapshot(t, b, r), randomSnapshot(t, b, r)})
	}
	src := newEditions(t)
	for n := range 4 {
		m := src.mustPublish(t, b, n)
		if n > 0 {
			pairs = append(pairs, [2]SnapshotRef{{testEnv, m.Snapshot}, {testEnv, m.Previous}})
		}
	}
	same, differ := 0, 0
	for _, p := range pairs {
		d, err := b.Diff(t.Context(), p[0], p[1])
		if err != nil {
			t.Fatal(err)
		}
		listed := slices.Concat(d.Documents, d.Archives, d.Files)
		was, is := everyPath(t, b, p[0]), everyPath(t, b, p[1])
		for target := range was {
			is[target] += "" // what only the old one has is gone
		}
		for target, now := range is {
			switch want := was[target] != now; {
			case want != slices.Contains(listed, target):
				t.Errorf("%v: %s: that it differs is %v, that it is listed %v", p, target, want, !want)
			case want:
				differ++
			default:
				same++
			}
		}
		slices.Sort(listed)
		if len(slices.Compact(listed)) != len(d.Documents)+len(d.Archives)+len(d.Files) {
			t.Errorf("%v: something is listed twice: %q", p, listed)
		}
	}
	t.Logf("%d paths are answered alike, %d differently", same, differ)
	if same == 0 || differ == 0 {
		t.Error("that shows nothing")
	}
}

// everyPath asks for what a snapshot has of each package version, as a client
// does: what its table answers, and then the object.
func everyPath(t *testing.T, b *Bucket, ref SnapshotRef) map[string]string {
	t.Helper()
	m, table, err := b.table(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	lists := map[layout.Revision]*layout.Contents{}
	ask := func(target string) {
		u, err := url.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		key := ""
		switch a := table.Answer(http.MethodGet, u); a.Kind {
		case answer.Document, answer.Search, answer.Count:
			key = layout.ResponseKey(a.Digest)
		case answer.Archive:
			key = a.Revision.ArchiveKey()
		case answer.File:
			list, content := lists[a.Revision], new(bytes.Buffer)
			if err := b.FetchFile(t.Context(), a.Revision, list, list.Find(a.Path), content); err != nil {
				t.Fatalf("%s: %v", target, err)
			}
			out[target] = content.String()
			return
		default:
			return // there is none, as in a snapshot that is not asked
		}
		body, err := b.Read(t.Context(), key)
		if err != nil {
			t.Fatalf("%s: %v", target, err)
		}
		out[target] = string(body)
	}
	for _, p := range m.Packages {
		id := p.Name + "/" + p.Version
		ask("/package/" + id + "/")
		ask("/epr/" + p.Name + "/" + p.Name + "-" + p.Version + ".zip")
		ask("/epr/" + p.Name + "/" + p.Name + "-" + p.Version + ".zip.sig")
		ask("/artifacts/packages/" + p.Name + "-" + p.Version + ".zip")
		ask("/artifacts/packages/" + p.Name + "-" + p.Version + ".zip.sig")
		_, list, err := b.Contents(t.Context(), revisionOf(p), p.Contents)
		if err != nil {
			t.Fatal(err)
		}
		lists[revisionOf(p)] = list
		for _, f := range list.Files {
			ask((&url.URL{Path: "/package/" + id + "/" + f.Path}).String())
			ask((&url.URL{Path: "/artifacts/static/" + p.Name + "-" + p.Version + "/" + f.Path}).String())
		}
	}
	return out
}

func everyQuery() (out []string) {
	add := func(lists ...[]string) []string {
		all := []string{""}
		for _, list := range lists {
			var next []string
			for _, a := range all {
				for _, p := range list {
					next = append(next, strings.Trim(a+"&"+p, "&"))
				}
			}
			all = next
		}
		return all
	}
	kibana := []string{"", "kibana.version=7.15.0", "kibana.version=7.17.3", "kibana.version=8.1.0", "kibana.version=8.3.0", "kibana.version=8.6.0", "kibana.version=9.1.0"}
	spec := []string{"", "spec.max=2.9", "spec.min=2.3&spec.max=3.0"}
	capabilities := []string{"", "capabilities=security", "capabilities=x", "capabilities=security,observability"}
	flags := []string{"", "prerelease=true", "experimental=true"}
	for _, q := range add(kibana, spec, capabilities, flags, []string{"", "type=input"}, []string{"", "category=security", "category=cloud"}) {
		out = append(out, "/search?"+q)
	}
	for _, q := range add(kibana, spec, capabilities, flags, []string{"package=alpha", "package=gamma"}, []string{"", "all=true"}) {
		out = append(out, "/search?"+q)
	}
	for _, q := range add(kibana, spec, capabilities, flags, []string{"", "include_policy_templates=true"}) {
		out = append(out, "/categories?"+q)
	}
	return out
}

// effect says how an answer differs; "" when it does not.
func effect(old, new *answer.Table, target string) string {
	u, err := url.Parse(target)
	if err != nil {
		panic(err)
	}
	was, is := old.Answer(http.MethodGet, u), new.Answer(http.MethodGet, u)
	if was.Kind == is.Kind && was.Digest == is.Digest {
		return ""
	}
	lines := []string{u.Path}
	if u.Path == "/categories" {
		return u.Path // counts add up: which package did it is not told
	}
	for _, side := range []struct {
		mark string
		t    *answer.Table
		s    answer.Selection
	}{{"-", old, was.Selection}, {"+", new, is.Selection}} {
		for _, row := range side.s.Rows {
			line := fmt.Sprintf("%s-%s %s %v", side.t.Name(row), side.t.Versions[row], side.t.Summary(row), side.s.Kept[row])
			if i := slices.Index(lines, "-"+line); i >= 0 {
				lines = slices.Delete(lines, i, i+1)
				continue
			}
			lines = append(lines, side.mark+line)
		}
	}
	return strings.Join(lines, "\n")
}
