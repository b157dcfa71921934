package publish

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/layout"
)

// signed is a bucket with a snapshot of one package, whose archive is signed.
func signed(t *testing.T) (*Bucket, *layout.Manifest) {
	t.Helper()
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	for _, file := range [][2]string{
		{"manifest.yml", "{format_version: 1.0.0, name: signed, title: Signed, version: 1.0.0, description: d, type: integration}\n"}, {"docs/README.md", "# Signed\n"},
	} {
		w, err := z.Create("signed-1.0.0/" + file[0])
		if err == nil {
			_, err = io.WriteString(w, file[1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	name := filepath.Join(dir, "packages", "signed-1.0.0.zip")
	err := errors.Join(z.Close(), os.Mkdir(filepath.Dir(name), 0o777), os.WriteFile(name, archive.Bytes(), 0o666), os.WriteFile(name+".sig", []byte(indextest.Signature), 0o666))
	if err != nil {
		t.Fatal(err)
	}
	b := openTest(t, "mem://")
	r, err := build.Build(t.Context(), build.Options{Source: git.OpenDirs(map[string]string{"production": dir}), Store: b, Environments: []build.Environment{testEnvironment}, Regsnap: "test"})
	if err != nil {
		t.Fatal(err, r.Report.Errors)
	}
	return b, r.Snapshots[0].Manifest
}

// TestSignatures: the signature of an archive is copied with it, and verified.
func TestSignatures(t *testing.T) {
	from, m := signed(t)
	key := revisionOf(m.Packages[0]).SignatureKey()
	to := openTest(t, "mem://")
	copied := func() error {
		l := to.Lease(LeaseOptions{Purpose: "mirror"})
		return errors.Join(l.CopyFrom(from, CopyOptions{}).Snapshot(t.Context(), m), l.Release(t.Context()))
	}
	if err := copied(); err != nil {
		t.Fatal(err)
	}
	if body, err := to.Read(t.Context(), key); err != nil || string(body) != indextest.Signature {
		t.Errorf("the copy has the signature %q, %v", body, err)
	}
	for _, body := range []string{"", strings.Replace(indextest.Signature, "a", "b", 1), indextest.Signature + "\n"} {
		err := from.Delete(t.Context(), key)
		if body != "" {
			err = from.replaceLive(t.Context(), layout.Object{Key: key, Body: []byte(body), ContentType: "application/pgp-signature"})
		}
		if err != nil {
			t.Fatal(err)
		}
		v, err := from.Verify(t.Context(), testEnv, m.ID(), VerifyOptions{})
		if err != nil || !slices.ContainsFunc(v.Faults, func(f Fault) bool { return f.Key == key }) || len(v.Faults) != 1 {
			t.Errorf("a signature that is %q: %+v, %v", body, v, err)
		}
		to = openTest(t, "mem://")
		if err := copied(); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), key) {
			t.Errorf("a copy of a signature that is %q: %v", body, err)
		}
		if n := count(t, to); n > 4 { // the archive, and files of the package
			t.Errorf("the copy has %d objects", n)
		}
		if there, err := to.exists(t.Context(), revisionOf(m.Packages[0]).ContentsKey()); there || err != nil {
			t.Errorf("the list says that all is there: %v", err)
		}
	}
}
