package layout_test

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/Masterminds/semver/v3"

	"github.com/regsnap/regsnap/layout"
)

func fuzzTable(t testing.TB) *layout.Table {
	return tableOf(t,
		row{name: "a", version: "1.0.0", kibana: "^7.16.0 || ^8.0.0", categories: []string{"web"}, templates: templates([]string{"nginx"}, nil)},
		row{name: "a", version: "1.1.0-rc1", kibana: ">=8.5.0-SNAPSHOT"},
		row{name: "b", version: "0.1.0", flags: layout.Signed, agent: "~8.4.0", discovery: layout.Discovery{Fields: []string{"f"}}},
		row{name: "c", version: "1.0.0", flags: layout.Experimental, capabilities: []string{"x"}, kind: "input", spec: layout.Spec{Major: 3, Minor: 1}},
	)
}

// FuzzPath: whatever the path, there is an answer, and what it redirects to is
// answered without another redirect of the same kind for ever.
func FuzzPath(f *testing.F) {
	table := fuzzTable(f)
	for _, path := range []string{"/", "", "//", "/package/a/1.0.0/x", "/epr/a/a-1.0.0.zip.sig", "/package/A/1.0.0/..//.", "/epr//", "/epr/x", "*", "/\\x", "/package/a/1.0.0/\xff"} {
		f.Add("GET", path)
	}
	f.Fuzz(func(t *testing.T, method, path string) {
		u := &url.URL{Path: path}
		for hops := 0; ; hops++ {
			a := table.Answer(method, u)
			if !slices.Contains([]int{200, 301, 400, 404, 405}, a.Status) {
				t.Fatalf("%q: status %d", path, a.Status)
			}
			if (a.Location != "") != (a.Status == http.StatusMovedPermanently) {
				t.Fatalf("%q: status %d, location %q", path, a.Status, a.Location)
			}
			if a.Status >= 400 && !bytes.HasSuffix(a.Body, []byte("\n")) {
				t.Fatalf("%q: error %q", path, a.Body)
			}
			if a.Kind == layout.PackageFile && (a.Path == "" || strings.HasSuffix(a.Path, "/")) {
				t.Fatalf("%q: the file %q", path, a.Path)
			}
			if a.Location == "" {
				return
			}
			if !strings.HasPrefix(a.Location, "/") || strings.HasPrefix(a.Location, "//") {
				t.Fatalf("%q: location %q leads elsewhere", path, a.Location)
			}
			next, err := url.Parse(a.Location)
			if err != nil || hops > 3 {
				t.Fatalf("%q: hop %d to %q: %v", path, hops, a.Location, err)
			}
			u = next
		}
	})
}

