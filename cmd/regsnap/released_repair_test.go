package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/internal/released"
	"github.com/regsnap/regsnap/layout"
)

// kindOfObject says what an object of a bucket is; empty for what no snapshot has.
func kindOfObject(bucket fs.FS, key string, lists []layout.ManifestResponse) string {
	plain, gzip := strings.CutSuffix(key, ".gz")
	_, err := fs.Stat(bucket, map[bool]string{true: plain, false: key + ".gz"}[gzip])
	alone := err != nil
	switch dir := path.Dir(key); {
	case path.Base(key) == "manifest.json", path.Base(key) == "routes.json", path.Base(key) == "contents.json":
		return path.Base(key)
	case strings.HasPrefix(key, "packages/") && strings.Contains(dir, "/files"):
		return "file"
	case strings.HasPrefix(key, "packages/"):
		return "archive"
	case !strings.HasPrefix(key, "responses/"):
		return ""
	case slices.ContainsFunc(lists, func(l layout.ManifestResponse) bool { return slices.Contains(l.Keys(), key) }):
		return "list"
	case gzip && alone:
		return path.Ext(plain) + ", gzip-encoded only"
	case gzip:
		return path.Ext(plain) + ", its gzip-encoded variant"
	case alone:
		return path.Ext(key) + ", plain only"
	}
	return path.Ext(key) + ", its plain variant"
}

// TestRepairReleased: one object of each kind that the live snapshot of each released
// format has is lost and made again, the same byte for byte. Where this regsnap writes
// packages in another way it says so, changes nothing, and names what helps.
func TestRepairReleased(t *testing.T) {
	storage, config := released.Storage(t), filepath.Join(t.TempDir(), "regsnap.yml")
	with := strings.ReplaceAll(releasedConfig, "]\n", "]\n    catalog: on\n")
	if err := os.WriteFile(config, []byte(with), 0o666); err != nil {
		t.Fatal(err)
	}
	now := t.TempDir()
	mustRun(t, 0, "build --quiet --publish --config "+config+" --source git:"+storage+" --bucket file://"+now)
	buckets := map[string]string{"now": now}
	for _, format := range released.Formats(t) {
		buckets[format] = released.Bucket(t, format)
	}
	common := []string{".json, plain only", ".part, plain only", "archive", "contents.json", "file", "manifest.json", "routes.json"}
	pair := []string{".json, its gzip-encoded variant", ".json, its plain variant"}
	kinds := map[string][]string{
		"1":   slices.Concat(common, pair),
		"2":   slices.Concat(common, pair, []string{"list"}),
		"now": slices.Concat(common, []string{".json, gzip-encoded only", ".page, gzip-encoded only", ".page, plain only"}),
	}
	for format, whole := range buckets {
		m := liveManifest(t, whole)
		found := map[string]bool{}
		err := fs.WalkDir(os.DirFS(whole), ".", func(key string, d fs.DirEntry, err error) error {
			kind := ""
			if err == nil && !d.IsDir() {
				kind = kindOfObject(os.DirFS(whole), key, m.Lists)
			}
			if kind == "" || found[kind] {
				return err
			}
			dir := copyOf(t, whole)
			if err := os.Remove(filepath.Join(dir, filepath.FromSlash(key))); err != nil {
				return err
			}
			in := " --quiet --env production --config " + config + " --bucket file://" + dir
			if code, out := runLine(t, "verify"+in); code == 0 {
				return nil // the live snapshot does not have it
			} else if code != exitDamaged || !strings.Contains(out, key+": missing") {
				t.Errorf("%s, %s: exit code %d: %s", format, kind, code, out)
			}
			found[kind] = true
			t.Run(format+"/"+kind, func(t *testing.T) {
				code, out := runLine(t, "verify --repair --source git:"+storage+in)
				if !build.SamePackages(m.Render) {
					cannotRepair(t, dir, key, out, code, m)
					all, out := runLine(t, "verify --quiet --repair --config "+config+" --source git:"+storage+" --bucket file://"+dir)
					cannotRepair(t, dir, key, out, all, m)
					// What it says helps, does.
					again := "build --quiet --publish --allow-render --source git:" + storage + " --config " + config + " --bucket file://" + dir
					if code, _ := runLine(t, again); code == exitDamaged {
						mustRun(t, 0, "recover --yes --env production --bucket file://"+dir)
						mustRun(t, 0, again)
					} else if code != 0 {
						t.Errorf("%s: exit code %d", again, code)
					}
					mustRun(t, 0, "verify --repair --source git:"+storage+in)
					mustRun(t, 0, "verify"+in)
					return
				}
				if code != 0 || !strings.Contains(out, "sound") {
					t.Errorf("exit code %d: %s", code, out)
				}
				mustBeSame(t, whole, dir)
				mustRun(t, 0, "verify"+in)
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range kinds[format] {
			if !found[kind] {
				t.Errorf("%s: the live snapshot has no %s: %v", format, kind, found)
			}
		}
	}
}

// cannotRepair: what was said, and nothing was changed.
func cannotRepair(t *testing.T, dir, key, out string, code int, m *layout.Manifest) {
	t.Helper()
	want := []string{key + ": missing", "of " + m.ID() + " is lost", "repair it with that version", "regsnap build --publish --allow-render", "regsnap recover --env production"}
	if path.Base(key) != "manifest.json" {
		want = []string{key + ": missing", m.ID() + " was made by regsnap " + m.Regsnap + " (render version 1, ", "repair it with that version", "regsnap build --publish --allow-render", "regsnap recover --env production"}
	}
	for _, part := range want {
		if !strings.Contains(out, part) {
			t.Errorf("%s\nlacks %q", out, part)
		}
	}
	if _, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(key))); code != exitDamaged || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("exit code %d, %s is there: %v", code, key, err)
	}
}

// mustBeSame compares the objects of two buckets, but for leases.
func mustBeSame(t *testing.T, want, got string) {
	t.Helper()
	for _, dirs := range [][2]string{{want, got}, {got, want}} {
		err := fs.WalkDir(os.DirFS(dirs[0]), ".", func(key string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasPrefix(key, "leases/") || strings.HasSuffix(key, "~lock") {
				return err
			}
			a, err := os.ReadFile(filepath.Join(dirs[0], key))
			if err != nil {
				return err
			}
			if b, err := os.ReadFile(filepath.Join(dirs[1], key)); err != nil || !bytes.Equal(a, b) {
				t.Errorf("%s differs: %v", key, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func runLine(t *testing.T, line string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	code := run(t.Context(), append([]string{"regsnap"}, strings.Fields(line)...), &out, &out)
	return code, out.String()
}

func mustRun(t *testing.T, code int, line string) {
	t.Helper()
	if got, out := runLine(t, line); got != code {
		t.Fatalf("%s: exit code %d: %s", line, got, out)
	}
}
