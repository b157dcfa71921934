package layout_test

import (
	"strings"
	"testing"

	"github.com/Masterminds/semver/v3"

	"github.com/regsnap/regsnap/layout"
)

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
	f.Add("tags/a/release-8.5.json")
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
		if env, name, err := layout.ParseTagKey(key); err == nil && layout.TagKey(env, name) != key {
			t.Fatalf("%q is the tag %q of %q", key, name, env)
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
