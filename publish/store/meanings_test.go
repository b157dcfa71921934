package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/storage"
	"github.com/aws/smithy-go"
	"google.golang.org/api/googleapi"

	"github.com/regsnap/regsnap/internal/retry"
	"github.com/regsnap/regsnap/layout"
)

func TestMatches(t *testing.T) {
	const sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // of abc: FIPS 180-2, B.1
	for _, c := range []struct {
		body string
		want layout.ObjectDigest
		ok   bool
	}{
		{"abc", layout.ObjectDigest{Size: 3, SHA256: sum}, true},
		{"abc", layout.ObjectDigest{Size: 2, SHA256: sum}, false},
		{"abc", layout.ObjectDigest{Size: 4, SHA256: sum}, false},
		{"abd", layout.ObjectDigest{Size: 3, SHA256: sum}, false},
		{"abc", layout.ObjectDigest{Size: 3}, false},
	} {
		if err := Matches([]byte(c.body), c.want); (err == nil) != c.ok {
			t.Errorf("%q is said to match %+v: %v", c.body, c.want, err)
		}
	}
}

// TestTroubleByError has the errors that look like another kind, by one of their parts.
func TestTroubleByError(t *testing.T) {
	message := func(status int, code, text string) error {
		return s3ErrorSaying(status, &smithy.GenericAPIError{Code: code, Message: text})
	}
	for _, c := range []struct {
		what, place, request string
		err                  error
		kind                 string
	}{
		{"an expired request", "s3://b", "read x", message(403, "AccessDenied", "Request has expired"), "clock"},
		{"a request that is not valid yet", "s3://b", "read x", message(403, "AccessDenied", "Request is not yet valid"), "clock"},
		{"the text, of another code", "s3://b", "read x", message(403, "Forbidden", "Request has expired"), "permission"},
		{"the code, of another text", "s3://b", "read x", message(403, "AccessDenied", "no"), "permission"},
		{"in the future", "s3://b", "read x", message(403, "RequestInTheFuture", ""), "clock"},
		{"GCS: no such bucket", "gs://b", "read x", &googleapi.Error{Code: 404, Message: "The specified bucket does not exist."}, "bucket"},
		{"GCS: no such bucket, in the body", "gs://b", "read x", &googleapi.Error{Code: 404, Body: "The specified bucket does not exist."}, "bucket"},
		{"GCS: the text, of another status", "gs://b", "read x", &googleapi.Error{Code: 403, Message: "The specified bucket does not exist."}, "permission"},
		{"GCS: no such object", "gs://b", "read x", &googleapi.Error{Code: 404, Message: "No such object"}, ""},
		{"GCS: not known", "gs://b", "read x", &googleapi.Error{Code: 401}, "keys"},
		{"not known", "s3://b", "read x", message(401, "Unauthorized", ""), "keys"},
		{"a redirect", "s3://b", "read x", message(301, "Moved", ""), "region"},
		{"no such bucket", "s3://b", "read x", message(404, "NoSuchBucket", ""), "bucket"},
		{"not implemented: a write", "s3://b", "write x", message(501, "NotImplemented", ""), "conditions"},
		{"not implemented: a read", "s3://b", "read x", message(501, "NotImplemented", ""), ""},
		{"an answer of no store", "s3://b", "read x", message(404, "UnknownError", ""), "endpoint"},
		{"an answer of no store: its status by name", "s3://b", "read x", message(404, "NotFound", ""), "endpoint"},
		{"an answer of no store, status 499", "s3://b", "read x", message(499, "UnknownError", ""), "endpoint"},
		{"an answer of the store, status 500", "s3://b", "read x", message(500, "UnknownError", ""), ""},
		{"an answer of status 299", "s3://b", "read x", message(299, "UnknownError", ""), ""},
		{"an answer of status 300", "s3://b", "read x", message(300, "UnknownError", ""), "endpoint"},
		{"not allowed", "s3://b", "read x", message(405, "MethodNotAllowed", ""), "endpoint"},
		{"what cannot be parsed", "s3://b", "read x", &smithy.DeserializationError{Err: errors.New("no XML")}, "endpoint"},
		{"busy, gave up", "s3://b", "read x", retry.GaveUp(3, message(503, "SlowDown", "")), "busy"},
		{"busy, once", "s3://b", "read x", message(503, "SlowDown", ""), ""},
		{"cancelled", "s3://b", "read x", context.Canceled, ""},
	} {
		var got *Trouble
		kind := ""
		if errors.As(trouble(c.place, c.request, c.err), &got) {
			kind = got.Kind
		}
		if kind != c.kind {
			t.Errorf("%s: %q, want %q", c.what, kind, c.kind)
		}
	}
	for _, c := range []struct {
		place, request string
		s3             bool
	}{{"s3://b", "read x", true}, {"s3://b", "write x", false}, {"gs://b", "read x", false}} {
		var got *Trouble
		if !errors.As(trouble(c.place, c.request, &googleapi.Error{Code: 403}), &got) || strings.Contains(got.Advice, "s3:ListBucket") != c.s3 {
			t.Errorf("%s of %s: %+v", c.request, c.place, got)
		}
	}
}