// FuzzQuery: whatever the query, there is an answer, and it says the same thing
// twice.
func FuzzQuery(f *testing.F) {
	table := fuzzTable(f)
	for _, q := range []string{"", "kibana.version=8.5.0-SNAPSHOT&all=true", "category=web&prerelease=1", "discovery=fields:f&discovery=datasets:", "spec.min=1.0&spec.max=v2.0", "capabilities=,&experimental=t", "%zz&;&=&a=b=c"} {
		f.Add(q, true)
		f.Add(q, false)
	}
	f.Fuzz(func(t *testing.T, query string, counting bool) {
		u := &url.URL{Path: "/search", RawQuery: query}
		if counting {
			u.Path = "/categories"
		}
		a, again := table.Answer(http.MethodGet, u), table.Answer(http.MethodGet, u)
		if a.Status != again.Status || a.Digest != again.Digest || !bytes.Equal(a.Body, again.Body) || a.Status != 200 && a.Status != 400 {
			t.Fatalf("%q: %d and %d", query, a.Status, again.Status)
		}
		if !slices.IsSorted(a.Selection.Rows) || len(slices.Compact(a.Selection.Rows)) != len(a.Selection.Rows) {
			t.Fatalf("%q: rows %d", query, a.Selection.Rows)
		}
		if a.Status == 200 && a.Kind == layout.Response {
			if _, err := layout.ParseDigest(string(a.Digest)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzRoutes: no bytes make the reader panic, nor what uses the routes that it
// lets through; and what it reads it writes the same.
func FuzzRoutes(f *testing.F) {
	f.Add(someRoutes(f).Encode())
	f.Add([]byte(`{"format":1,"environment":"a"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := layout.DecodeRoutes(data)
		if err != nil {
			return
		}
		encoded := r.Encode()
		again, err := layout.DecodeRoutes(encoded)
		if err != nil || !bytes.Equal(again.Encode(), encoded) {
			t.Fatalf("%s\nis not read back: %v", encoded, err)
		}
		table, err := layout.NewTable(r)
		if err != nil {
			return
		}
		for _, target := range []string{"/search?all=true&prerelease=true", "/search?category=web&kibana.version=8.1.0", "/categories?include_policy_templates=true", "/package/a/1.0.0/", "/epr/a/a-1.0.0.zip"} {
			a := answer(table, http.MethodGet, target)
			for _, row := range a.Selection.Rows {
				p, i, rows := table.Block(row)
				if p.Offset < 0 || p.Size < 0 || p.Offset+p.Size > table.PartSize(p.Part) || i < 0 || i >= rows {
					t.Fatalf("row %d is the %d. of %d rows at %+v", row, i, rows, p)
				}
			}
		}
	})
}

// FuzzBlock: no bytes make the reader of blocks panic, and what is written is read.
func FuzzBlock(f *testing.F) {
	summaries := [][]byte{[]byte("{\n \"version\": \"1.0.0\",\n \"path\": \"/a/1.0.0\"\n}"), []byte("{\n \"version\": \"1.1.0\",\n \"path\": \"/a/1.1.0\"\n}")}
	f.Add([]byte(layout.NewBlock([]string{"1.0.0", "1.1.0"}, summaries)), 1, 2)
	f.Add([]byte{1, 1, 1, 1, 0, 0, 0, 1, 0, 0}, 0, 1)
	f.Fuzz(func(t *testing.T, data []byte, i, rows int) {
		if i < 0 || i >= rows {
			return
		}
		if _, err := layout.Block(data).Append(nil, i, rows); err != nil {
			return
		}
		text := bytes.ReplaceAll(data, []byte{0}, nil)
		block := layout.NewBlock([]string{"1.0.0", "1.0"}, [][]byte{text, text})
		for i := range 2 {
			if got, err := block.Append(nil, i, 2); err != nil || !bytes.Equal(got, text) {
				t.Fatalf("%q is read as %q: %v", text, got, err)
			}
		}
	})
}

// FuzzFormats: the other formats of the bucket.
func FuzzFormats(f *testing.F) {
	for _, format := range formats(f) {
		f.Add(format.encoded)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, format := range formats(t) {
			encoded, err := format.again(data)
			if err != nil {
				continue
			}
			if again, err := format.again(encoded); err != nil || !bytes.Equal(again, encoded) {
				t.Fatalf("%s: %s\nis not read back: %v", format.name, encoded, err)
			}
		}
	})
}

// FuzzKeys: the key of any file is safe, and is read back as that file.
func FuzzKeys(f *testing.F) {
	for _, path := range []string{"a", "a/b", "a b", "=", "=41", "..", "x.attrs", ".attrs", strings.Repeat("é", 80), strings.Repeat("x", 300), "a//b", ""} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		key := revision.FileKey(path)
		for element := range strings.SplitSeq(key, "/") {
			if len(element) > 220 || element == "." || element == ".." || strings.HasSuffix(element, ".attrs") {
				t.Fatalf("%q: element %q", path, element)
			}
		}
		if i := strings.IndexFunc(key, func(r rune) bool {
			return !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/=,-", r)
		}); i >= 0 {
			t.Fatalf("%q: %q has a character that is not for keys", path, key)
		}
		r, what, back, err := layout.ParsePackageKey(key)
		if strings.Contains(key, "=-") || path == "" {
			if err == nil {
				t.Fatalf("%q: %s is read as %q", path, key, back)
			}
			return
		}
		if err != nil || r != revision || what != layout.FileObject || back != path {
			t.Fatalf("%q: %s is read as %+v %d %q, %v", path, key, r, what, back, err)
		}
	})
}

// FuzzParseKeys: what any parser of keys accepts, the builder writes the same.
func FuzzParseKeys(f *testing.F) {
	f.Add(revision.FileKey("a b"))
	f.Add(revision.SignatureKey())
	f.Add("environments/a.json")
	f.Add("responses/2d711642b726b04401627ca9fbac32f5.json.gz")
	f.Add("snapshots/a/20221201T172031Z-0123456789ab/routes.json")
	f.Fuzz(func(t *testing.T, key string) {
		if r, what, path, err := layout.ParsePackageKey(key); err == nil {
			if built := map[layout.PackageObject]string{
				layout.ArchiveObject: r.ArchiveKey(), layout.SignatureObject: r.SignatureKey(), layout.ContentsObject: r.ContentsKey(), layout.FileObject: r.FileKey(path),
			}[what]; built != key {
				t.Fatalf("%q is built as %q", key, built)
			}
		}
		if env, err := layout.ParsePointerKey(key); err == nil && layout.PointerKey(env) != key {
			t.Fatalf("%q is the pointer of %q", key, env)
		}
		if env, id, file, err := layout.ParseSnapshotKey(key); err == nil && layout.ManifestKey(env, id) != key && layout.RoutesKey(env, id) != key {
			t.Fatalf("%q is %s of %q %q", key, file, env, id)
		}
		if d, gzip, err := layout.ParseResponseKey(key); err == nil && layout.ResponseKey(d)+map[bool]string{true: layout.GzipSuffix}[gzip] != key {
			t.Fatalf("%q is the response %q", key, d)
		}
	})
}

// FuzzRanges: intervals accept what the constraint that they stand for accepts.
func FuzzRanges(f *testing.F) {
	for _, c := range []string{"^7.16.0 || ^8.0.0", ">=8.5.0-SNAPSHOT", "!=8.3.0", "7.14.0 - 8.2.0", "8.5.x", "~8.4", "*", "!=8.x", "<1 >2 || 3"} {
		for _, v := range []string{"8.5.0", "8.5.0-rc.1", "7.16.0-0", "0.0.0"} {
			f.Add(c, v)
		}
	}
	f.Fuzz(func(t *testing.T, constraint, version string) {
		v, err := semver.NewVersion(version)
		if err != nil {
			return
		}
		ranges, err := layout.RangesOf(constraint)
		if err != nil {
			return // it does not parse, or is refused as what intervals cannot say
		}
		c, err := semver.NewConstraint(constraint)
		if err != nil {
			t.Fatalf("%q has intervals and is no constraint: %v", constraint, err)
		}
		if got, err := ranges.Accepts(v); err != nil || got != c.Check(v) {
			t.Fatalf("%q accepts %s: %t, %v; want %t: %+v", constraint, version, got, err, c.Check(v), ranges)
		}
	})
}
