// Package servers runs real object stores for tests: versitygw for S3 and
// fake-gcs-server for Google Cloud Storage, over loopback. "make tools" builds
// them.
package servers

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/regsnap/regsnap/internal/child"
	"github.com/regsnap/regsnap/internal/testtools"
	"github.com/regsnap/regsnap/publish/store/storetest/rightsproxy"
)

// Server is a running object store, or a way to one.
type Server struct {
	// Addr is the host and port to talk to.
	Addr string
	kind kind
}

type kind struct {
	name   string
	url    func(addr, bucket string) string
	env    func(addr string) []string
	create func(ctx context.Context, addr, bucket string) error
}

// The credentials of the S3 server. They guard nothing.
const (
	accessKey = "regsnap-test"
	secretKey = "regsnap-test-secret-key"
)

var s3Kind = kind{
	name: "s3",
	url: func(addr, bucket string) string {
		return "s3://" + bucket + "?" + url.Values{
			"endpoint": {"http://" + addr}, "region": {"us-east-1"}, "use_path_style": {"true"},
		}.Encode()
	},
	env: func(string) []string {
		return []string{
			"AWS_ACCESS_KEY_ID=" + accessKey, "AWS_SECRET_ACCESS_KEY=" + secretKey, "AWS_SESSION_TOKEN=",
			// Neither the machine nor the home of who runs the tests has a say.
			"AWS_EC2_METADATA_DISABLED=true", "AWS_PROFILE=", "AWS_REGION=",
			"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
		}
	},
	create: func(ctx context.Context, addr, bucket string) error {
		_, err := s3Client(addr).CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &bucket})
		return err
	},
}

func s3Client(addr string) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: aws.String("http://" + addr), Region: "us-east-1", UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(accessKey, secretKey, ""),
	})
}

var gcsKind = kind{
	name: "gcs",
	url:  func(_, bucket string) string { return "gs://" + bucket },
	env:  func(addr string) []string { return []string{"STORAGE_EMULATOR_HOST=" + addr} },
	create: func(ctx context.Context, addr, bucket string) error {
		body := fmt.Appendf(nil, `{"name": %q}`, bucket)
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/storage/v1/b?project=test", bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("create bucket %s: %s", bucket, resp.Status)
		}
		return resp.Body.Close()
	},
}

// StartS3 runs an S3 server until the test ends, and sets the environment of
// this process so that its buckets' URLs work (see Setenv). The test must not
// be parallel.
func StartS3(t testing.TB) *Server {
	t.Helper()
	return StartS3In(t, MemoryDir(t))
}

// StartS3In is StartS3 with the folder that the server keeps its buckets in.
func StartS3In(t testing.TB, dir string) *Server {
	t.Helper()
	s := &Server{kind: s3Kind}
	s.Addr = child.Serve(t, testtools.VersityGW.Need(t).Program, nil, func(addr string) []string {
		return []string{"--port", addr, "--access", accessKey, "--secret", secretKey, "--quiet", "--keep-alive", "posix", dir}
	})
	s.Setenv(t)
	return s
}

// StartGCS is StartS3 for Google Cloud Storage. The server keeps objects in
// memory.
func StartGCS(t testing.TB) *Server {
	t.Helper()
	s := &Server{kind: gcsKind}
	s.Addr = child.Serve(t, testtools.FakeGCS.Need(t).Program, nil, func(addr string) []string {
		host, port, _ := strings.Cut(addr, ":")
		return []string{"-backend", "memory", "-scheme", "http", "-host", host, "-port", port, "-public-host", addr, "-log-level", "warn"}
	})
	s.Setenv(t)
	return s
}

// Kind is "s3" or "gcs".
func (s *Server) Kind() string { return s.kind.name }

var buckets atomic.Int64

// NewBucket makes an empty bucket and returns its name.
func (s *Server) NewBucket(t testing.TB) string {
	t.Helper()
	return s.NamedBucket(t, fmt.Sprintf("regsnap-test-%d", buckets.Add(1)))
}

// NamedBucket makes an empty bucket of that name, which it returns.
func (s *Server) NamedBucket(t testing.TB, name string) string {
	t.Helper()
	if err := s.kind.create(t.Context(), s.Addr, name); err != nil {
		t.Fatal(err)
	}
	return name
}

// URL is the gocloud URL of a bucket. It is right in an environment as Env gives.
func (s *Server) URL(bucket string) string { return s.kind.url(s.Addr, bucket) }

// Via is the server behind a proxy.
func (s *Server) Via(addr string) *Server { return &Server{Addr: addr, kind: s.kind} }

// Rights is a proxy before the S3 server that lets pass what policies allow.
func (s *Server) Rights(t testing.TB) *rightsproxy.S3 {
	t.Helper()
	return rightsproxy.StartS3(t, s.Addr, accessKey, secretKey)
}

// Env is the environment, as os.Environ has it, that a process needs to use the
// server.
func (s *Server) Env() []string { return s.kind.env(s.Addr) }

// Setenv sets Env for this process until the test ends. For GCS the variables
// say which server it is: buckets are opened at the one that was set last.
func (s *Server) Setenv(t testing.TB) {
	t.Helper()
	for _, v := range s.Env() {
		name, value, _ := strings.Cut(v, "=")
		t.Setenv(name, value)
	}
}
