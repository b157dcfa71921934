package layout_test

import (
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
)

var revision = layout.Revision{Name: "nginx", Version: "1.2.3", ID: "0123456789abcdef0123"}

// TestPackageKeys writes keys and reads them back.
func TestPackageKeys(t *testing.T) {
	const dir = "packages/nginx/1.2.3/0123456789abcdef0123/"
	for _, c := range []struct {
		key  string
		want string
		what layout.PackageObject
		path string
	}{
		{revision.ArchiveKey(), dir + "nginx-1.2.3.zip", layout.ArchiveObject, ""},
		{revision.SignatureKey(), dir + "nginx-1.2.3.zip.sig", layout.SignatureObject, ""},
		{revision.ContentsKey(), dir + "contents.json", layout.ContentsObject, ""},
		{revision.FileKey("manifest.yml"), dir + "files/manifest.yml", layout.FileObject, "manifest.yml"},
		{revision.FileKey("contents.json"), dir + "files/contents.json", layout.FileObject, "contents.json"},
		{revision.FileKey("img/a b[1]=.png"), dir + "files/img/a=20b=5B1=5D=3D.png", layout.FileObject, "img/a b[1]=.png"},
		{revision.FileKey("ü/..x/.hidden"), dir + "files/=C3=BC/..x/.hidden", layout.FileObject, "ü/..x/.hidden"},
		{revision.FileKey("../.."), dir + "files/=2E=2E/=2E=2E", layout.FileObject, "../.."},
		{revision.FileKey("x.attrs"), dir + "files/x=2Eattrs", layout.FileObject, "x.attrs"},
		{revision.FileKey("\x00\n\\"), dir + "files/=00=0A=5C", layout.FileObject, "\x00\n\\"},
	} {
		if c.key != c.want {
			t.Errorf("%s, want %s", c.key, c.want)
		}
		r, what, path, err := layout.ParsePackageKey(c.key)
		if err != nil || r != revision || what != c.what || path != c.path {
			t.Errorf("%s is read as %+v %d %q, %v", c.key, r, what, path, err)
		}
	}
	beta := layout.Revision{Name: "a_1", Version: "1.0.0-rc.1+build", ID: revision.ID}
	if key, want := beta.ArchiveKey(), "packages/a_1/1.0.0-rc.1=2Bbuild/"+revision.ID+"/a_1-1.0.0-rc.1=2Bbuild.zip"; key != want {
		t.Errorf("%s, want %s", key, want)
	}
	if r, _, _, err := layout.ParsePackageKey(beta.SignatureKey()); err != nil || r != beta {
		t.Errorf("%+v, %v", r, err)
	}
	for _, key := range []string{
		"", "packages/", "packages/nginx/1.2.3/0123456789abcdef0123/", dir + "other", dir + "files/", dir + "files/a=2", dir + "files/a=2e",
		dir + "files/a=41", dir + "files/a b", dir + "files/x.attrs", dir + "files/..", "packages/nginx/1.2.3/0123456789abcdef012/contents.json",
		"packages/Nginx/1.2.3/0123456789abcdef0123/contents.json", "packages/nginx/1.2.3/0123456789ABCDEF0123/contents.json",
		"responses/" + dir, dir + "nginx-1.2.4.zip", "/" + dir + "contents.json",
	} {
		if r, what, path, err := layout.ParsePackageKey(key); err == nil {
			t.Errorf("%q is read as %+v %d %q", key, r, what, path)
		}
	}
}

// TestLongNames: no element of a key is longer than stores take, and different
// names stay different.
func TestLongNames(t *testing.T) {
	for _, name := range []string{
		strings.Repeat("a", 220), strings.Repeat("a", 221), strings.Repeat("ü", 40), strings.Repeat(" ", 73), strings.Repeat(" ", 74),
		strings.Repeat("a", 158) + strings.Repeat(" ", 60), strings.Repeat("a", 159) + strings.Repeat(" ", 60), strings.Repeat("a", 4096),
	} {
		key := revision.FileKey("dir/" + name)
		element := key[strings.LastIndexByte(key, '/')+1:]
		if len(element) > 220 {
			t.Errorf("a name of %d bytes: element of %d", len(name), len(element))
		}
		if other := revision.FileKey("dir/" + name + "x"); other == key {
			t.Errorf("a name of %d bytes has the key of another", len(name))
		}
		_, _, path, err := layout.ParsePackageKey(key)
		whole := !strings.Contains(element, "=-")
		if whole != (err == nil) || whole && path != "dir/"+name {
			t.Errorf("%s is read as %q, %v", key, path, err)
		}
	}
}

func TestSnapshotAndResponseKeys(t *testing.T) {
	const id = "20221201T172031Z-0123456789ab"
	digest := layout.DigestOf([]byte("x"))
	for _, c := range []struct{ got, want string }{
		{layout.PointerKey("production"), "environments/production.json"},
		{layout.ManifestKey("production", id), "snapshots/production/" + id + "/manifest.json"},
		{layout.RoutesKey("production", id), "snapshots/production/" + id + "/routes.json"},
		{layout.ResponseKey(digest), "responses/2d711642b726b04401627ca9fbac32f5.json"},
	} {
		if c.got != c.want {
			t.Errorf("%s, want %s", c.got, c.want)
		}
	}
	if env, err := layout.ParsePointerKey("environments/production.json"); err != nil || env != "production" {
		t.Errorf("%q, %v", env, err)
	}
	for _, key := range []string{"environments/production", "environments/.json", "environments/a/b.json", "environments/A.json", "x/production.json", "environments/-a.json", "environments/production.json.lock"} {
		if env, err := layout.ParsePointerKey(key); err == nil {
			t.Errorf("%s is the pointer of %q", key, env)
		}
	}
	for _, file := range []string{"manifest.json", "routes.json"} {
		if env, got, name, err := layout.ParseSnapshotKey("snapshots/staging/" + id + "/" + file); err != nil || env != "staging" || got != id || name != file {
			t.Errorf("%q %q %q, %v", env, got, name, err)
		}
	}
	for _, key := range []string{"snapshots/staging/" + id + "/other.json", "snapshots/staging/" + id, "snapshots/staging/x/manifest.json", "snapshots/a/b/" + id + "/manifest.json", "snapshots//" + id + "/manifest.json"} {
		if _, _, _, err := layout.ParseSnapshotKey(key); err == nil {
			t.Errorf("%s is a key of a snapshot", key)
		}
	}
	for _, gzip := range []bool{false, true} {
		key := layout.ResponseKey(digest)
		if gzip {
			key += layout.GzipSuffix
		}
		if d, encoded, err := layout.ParseResponseKey(key); err != nil || d != digest || encoded != gzip {
			t.Errorf("%s: %q %t, %v", key, d, encoded, err)
		}
	}
	for _, key := range []string{"responses/x.json", "responses/2D711642B726B04401627CA9FBAC32F5.json", "responses/2d711642b726b04401627ca9fbac32f5", "responses/2d711642b726b04401627ca9fbac32f5.json.gz.gz", "2d711642b726b04401627ca9fbac32f5.json"} {
		if d, _, err := layout.ParseResponseKey(key); err == nil {
			t.Errorf("%s is the response %q", key, d)
		}
	}
}
