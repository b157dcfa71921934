package publish

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
)

// TestFaultsAreFoundAgain: a file that remembers what is sound remembers nothing else. A run
// that goes on by it says of what is damaged what the run before has said, until it is
// mended.
func TestFaultsAreFoundAgain(t *testing.T) {
	src, ctx := newEditions(t), t.Context()
	b := openTest(t, "mem://")
	id := src.mustPublish(t, b, 0).Snapshot
	m, whole := mustRead(t, b, id), copyOf(t, b)
	damaged := []string{
		revisionOf(m.Packages[0]).ArchiveKey(), revisionOf(m.Packages[1]).ContentsKey(),
		m.Responses[0].Object(layout.CacheContent).Key + layout.GzipSuffix, layout.RoutesKey(testEnv, id),
	}
	if m.Responses[0].Gzip == 0 {
		damaged[2] = strings.TrimSuffix(damaged[2], layout.GzipSuffix)
	}
	for _, key := range damaged {
		if err := b.replaceLive(ctx, layout.Object{Key: key, Body: []byte("x"), ContentType: layout.JsonType}); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(damaged)
	one, all := VerifyOptions{State: filepath.Join(t.TempDir(), "one")}, VerifyOptions{State: filepath.Join(t.TempDir(), "all")}
	look := func(what string, units int, want []string) {
		t.Helper()
		v, err := b.Verify(ctx, testEnv, id, one)
		if err != nil {
			t.Fatal(err)
		}
		found := []*Verification{v}
		if err := b.VerifyAll(ctx, all, func(v *Verification) error { found = append(found, v); return nil }); err != nil || len(found) != 2 {
			t.Fatal(found, err)
		}
		for _, v := range found {
			var got []string
			for _, f := range v.Faults {
				got = append(got, f.Key)
			}
			if !slices.Equal(got, want) || v.Checked.Units != v.Checked.Total || v.Checked.Units-v.Checked.Skipped != units {
				t.Errorf("%s: %q and %+v, want %q of %d units", what, got, v.Checked, want, units)
			}
		}
	}
	every := len(m.Packages) + len(m.Responses) + 1
	look("at first", every, damaged)
	look("again", 4, damaged)
	for _, key := range damaged {
		if err := b.replaceLive(ctx, layout.Object{Key: key, Body: whole[key], ContentType: layout.JsonType}); err != nil {
			t.Fatal(err)
		}
	}
	look("mended", 4, nil)
	look("at last", 1, nil)
}

// TestUnitsByWhatIsSaid: two snapshots that say something else of one object are two units.
func TestUnitsByWhatIsSaid(t *testing.T) {
	names := func(contents, sum string) (out []string) {
		for _, u := range unitsOf(&layout.Manifest{
			Packages:  []layout.ManifestPackage{{Name: "web", Version: "1.0.0", Revision: "r", Contents: contents}},
			Responses: []layout.ManifestResponse{{Digest: "d", SHA256: sum}},
		}) {
			out = append(out, u.name)
		}
		return out
	}
	is := names("a", "b")
	for _, c := range []struct {
		contents, sum string
		same          []bool
	}{{"a", "b", []bool{true, true}}, {"a", "c", []bool{true, false}}, {"b", "b", []bool{false, true}}} {
		for i, name := range names(c.contents, c.sum) {
			if (name == is[i]) != c.same[i] {
				t.Errorf("%q beside %q", name, is[i])
			}
		}
	}
}

// TestListsThatDoNotFit: lists that are sound, each for itself, and have a response twice are
// a fault of the manifest that names them.
func TestListsThatDoNotFit(t *testing.T) {
	src, ctx := newEditions(t), t.Context()
	b := openTest(t, "mem://")
	live := src.mustPublish(t, b, 0).Snapshot
	head, err := b.Head(ctx, testEnv, live)
	if err != nil || len(head.Lists) == 0 {
		t.Fatal(head, err)
	}
	list, err := b.readList(ctx, head.Lists[len(head.Lists)-1])
	if err != nil || len(list.Responses) == 0 {
		t.Fatal(list, err)
	}
	list.Packages, list.Responses = []layout.ManifestPackage{}, list.Responses[:1]
	more, encoded := list.Encode(), new(bytes.Buffer)
	z := gzip.NewWriter(encoded)
	if _, err := z.Write(more); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	twice := layout.ManifestResponse{Digest: layout.DigestOf(more), Size: int64(len(more)), SHA256: fmt.Sprintf("%x", sha256.Sum256(more)), Gzip: int64(encoded.Len()), EncodedOnly: true}
	if err := b.Put(ctx, layout.Object{Key: listKey(twice), Body: encoded.Bytes(), ContentType: layout.JsonType}); err != nil {
		t.Fatal(err)
	}
	head.Lists = append(head.Lists, twice)
	body := head.Encode()
	id := head.IDOf(body)
	for _, o := range []layout.Object{
		layout.RoutesObject(testEnv, id).With(copyOf(t, b)[layout.RoutesKey(testEnv, live)]), layout.ManifestObject(testEnv, id).With(body),
	} {
		if err := b.Put(ctx, o); err != nil {
			t.Fatal(err)
		}
	}
	v, err := b.Verify(ctx, testEnv, id, VerifyOptions{})
	if err != nil || len(v.Faults) != 1 || v.Faults[0].Key != layout.ManifestKey(testEnv, id) || !strings.Contains(v.Faults[0].Detail, "two lists have the response "+string(list.Responses[0].Digest)) {
		t.Errorf("%+v, %v", v, err)
	}
}

// TestGlanceLooksEverywhere: a rollback looks for objects all over a snapshot, however large
// that is: it finds that a half is lost, whichever.
func TestGlanceLooksEverywhere(t *testing.T) {
	ctx, live := t.Context(), &layout.Manifest{Environment: testEnv}
	to := &layout.Manifest{Environment: testEnv}
	for n := range 10 * glances {
		to.Packages = append(to.Packages, layout.ManifestPackage{Name: fmt.Sprintf("p%03d", n), Version: "1.0.0", Revision: strings.Repeat("0a", 10)})
	}
	for what, has := range map[string]func(n int) bool{
		"the first half":  func(n int) bool { return n >= 5*glances },
		"the second half": func(n int) bool { return n < 5*glances },
		"all":             func(int) bool { return true },
	} {
		b := openTest(t, "mem://")
		keys := []string{layout.ManifestKey(testEnv, to.ID())}
		for n, p := range to.Packages {
			if has(n) {
				keys = append(keys, revisionOf(p).ContentsKey(), revisionOf(p).ArchiveKey())
			}
		}
		for _, key := range keys {
			if err := b.Put(ctx, layout.Object{Key: key, Body: []byte("x"), ContentType: layout.JsonType}); err != nil {
				t.Fatal(err)
			}
		}
		err := b.glance(ctx, live, to)
		if whole := what == "all"; (err == nil) != whole || !whole && !strings.Contains(err.Error(), "of 16 objects that were looked for 8 are missing") {
			t.Errorf("%s is lost: %v", what, err)
		}
	}
}
