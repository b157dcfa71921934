package layout

import "testing"

// TestHeaders: what stores and plain CDNs are told of each kind of object. The keys
// have tests of their own.
func TestHeaders(t *testing.T) {
	rev := Revision{Name: "a", Version: "1.0.0", ID: "0123456789abcdef0123"}
	file := ContentsFile{Path: "img/a.svg", Type: "image/svg+xml", SHA256: someSHA256}
	response := responseObject(testDigest(1), CacheContent)
	for name, c := range map[string]struct {
		o                               Object
		contentType, encoding, cacheing string
	}{
		"archive":   {rev.Archive(), "application/zip", "", "max-age=600, public"},
		"signature": {rev.Signature(), "application/pgp-signature", "", "max-age=600, public"},
		"file":      {rev.File(file), "image/svg+xml", "", "max-age=600, public"},
		"contents":  {rev.Contents(), "application/json", "", "public, max-age=31536000, immutable"},
		"manifest":  {ManifestObject("production", testID(1)), "application/json", "", "public, max-age=31536000, immutable"},
		"routes":    {RoutesObject("production", testID(1)), "application/json", "", "public, max-age=31536000, immutable"},
		"part":      {partObject(testDigest(1)), "application/octet-stream", "", "public, max-age=31536000, immutable"},
		"page":      {pageObject(testDigest(1)), "application/octet-stream", "", "public, max-age=31536000, immutable"},
		"encoded":   {response.Encoded(), "application/json", "gzip", "max-age=600, public"},
		"v2 index":  {IndexObject("production", 7), "application/json", "gzip", "public, max-age=31536000, immutable"},
	} {
		if c.o.ContentType != c.contentType || c.o.ContentEncoding != c.encoding || c.o.CacheControl != c.cacheing {
			t.Errorf("%s: %+v", name, c.o)
		}
	}
	if got, want := response.Encoded().Key, response.Key+".gz"; got != want {
		t.Errorf("the twin of a response is %s, want %s", got, want)
	}
	if o := response.With([]byte("x")).Summed(someSHA256).Encoded(); o.Body != nil || o.SHA256 != "" {
		t.Errorf("the twin has the content of the other: %+v", o)
	}
	if got := rev.File(file).SHA256; got != someSHA256 {
		t.Errorf("digest of a file: %s", got)
	}
}

func TestCompressible(t *testing.T) {
	for contentType, want := range map[string]bool{
		"text/plain; charset=utf-8": true, "text/markdown; charset=utf-8": true, "application/json": true, "image/svg+xml": true, "text/yaml; charset=UTF-8": true,
		"application/zip": false, "image/png": false, "application/octet-stream": false, "application/pgp-signature": false, "": false, "application/gzip": false,
	} {
		if Compressible(contentType) != want {
			t.Errorf("%q: %v", contentType, !want)
		}
	}
}

func TestContentTypes(t *testing.T) {
	for name, want := range map[string]string{
		"a.png": "image/png", "A.PNG": "image/png", "docs/README.md": "text/markdown; charset=utf-8", "manifest.yml": "text/yaml; charset=UTF-8",
		"LICENSE": "text/plain; charset=utf-8", "a.unknown": "text/plain; charset=utf-8",
	} {
		if got := ContentType(name, []byte("words")); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if got := ContentType("a", []byte("\x89PNG\r\n\x1a\n")); got != "image/png" {
		t.Errorf("sniffed as %s", got)
	}
}