// TestFileDir: a folder is named by three slashes, or from where one stands.
func TestFileDir(t *testing.T) {
	for rawURL, want := range map[string]string{
		"file:///a/b/":         "/a/b",
		"file://localhost/a":   "/a",
		"file://./a/b":         "a/b",
		"file://./a/../b":      "b",
		"file://host/a":        "",
		"file://a/b?create=no": "",
	} {
		u, err := url.Parse(rawURL)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := fileDir(u); filepath.ToSlash(got) != want || (err == nil) != (want != "") {
			t.Errorf("%s is %q, %v; want %q", rawURL, got, err, want)
		}
	}
}

// TestSweepFolders: what is empty goes, at any depth, and nothing else.
func TestSweepFolders(t *testing.T) {
	s := newFileStore(t.TempDir())
	for _, folder := range []string{"packages/a/1.0.0/x", "packages/b/1.0.0", "snapshots/production/1", "responses/x", "other/empty"} {
		if err := os.MkdirAll(filepath.Join(s.dir, folder), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	putFile(t, s, layout.Object{Key: "packages/b/1.0.0/f", Body: []byte("x")})
	if err := s.sweepFolders(t.Context()); err != nil {
		t.Fatal(err)
	}
	var left []string
	if err := filepath.WalkDir(s.dir, func(name string, d os.DirEntry, err error) error {
		if rel, _ := filepath.Rel(s.dir, name); err == nil && rel != "." {
			left = append(left, filepath.ToSlash(rel))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"other", "other/empty", "packages", "packages/b", "packages/b/1.0.0", "packages/b/1.0.0/f", "responses", "snapshots"}; !slices.Equal(left, want) {
		t.Errorf("left are %q, want %q", left, want)
	}
}

// TestMeanings: what an answer means for an object.
func TestMeanings(t *testing.T) {
	s := answering(t, func(http.ResponseWriter, *http.Request) {})
	reading := func(op string, err error) error {
		var whole *smithy.OperationError
		errors.As(err, &whole)
		whole.OperationName = op
		return err
	}
	anyone := *s
	anyone.anonymous = true
	for _, c := range []struct {
		of   *s3Store
		err  error
		want error // an explanation stands for any
	}{
		{s, s3Error(404, "NoSuchKey"), fs.ErrNotExist},
		{s, s3Error(404, "NotFound"), fs.ErrNotExist},
		{s, s3Error(404, "NoSuchBucket"), nil},
		{s, s3Error(404, "NoSuchUpload"), nil},
		{s, s3Error(403, "AccessDenied"), nil},
		{s, reading("GetObject", s3Error(403, "AccessDenied")), explanation("")},
		{s, reading("HeadObject", s3Error(403, "AccessDenied")), explanation("")},
		{s, reading("ListObjectsV2", s3Error(403, "AccessDenied")), nil},
		{s, reading("GetObject", s3Error(401, "AccessDenied")), nil},
		{&anyone, s3Error(403, "AccessDenied"), fs.ErrNotExist},
		{&anyone, s3Error(401, "AccessDenied"), nil},
		{s, s3Error(416, "InvalidRange"), errShort},
		{s, s3Error(412, "PreconditionFailed"), errRefused},
		{s, s3Error(304, "NotModified"), errRefused},
		{s, s3Error(409, "ConditionalRequestConflict"), nil},
		{s, s3Error(500, "InternalError"), nil},
	} {
		got := c.of.means(c.err)
		_, explains := got.(explanation)
		if _, any := c.want.(explanation); any && !explains || !any && got != c.want {
			t.Errorf("%v means %v, want %v", c.err, got, c.want)
		}
	}
	u, err := url.Parse("gs://bucket?anonymous=true")
	if err != nil {
		t.Fatal(err)
	}
	gcs, err := openGCS(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	defer gcs.Close()
	for _, c := range []struct {
		err, want error
	}{
		{storage.ErrObjectNotExist, fs.ErrNotExist},
		{&googleapi.Error{Code: 404, Message: "No such object"}, fs.ErrNotExist},
		{&googleapi.Error{Code: 404, Message: "The specified bucket does not exist."}, nil},
		{storage.ErrBucketNotExist, nil},
		{&googleapi.Error{Code: 416}, errShort},
		{&googleapi.Error{Code: 412}, errRefused},
		{&googleapi.Error{Code: 403}, nil},
		{&googleapi.Error{Code: 503}, nil},
	} {
		if got := gcs.(*gcsStore).meaning(c.err); got != c.want {
			t.Errorf("%v means %v, want %v", c.err, got, c.want)
		}
	}
	if err := gcs.Swap(t.Context(), "environments/a.json", nil, "no number"); err == nil || !strings.Contains(err.Error(), "generation") {
		t.Errorf("a token that is no generation: %v", err)
	}
}

// TestTextsAreTheStores: an error has the key once, what the store said, and nothing that
// gocloud puts around it.
func TestTextsAreTheStores(t *testing.T) {
	s := answering(t, func(w http.ResponseWriter, r *http.Request) { s3Answer(w, http.StatusForbidden, "AccessDenied") })
	_, _, err := s.Load(t.Context(), "environments/a.json")
	if err == nil || strings.Contains(err.Error(), "code=") || strings.Count(err.Error(), "environments/a.json") != 1 || !strings.Contains(err.Error(), "as the test wanted") {
		t.Errorf("%v", err)
	}
	several := errors.Join(errors.New("a"), errors.New("b"))
	for _, c := range []struct{ err, want error }{{io.EOF, io.EOF}, {several, several.(interface{ Unwrap() []error }).Unwrap()[0]}} {
		if got := plain(c.err); got != c.want {
			t.Errorf("%v is %v", c.err, got)
		}
	}
}

// TestOpeningIsTold: there is a notice of the end of opening a bucket too, which says how it
// ended.
func TestOpeningIsTold(t *testing.T) {
	u, err := url.Parse("s3://bucket?region=us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []error{nil, errCredentials} {
		var told []Notice
		ctx := WithNotices(t.Context(), func(n Notice) { told = append(told, n) })
		s, err := retried(ctx, u, func(context.Context, *url.URL) (Store, error) { return stepped{}, want }, RetryPolicy{})
		if (s == nil) != (want != nil) || !errors.Is(err, want) || len(told) != 1 || told[0].Request != "open the bucket" || told[0].Place != "s3://bucket" || told[0].Err != want {
			t.Errorf("%v: %+v", err, told)
		}
		if r, ok := s.(*retrying); ok && (r.place != "s3://bucket" || r.notices == nil) {
			t.Errorf("%+v", r)
		}
	}
}

// TestNoETag: a pointer whose state the store does not tell cannot be changed safely.
func TestNoETag(t *testing.T) {
	for etag, ok := range map[string]bool{"": false, `"a"`: true, `W/"a"`: true} {
		s := answering(t, func(w http.ResponseWriter, _ *http.Request) {
			if etag != "" {
				w.Header().Set("ETag", etag)
			}
			fmt.Fprint(w, "{}")
		})
		_, token, err := s.Load(t.Context(), "environments/a.json")
		if (err == nil) != ok || ok && token != `"a"` {
			t.Errorf("an ETag of %q: token %q, %v", etag, token, err)
		}
	}
}

// TestBatchesThatFailInPart: what S3 did not delete is asked for alone, whose error says why.
func TestBatchesThatFailInPart(t *testing.T) {
	for status, ok := range map[int]bool{http.StatusNoContent: true, http.StatusNotFound: true, http.StatusForbidden: false} {
		asked := ""
		s := answering(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				fmt.Fprint(w, `<DeleteResult><Error><Key>b</Key><Code>InternalError</Code></Error></DeleteResult>`)
				return
			}
			asked += r.Method + " " + r.URL.Path
			s3Answer(w, status, "AccessDenied")
		})
		once, err := s.deleteBatch(t.Context(), []string{"a", "b"})
		if asked != "DELETE /bucket/b" || (err == nil) != ok || once != ok {
			t.Errorf("answered %d: asked %q, in one request %t, %v", status, asked, once, err)
		}
	}
	for status, class := range map[int]error{http.StatusNotImplemented: ErrUnsupported, http.StatusServiceUnavailable: nil} {
		s := answering(t, func(w http.ResponseWriter, _ *http.Request) {
			s3Answer(w, status, strings.ReplaceAll(http.StatusText(status), " ", ""))
		})
		once, err := s.deleteBatch(t.Context(), []string{"a", "b"})
		if err == nil || errors.Is(err, ErrUnsupported) != (class != nil) || once != (class != nil) {
			t.Errorf("answered %d: in one request %t, %v", status, once, err)
		}
	}
}

// TestTuneTransport: a transport that has no dialer of its own gets one, whose connections
// are watched.
func TestTuneTransport(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "x") }))
	defer server.Close()
	transport := &http.Transport{}
	tuneTransport(transport)
	c, err := transport.DialContext(t.Context(), "tcp", strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if w, ok := c.(*watchedConn); !ok || w.silence != silence {
		t.Errorf("the connection is %T", c)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := transport.DialContext(t.Context(), "tcp", "127.0.0.1:1"); err == nil {
		t.Error("a connection to nobody")
	}
	if !transport.DisableCompression || transport.MaxIdleConnsPerHost != idleConnections {
		t.Errorf("%+v", transport)
	}
}
