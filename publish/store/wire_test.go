package store

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob/gcsblob"

	"github.com/regsnap/regsnap/layout"
)

// TestS3Requests: each request of each call, with the headers that the store looks at.
func TestS3Requests(t *testing.T) {
	const (
		path  = "/bucket/some/where/k"
		ours  = "Content-Type=text/plain Cache-Control=no-cache Content-Encoding=gzip"
		state = "Content-Type=application/json Cache-Control=no-cache"
		kms   = " X-Amz-Server-Side-Encryption=aws:kms X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id=mine"
		sha   = " X-Amz-Checksum-Algorithm=SHA256"
	)
	object := layout.Object{Key: "k", Body: []byte("x"), ContentType: "text/plain", CacheControl: "no-cache", ContentEncoding: "gzip"}
	large := object
	large.Body = make([]byte, 16<<20+1)
	for _, c := range []struct {
		name string
		call func(ctx context.Context, s *s3Store) error
		want []string
	}{
		{"put", func(ctx context.Context, s *s3Store) error { return s.Put(ctx, object) }, []string{"PUT " + path + "? If-None-Match=* " + ours + kms}},
		{"replace", func(ctx context.Context, s *s3Store) error { return s.replace(ctx, object) }, []string{"PUT " + path + "? " + ours + kms}},
		{"create", func(ctx context.Context, s *s3Store) error { return s.Swap(ctx, "k", []byte("x"), "") }, []string{"PUT " + path + "? If-None-Match=* " + state + kms}},
		{"swap", func(ctx context.Context, s *s3Store) error { return s.Swap(ctx, "k", []byte("x"), `"e"`) }, []string{`PUT ` + path + `? If-Match="e" ` + state + kms}},
		{"put a large one", func(ctx context.Context, s *s3Store) error { return s.Put(ctx, large) }, []string{
			"HEAD " + path + "? ", "POST " + path + "?uploads " + ours + kms + sha,
			"PUT " + path + "?partNumber=1 8388608 bytes", "PUT " + path + "?partNumber=2 8388608 bytes", "PUT " + path + "?partNumber=3 1 bytes",
			"POST " + path + "?uploadId If-None-Match=*",
		}},
		{"replace by a large one", func(ctx context.Context, s *s3Store) error { return s.replace(ctx, large) }, []string{
			"POST " + path + "?uploads " + ours + kms + sha,
			"PUT " + path + "?partNumber=1 8388608 bytes", "PUT " + path + "?partNumber=2 8388608 bytes", "PUT " + path + "?partNumber=3 1 bytes",
			"POST " + path + "?uploadId",
		}},
		{"delete", func(ctx context.Context, s *s3Store) error { return s.Delete(ctx, "k") }, []string{"DELETE " + path + "? "}},
		{"delete two", func(ctx context.Context, s *s3Store) error {
			_, err := s.deleteBatch(ctx, []string{"a", "b"})
			return err
		}, []string{"POST /bucket?delete some/where/a some/where/b quiet"}},
		{"read", func(ctx context.Context, s *s3Store) error {
			r, _, err := s.Open(ctx, "k", 3, 4)
			if err != nil {
				return err
			}
			return r.Close()
		}, []string{"GET " + path + "? Range=bytes=3-6"}},
		{"list", func(ctx context.Context, s *s3Store) error {
			_, _, err := s.page(ctx, "p", nil)
			return err
		}, []string{"GET /bucket?list max-keys=1000 prefix=some/where/p"}},
	} {
		var mu sync.Mutex
		var seen []string
		s := answeringAt(t, "&prefix=some/where/&ssetype=AWS:kms&kmskeyid=mine", func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			q := r.URL.Query()
			line := r.Method + " " + r.URL.Path + "?"
			headers := func(names ...string) {
				for _, name := range names {
					if v := r.Header.Get(name); v != "" {
						line += " " + name + "=" + v
					}
				}
			}
			answer := ""
			switch {
			case q.Has("uploads"):
				line += "uploads"
				headers("Content-Type", "Cache-Control", "Content-Encoding", "X-Amz-Server-Side-Encryption", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", "X-Amz-Checksum-Algorithm")
				answer = "<InitiateMultipartUploadResult><UploadId>up</UploadId></InitiateMultipartUploadResult>"
			case q.Has("partNumber"):
				line += fmt.Sprintf("partNumber=%s %d bytes", q.Get("partNumber"), len(body))
				w.Header().Set("ETag", `"e`+q.Get("partNumber")+`"`)
			case q.Has("uploadId"):
				line += "uploadId"
				headers("If-None-Match", "If-Match")
				answer = "<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>"
				for n := range 3 { // the parts, in their order, as they were answered
					if _, rest, ok := strings.Cut(string(body), fmt.Sprintf(`&#34;e%d&#34;`, n+1)); !ok || !strings.Contains(rest, fmt.Sprintf("<PartNumber>%d</PartNumber>", n+1)) || !strings.Contains(rest, "<ChecksumSHA256>") && n < 2 {
						line += fmt.Sprintf(" without part %d: %s", n+1, body)
					}
				}
			case q.Has("delete"):
				line += "delete"
				for part := range strings.SplitSeq(string(body), "<Key>") {
					if key, _, ok := strings.Cut(part, "</Key>"); ok {
						line += " " + key
					}
				}
				if strings.Contains(string(body), "<Quiet>true</Quiet>") {
					line += " quiet"
				}
				answer = "<DeleteResult/>"
			case q.Has("list-type"):
				line += "list max-keys=" + q.Get("max-keys") + " prefix=" + q.Get("prefix")
				answer = "<ListBucketResult/>"
			case r.Method == http.MethodGet:
				headers("Range")
				w.Header().Set("Content-Range", "bytes 3-6/9")
				w.WriteHeader(http.StatusPartialContent)
				answer = "3456"
			default:
				line += " "
				headers("If-None-Match", "If-Match", "Content-Type", "Cache-Control", "Content-Encoding", "X-Amz-Server-Side-Encryption", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id")
			}
			mu.Lock()
			seen = append(seen, strings.ReplaceAll(line, "  ", " "))
			mu.Unlock()
			if r.Method == http.MethodHead {
				w.WriteHeader(http.StatusNotFound)
			}
			fmt.Fprint(w, answer)
		})
		if err := c.call(t.Context(), s); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		parts := func(a, b string) int { // sent side by side
			if strings.Contains(a, "partNumber") && strings.Contains(b, "partNumber") {
				return strings.Compare(a, b)
			}
			return 0
		}
		if slices.SortStableFunc(seen, parts); !slices.Equal(seen, c.want) {
			t.Errorf("%s: it asks for\n%s\nwant\n%s", c.name, strings.Join(seen, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

// TestS3Taken: what is large is not sent where its key is taken, which is a conflict for a
// swap; and an upload that the store has forgotten need not be given up.
func TestS3Taken(t *testing.T) {
	for status, want := range map[int]error{http.StatusOK: ErrConflict, http.StatusForbidden: nil} {
		s := answering(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodHead {
				t.Errorf("%s %s", r.Method, r.URL)
			}
			w.WriteHeader(status)
		})
		if err := s.Swap(t.Context(), "k", make([]byte, 16<<20+1), ""); err == nil || errors.Is(err, ErrConflict) != (want != nil) {
			t.Errorf("a look is answered %d: %v", status, err)
		}
		if err := s.Put(t.Context(), layout.Object{Key: "k", Body: make([]byte, 16<<20+1)}); (err == nil) != (want != nil) {
			t.Errorf("a look is answered %d: put: %v", status, err)
		}
	}
	for status, ok := range map[int]bool{http.StatusNoContent: true, http.StatusNotFound: true, http.StatusForbidden: false} {
		s := answering(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		ended, stop := context.WithCancel(t.Context())
		stop()
		in := &s3.CreateMultipartUploadInput{Bucket: aws.String("bucket"), Key: aws.String("k")}
		if err := s.abort(ended, in, aws.String("up")); (err == nil) != ok {
			t.Errorf("answered %d: %v", status, err)
		}
	}
}

// TestClients: the clients of stores behind a network keep connections for many requests,
// watch them, and take bodies as they are stored.
func TestClients(t *testing.T) {
	s := answering(t, func(http.ResponseWriter, *http.Request) {})
	client, ok := s.client.Options().HTTPClient.(*awshttp.BuildableClient)
	if !ok {
		t.Fatalf("the client is %T", s.client.Options().HTTPClient)
	}
	if tr := client.GetTransport(); tr.MaxIdleConnsPerHost != 256 || tr.MaxIdleConns != 0 || !tr.DisableCompression {
		t.Errorf("%d idle connections, compression off: %t", tr.MaxIdleConnsPerHost, tr.DisableCompression)
	}
	if got := s.client.Options().Retryer.MaxAttempts(); got != 1 {
		t.Errorf("%d attempts of its own", got)
	}
	t.Setenv("STORAGE_EMULATOR_HOST", "127.0.0.1:1")
	for rawURL, want := range map[string]int{"mem://": 128, "gs://b?anonymous=true": 128, "s3://b?region=us-east-1": 128} {
		s, err := Open(t.Context(), rawURL, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := CapabilitiesOf(s).Parallel; got != want {
			t.Errorf("%s: %d at once, want %d", rawURL, got, want)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, rawURL := range []string{"gs://b?anonymous=true&zonal=true", "gs://b?anonymous=true&grpc=true"} {
		if _, err := Open(t.Context(), rawURL, Options{}); !errors.Is(err, ErrURL) || !strings.Contains(err.Error(), "not supported") {
			t.Errorf("%s: %v", rawURL, err)
		}
	}
}

// tripper answers requests from a list.
type tripper struct {
	statuses []int
	asked    int
}

func (r *tripper) RoundTrip(*http.Request) (*http.Response, error) {
	status := r.statuses[r.asked]
	if r.asked++; status == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	return &http.Response{StatusCode: status, Body: http.NoBody}, nil
}

// TestSingleReads: what was answered with a body once is not asked for again in one read.
func TestSingleReads(t *testing.T) {
	for _, c := range []struct {
		statuses []int
		one      bool
		want     string
	}{
		{[]int{200, 200}, true, "200 cut"}, {[]int{206, 206}, true, "206 cut"}, {[]int{503, 200, 200}, true, "503 200 cut"}, {[]int{304, 200}, true, "304 200"},
		{[]int{0, 200, 200}, true, "lost 200 cut"}, {[]int{200, 200}, false, "200 200"},
	} {
		ctx := t.Context()
		if c.one {
			ctx = oneRead(oneRead(ctx))
		}
		var got []string
		transport := singleReads{&tripper{statuses: c.statuses}}
		for range c.statuses {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://host/", nil)
			if err != nil {
				t.Fatal(err)
			}
			switch resp, err := transport.RoundTrip(req); {
			case errors.Is(err, errCutShort):
				got = append(got, "cut")
			case err != nil:
				got = append(got, "lost")
			default:
				got = append(got, fmt.Sprint(resp.StatusCode))
				_ = resp.Body.Close()
			}
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%v, in one read %t: %s, want %s", c.statuses, c.one, s, c.want)
		}
	}
	if !transient(errCutShort) {
		t.Error("a read that was cut is not made again")
	}
}

// TestGCSCredentials: a file of credentials is found, and its universe is asked.
func TestGCSCredentials(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key.json")
	for content, ok := range map[string]bool{
		`{"type": "authorized_user", "client_id": "a", "client_secret": "b", "refresh_token": "c"}`: true,
		`{"type": "authorized_user", "client_id": "a", "client_secret": `:                           false,
	} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file)
		o := &gcsblob.URLOpener{}
		err := gcsCredentials(t.Context(), o, "", http.DefaultTransport)
		if (err == nil) != ok || errors.Is(err, errCredentials) == ok || ok && (o.Client == nil || len(o.Options.ClientOptions) != 1) {
			t.Errorf("%s: %+v, %v", content, o, err)
		}
	}
}

// TestGCSLarge: a large object goes in one request, as it is at hand for the next attempt.
func TestGCSLarge(t *testing.T) {
	body := make([]byte, 17<<20)
	sum := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli))))
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		seen = append(seen, r.Method+" "+r.URL.Query().Get("uploadType"))
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"name": "k", "bucket": "bucket", "crc32c": %q}`, sum)
	}))
	defer server.Close()
	t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(server.URL, "http://"))
	u, err := url.Parse("gs://bucket?anonymous=true")
	if err != nil {
		t.Fatal(err)
	}
	s, err := openGCS(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Put(t.Context(), layout.Object{Key: "k", Body: body, ContentType: "text/plain"}); err != nil || !slices.Equal(seen, []string{"POST multipart"}) {
		t.Errorf("%v: the requests are %q", err, seen)
	}
}

// TestGCSCreators: who may only create is refused what is there, which is as good as having
// put it; and so is nothing else.
func TestGCSCreators(t *testing.T) {
	sum := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.Checksum([]byte("x"), crc32.MakeTable(crc32.Castagnoli))))
	for _, c := range []struct {
		put, look int
		ok        bool
	}{{200, 0, true}, {412, 0, true}, {403, 200, true}, {403, 404, false}, {403, 403, false}, {500, 200, false}} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/json")
			status := c.look
			if r.Method == http.MethodPost {
				if status = c.put; r.URL.Query().Get("ifGenerationMatch") != "0" {
					t.Errorf("a write without a condition: %s", r.URL)
				}
			}
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"name": "k", "bucket": "bucket", "crc32c": %q}`, sum)
		}))
		t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(server.URL, "http://"))
		u, err := url.Parse("gs://bucket?anonymous=true")
		if err != nil {
			t.Fatal(err)
		}
		s, err := openGCS(t.Context(), u)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Put(t.Context(), layout.Object{Key: "k", Body: []byte("x"), ContentType: "text/plain"}); (err == nil) != c.ok {
			t.Errorf("a put is answered %d, a look %d: %v", c.put, c.look, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		server.Close()
	}
}
