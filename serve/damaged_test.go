package serve_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/serve"
)

// altering is a bucket whose objects are other bytes than were put into it.
type altering struct {
	serve.Bucket
	alter func(body []byte) []byte // nil while the bucket is sound
}

// altered: routes and lists are read and checked by readers of their own.
func (b *altering) altered(key string) bool {
	return b.alter != nil && (strings.HasPrefix(key, "responses/") || !strings.HasSuffix(key, ".json"))
}

func (b *altering) Read(ctx context.Context, key string) ([]byte, error) {
	body, err := b.Bucket.Read(ctx, key)
	if err == nil && b.altered(key) {
		body = b.alter(bytes.Clone(body))
	}
	return body, err
}

// Open gives what the store would send for a part of the object.
func (b *altering) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if !b.altered(key) {
		return b.Bucket.Open(ctx, key, offset, length)
	}
	r, err := b.Bucket.Open(ctx, key, offset, length)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	body, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(b.alter(body))), nil
}

// TestDamagedObjects: whatever is done to the objects of the bucket, no client
// takes other bytes for an answer than those of a sound bucket, and none of them
// is in memory once the bucket is sound again.
func TestDamagedObjects(t *testing.T) {
	alterations := map[string]func([]byte) []byte{
		"one byte short":  func(b []byte) []byte { return b[:max(len(b)-1, 0)] },
		"half":            func(b []byte) []byte { return b[:len(b)/2] },
		"empty":           func([]byte) []byte { return nil },
		"first byte":      func(b []byte) []byte { return flip(b, 0) },
		"middle byte":     func(b []byte) []byte { return flip(b, len(b)/2) },
		"last byte":       func(b []byte) []byte { return flip(b, len(b)-1) },
		"one byte more":   func(b []byte) []byte { return append(b, 'x') },
		"twice":           func(b []byte) []byte { return append(b, b...) },
		"one byte before": func(b []byte) []byte { return append([]byte{' '}, b...) },
		"zeros":           func(b []byte) []byte { return make([]byte, len(b)) },
		"upper case":      bytes.ToUpper,
		"encoded again": func(b []byte) []byte {
			var out bytes.Buffer
			z := gzip.NewWriter(&out)
			_, _ = z.Write(b)
			_ = z.Close()
			return out.Bytes()
		},
	}
	paths := []string{
		"/search", "/search?all=true&prerelease=true", "/search?package=web", "/search?category=security", "/search?category=web&all=true",
		"/categories", "/categories?include_policy_templates=true", "/package/web/2.0.0/",
		"/package/web/2.0.0/docs/README.md", "/package/trial/0.1.0/docs/empty.txt", "/package/trial/0.1.0/img/icon.svg",
		"/package/store/1.0.0/docs/a%20file%20(1)%20%5Bx%5D.md", "/package/trial/0.1.0/docs/large.txt", "/package/store/1.0.0/img/large.png",
		"/package/trial/0.1.0/agent/stream/long.yml.hbs", "/package/trial/0.1.0/agent/stream/short.hbs", "/package/trial/0.1.0/agent/stream/empty.hbs",
		"/package/trial/0.1.0/agent/large.txt", "/package/signed/1.0.0/agent/deflated.hbs", "/package/signed/1.0.0/agent/stored.hbs", "/package/signed/1.0.0/agent/empty.hbs",
		"/epr/trial/trial-0.1.0.zip", "/epr/signed/signed-1.0.0.zip", "/epr/signed/signed-1.0.0.zip.sig",
	}
	root := edition(t, "one")
	for name, budget := range map[string]layout.Budget{"all rendered ahead": {}, "put together": onlyCatalog} {
		of := newBucket(t)
		published(t, of, built(t, of, root, budget))
		for _, keep := range []int64{1, 1 << 20} { // streamed, and in memory
			sound := start(t, production(of))
			want := map[string][]byte{}
			for _, path := range paths {
				want[path] = decoded(t, sound.get(path))
			}
			bucket := &altering{Bucket: of}
			for what, alter := range alterations {
				o := production(bucket)
				o.CacheObject = keep
				s := start(t, o)
				for _, path := range paths {
					for _, headers := range [][]string{nil, {"Accept-Encoding: gzip"}} {
						for _, bucket.alter = range []func([]byte) []byte{alter, nil} {
							r, err := s.try("GET", path, headers...)
							if bucket.alter != nil && (err != nil || r.StatusCode == 502) {
								if err == nil && (r.Header.Get("Etag") != "" || !slices.Equal(r.Header["Cache-Control"], asError)) {
									t.Errorf("%s, %s: %s %v may be kept", what, path, r.Status, r.Header)
								}
								continue
							}
							if err != nil || r.StatusCode != 200 || !bytes.Equal(decoded(t, r), want[path]) {
								t.Errorf("%s: %s (altered: %v), %s %v: %v %s of %d bytes, want %d", name, what, bucket.alter != nil, path, headers, err, r.Status, len(r.body), len(want[path]))
							}
						}
					}
				}
			}
		}
	}
}

// decoded is what the client is shown.
func decoded(t *testing.T, r reply) []byte {
	t.Helper()
	if r.Header.Get("Content-Encoding") == "" {
		return r.body
	}
	z, err := gzip.NewReader(bytes.NewReader(r.body))
	if err != nil {
		t.Error(err)
		return nil
	}
	body, err := io.ReadAll(z)
	if err != nil {
		t.Error(err)
	}
	return body
}

func flip(b []byte, at int) []byte {
	if len(b) > 0 {
		b[at] ^= 0x20
	}
	return b
}
