package layout

import (
	"strings"
	"testing"
)

func TestRevisionOfKey(t *testing.T) {
	r := Revision{Name: "nginx", Version: "1.0.0-rc1+b", ID: "0123456789abcdef0123"}
	for key, want := range map[string]PackageObject{
		r.ArchiveKey():           ArchiveObject,
		r.SignatureKey():         SignatureObject,
		r.ContentsKey():          ContentsObject,
		r.FileKey("docs/a b.md"): FileObject,
		r.FileKey("img/" + strings.Repeat("ü", 90)): FileObject, // abbreviated
	} {
		if got, what, err := RevisionOfKey(key); got != r || what != want || err != nil {
			t.Errorf("%s: %v %v %v", key, got, what, err)
		}
	}
	for _, bad := range []string{"packages/nginx/1.0.0/x/files/a", "packages/NGINX/1.0.0/0123456789abcdef0123/files/a",
		"packages/nginx/1.0.0/0123456789abcdef0123/other", "responses/0123456789abcdef0123", "packages/nginx/1.0.0"} {
		if _, _, err := RevisionOfKey(bad); err == nil {
			t.Errorf("%s was taken for a package's", bad)
		}
	}
}
