package layout

import (
	"slices"
	"strings"
	"testing"
)

// TestForeignKeys: a key of one kind is no key of another, and none without the
// prefix of its kind.
func TestForeignKeys(t *testing.T) {
	rev := Revision{Name: "a", Version: "1.0.0", ID: "0123456789abcdef0123"}
	d := Digest(strings.Repeat("0", DigestLen))
	keys := map[string]string{
		"pointer": PointerKey("production"), "lease": LeaseKey("0123456789abcdef"), "audit": AuditKey("production", 7),
		"manifest": ManifestKey("production", testID(1)), "routes": RoutesKey("production", testID(1)),
		"archive": rev.ArchiveKey(), "contents": rev.ContentsKey(), "file": rev.FileKey("a.md"),
		"response": ResponseKey(d), "part": PartKey(d), "page": PageKey(d), "gzip": ResponseKey(d) + GzipSuffix,
		"cursor": CursorKey("production"), "index": IndexKey("production", 7),
	}
	for name, parse := range map[string]struct {
		err  func(key string) error
		read []string
	}{
		"pointer":  {func(key string) error { _, err := ParsePointerKey(key); return err }, []string{"pointer"}},
		"lease":    {func(key string) error { _, err := ParseLeaseKey(key); return err }, []string{"lease"}},
		"audit":    {func(key string) error { _, _, err := ParseAuditKey(key); return err }, []string{"audit"}},
		"snapshot": {func(key string) error { _, _, _, err := ParseSnapshotKey(key); return err }, []string{"manifest", "routes"}},
		"package":  {func(key string) error { _, _, _, err := ParsePackageKey(key); return err }, []string{"archive", "contents", "file"}},
		"revision": {func(key string) error { _, _, err := RevisionOfKey(key); return err }, []string{"archive", "contents", "file"}},
		"response": {func(key string) error { _, _, err := ParseResponseKey(key); return err }, []string{"response", "part", "page", "gzip"}},
		"storage":  {func(key string) error { _, _, err := ParseStorageKey(key); return err }, []string{"cursor", "index"}},
	} {
		for kind, key := range keys {
			if err := parse.err(key); (err == nil) != slices.Contains(parse.read, kind) {
				t.Errorf("%s, read as a key of a %s: %v", key, name, err)
			}
			_, bare, _ := strings.Cut(key, "/")
			if err := parse.err(bare); err == nil {
				t.Errorf("%s is read as a key of a %s", bare, name)
			}
		}
	}
	for key, want := range map[string]string{"a=": "incomplete escape", "a=2": "incomplete escape", "a=2x": `not an escape: "=2x"`, "a=61": "not in canonical form", "a b": "not in canonical form"} {
		if _, err := unescapePath(key); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", key, err, want)
		}
	}
}
