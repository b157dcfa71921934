package store_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/gcsblob"
	_ "gocloud.dev/blob/s3blob"

	"github.com/regsnap/regsnap/internal/child"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/publish/store/storetest"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
)

// TestHeaders: an object carries the headers that clients of a plain CDN must
// see, also when it is uploaded in parts.
func TestHeaders(t *testing.T) {
	onBothClouds(t, func(t *testing.T, s *servers.Server) {
		bucket := s.URL(s.NewBucket(t))
		b, plain := openStore(t, bucket, store.RetryPolicy{}), openPlain(t, bucket)
		var zipped bytes.Buffer
		w := gzip.NewWriter(&zipped)
		if _, err := io.WriteString(w, strings.Repeat("hello ", 100)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		for _, o := range []layout.Object{
			{Key: "responses/a.json", Body: []byte("{}"), ContentType: "application/json", CacheControl: "max-age=600, public"},
			{Key: "responses/a.json.gz", Body: zipped.Bytes(), ContentType: "application/json", CacheControl: "max-age=10, public", ContentEncoding: "gzip"},
			{Key: "packages/empty", ContentType: "text/markdown; charset=utf-8", CacheControl: "public, max-age=31536000, immutable"},
			{Key: "packages/large", Body: make([]byte, 17<<20), ContentType: "application/zip", CacheControl: "max-age=600, public"},
		} {
			if err := b.Put(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			a, err := plain.Attributes(t.Context(), o.Key)
			if err != nil {
				t.Fatal(err)
			}
			if a.ContentType != o.ContentType || a.CacheControl != o.CacheControl || a.ContentEncoding != o.ContentEncoding || a.Size != int64(len(o.Body)) {
				t.Errorf("%s: type %q, cache %q, encoding %q, %d bytes; want %q, %q, %q, %d", o.Key,
					a.ContentType, a.CacheControl, a.ContentEncoding, a.Size, o.ContentType, o.CacheControl, o.ContentEncoding, len(o.Body))
			}
			if got, err := storetest.Read(t.Context(), b, o.Key); err != nil || !bytes.Equal(got, o.Body) {
				t.Errorf("%s: read %d bytes of %d, %v", o.Key, len(got), len(o.Body), err)
			}
		}
		key := layout.PointerKey("production")
		token := store.Token("")
		for _, body := range []string{"one", "two"} {
			if err := b.Swap(t.Context(), key, []byte(body), token); err != nil {
				t.Fatal(err)
			}
			a, err := plain.Attributes(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			if a.ContentType != "application/json" || a.CacheControl != "no-cache" {
				t.Errorf("the pointer has type %q, cache %q", a.ContentType, a.CacheControl)
			}
			if _, token, err = b.Load(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// openPlain opens a bucket as any other program would.
func openPlain(t *testing.T, url string) *blob.Bucket {
	t.Helper()
	b, err := blob.OpenBucket(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// TestURLs: what is wrong with a URL is said, and what is secret in it is not.
func TestURLs(t *testing.T) {
	for _, url := range []string{
		"s3://bucket?endpoint=http://x&secret=hunter2",
		"s3://bucket?use_path_style=maybe&endpoint=http%3A%2F%2Fme%3Ahunter2%2Fx%40host",
		"s3://user:hunter2@bucket?region=x&role=hunter2",
		"gs://bucket?anonymous=true&secret=hunter2",
		"gs://bucket?grpc=true&secret=hunter2",
		"s3://bucket?key=hunter2",
		"file://user:hunter2@host/dir",
		"file:///dir?prefix=a&secret=hunter2",
		"ftp://user:hunter2@host",
		"http://user:hunter2@host/%zz",
		"http://user:hunter2/x@host",
		"user:hunter2@host",
		"//user:hunter2@host",
		"",
	} {
		b, err := store.Open(t.Context(), url, store.Options{})
		if err == nil {
			t.Errorf("%s was opened", url)
			b.Close()
			continue
		}
		if !errors.Is(err, store.ErrURL) || !strings.HasPrefix(err.Error(), "bucket URL") {
			t.Errorf("%s: %v, want ErrURL", url, err)
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error shows it: %v", url, err)
		}
		if strings.Contains(err.Error(), "open bucket \"") || strings.Count(err.Error(), "bucket?") > 1 {
			t.Errorf("%s: the error names it twice: %v", url, err)
		}
	}
}

// TestErrorsHideSecrets: an endpoint may hold a password, and requests are
// signed; neither must be in the error when all of that fails.
func TestErrorsHideSecrets(t *testing.T) {
	s := servers.StartS3(t)
	dead := child.Address(t)
	t.Setenv("AWS_SESSION_TOKEN", "token-hunter2")
	for _, url := range []string{
		"s3://bucket?region=us-east-1&use_path_style=true&endpoint=http%3A%2F%2Fuser%3Ahunter2%40" + dead,
		s.Via("user:hunter2@" + s.Addr).URL("bucket"),
	} {
		b := openStore(t, url, soon)
		_, readErr := storetest.Read(t.Context(), b, "responses/a.json")
		_, _, pointerErr := b.Load(t.Context(), layout.PointerKey("production"))
		errs := []error{b.Put(t.Context(), testObject("responses/a.json", []byte("{}"))), readErr, pointerErr, b.Delete(t.Context(), "responses/a.json")}
		for _, err := range b.List(t.Context(), "") {
			errs = append(errs, err)
		}
		for _, err := range errs {
			if err == nil {
				t.Errorf("%s: an operation succeeded", url)
				continue
			}
			for _, secret := range []string{"hunter2", "Signature=", "Authorization"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error shows %s: %v", secret, err)
				}
			}
		}
	}
}

// TestGCSWithoutCredentials: there is no way on without, and it says so.
func TestGCSWithoutCredentials(t *testing.T) {
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/hunter2.json")
	t.Setenv("STORAGE_EMULATOR_HOST", "")
	_, err := store.Open(t.Context(), "gs://bucket", store.Options{})
	if err == nil || !strings.Contains(err.Error(), "anonymous=true") || errors.Is(err, store.ErrURL) {
		t.Errorf("opened without credentials: %v", err)
	}
}

// TestRawGzip asks the emulator as a browser would: the object is stored encoded.
func TestRawGzip(t *testing.T) {
	s := servers.StartGCS(t)
	name := s.NewBucket(t)
	b := openStore(t, s.URL(name), store.RetryPolicy{})
	// gzip of "hello\n".
	body := []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcbH\xcd\xc9\xc9\xe7\x02\x00 0:6\x06\x00\x00\x00")
	o := testObject("responses/a.json.gz", body)
	o.ContentEncoding = "gzip"
	if err := b.Put(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Addr+"/"+name+"/"+o.Key, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "gzip")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		t.Fatal(err)
	}
	if resp.Header.Get("Content-Encoding") != "gzip" || !bytes.Equal(got, body) {
		t.Errorf("%s, %s: %q", resp.Status, resp.Header.Get("Content-Encoding"), got)
	}
}
