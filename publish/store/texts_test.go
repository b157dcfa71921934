package store

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"cloud.google.com/go/storage"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"golang.org/x/oauth2"
	"google.golang.org/api/googleapi"

	"github.com/regsnap/regsnap/internal/retry"
)

// TestTroubleTexts: what is said of each error, and a part of what is to be done.
func TestTroubleTexts(t *testing.T) {
	type row struct {
		err       error
		kind, say string
		s3, gcs   string // parts of the advice; "-" where it is no trouble, "" where that is not asked
		request   string
	}
	said := func(status int, code, text string) error {
		return s3ErrorSaying(status, &smithy.GenericAPIError{Code: code, Message: text})
	}
	inRegion := func(status int, code, region string) error {
		return &smithy.OperationError{Err: &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status, Header: http.Header{"X-Amz-Bucket-Region": {region}}}},
			Err:      &smithy.GenericAPIError{Code: code, Message: "expecting 'elsewhere'"},
		}}}
	}
	gaveUp := func(err error) error { return retry.GaveUp(3, err) }
	const request = "read x"
	rows := []row{
		{err: errors.New("get credentials: none"), kind: "credentials", say: "no credentials", s3: "AWS_PROFILE", gcs: "gcloud auth"},
		{err: errors.New("failed to refresh cached credentials, no role"), kind: "credentials", say: "no credentials", s3: "AWS_PROFILE", gcs: "gcloud auth"},
		{err: errors.New("static credentials are empty"), kind: "credentials", say: "no credentials", s3: "AWS_PROFILE", gcs: "gcloud auth"},
		{err: fmt.Errorf("%w: none", errCredentials), kind: "credentials", say: "no credentials", s3: "AWS_ACCESS_KEY_ID", gcs: "GOOGLE_APPLICATION_CREDENTIALS"},
		{err: said(403, "AccessDenied", "get credentials"), kind: "permission", say: "access denied to read x", s3: "may not do that", gcs: "may not do that"},
		{err: said(403, "RequestTimeTooSkewed", ""), kind: "clock", say: "the store says that this machine's clock is wrong", s3: "set the clock"},
		{err: said(400, "RequestExpired", ""), kind: "clock", say: "the store says that this machine's clock is wrong", s3: "set the clock"},
		{err: errors.New("Token must be a short-lived token"), kind: "clock", say: "the store says that this machine's clock is wrong", gcs: "set the clock"},
		{err: errors.New("Missing Region"), kind: "region", say: "no region is set, or one that cannot be", s3: "s3://b?region=eu-west-1", gcs: "-"},
		{err: errors.New("region must be set"), kind: "region", say: "no region is set, or one that cannot be", s3: "AWS_REGION", gcs: "-"},
		{err: errors.New("A region is required"), kind: "region", say: "no region is set, or one that cannot be", s3: "AWS_REGION", gcs: "-"},
		{err: errors.New("Invalid region: x y"), kind: "region", say: "no region is set, or one that cannot be", s3: "AWS_REGION", gcs: "-"},
		{err: said(400, "AuthorizationHeaderMalformed", "the region is wrong; expecting 'eu-north-9'"), kind: "region", say: `the bucket is in the region "eu-north-9"`, s3: "put region=eu-north-9 in"},
		{err: inRegion(301, "PermanentRedirect", "eu-1"), kind: "region", say: `the bucket is in the region "eu-1"`, s3: "put region=eu-1 in"},
		{err: inRegion(307, "TemporaryRedirect", "eu-1"), kind: "region", say: `the bucket is in the region "eu-1"`, s3: "put region=eu-1 in"},
		{err: said(400, "IllegalLocationConstraintException", ""), kind: "region", say: "the bucket is in another region", s3: "s3://b?region=eu-west-1"},
		{err: said(301, "Other", ""), kind: "region", say: "the bucket is in another region", s3: "put its region"},
		{err: said(404, "NoSuchBucket", ""), kind: "bucket", say: "there is no bucket of this name", s3: "its region, endpoint and account", gcs: "its project"},
		{err: storage.ErrBucketNotExist, kind: "bucket", say: "there is no bucket of this name", gcs: "its project"},
		{err: said(400, "ExpiredToken", ""), kind: "keys", say: "the credentials have expired", s3: "log in again"},
		{err: said(400, "TokenRefreshRequired", ""), kind: "keys", say: "the credentials have expired", s3: "log in again"},
		{err: said(403, "SignatureDoesNotMatch", ""), kind: "keys", say: "the secret key does not fit the access key", s3: "check AWS_SECRET_ACCESS_KEY"},
		{err: said(401, "Unauthorized", ""), kind: "keys", say: "the store does not accept the credentials", s3: "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", gcs: "GOOGLE_APPLICATION_CREDENTIALS"},
		{err: &oauth2.RetrieveError{Response: &http.Response{StatusCode: 400}}, kind: "keys", say: "the store does not accept the credentials", gcs: "gcloud auth"},
		{err: said(500, "InternalError", ""), request: "write x", s3: "-"},
		{err: said(501, "NotImplemented", ""), request: "write x", kind: "conditions", say: "the store does not implement what a write asks of it", s3: "regsnap doctor", gcs: "regsnap doctor"},
		{err: sendError(&net.OpError{Op: "dial", Err: &net.DNSError{Name: "h", IsNotFound: true}}), kind: "endpoint", say: "there is no host h", s3: "check the endpoint and the region"},
		{err: sendError(&net.OpError{Op: "dial", Err: &net.DNSError{Name: "h"}}), kind: "endpoint", say: "the name of the host h could not be looked up", s3: "check the network"},
		{err: sendError(&tls.CertificateVerificationError{Err: errors.New("x")}), kind: "endpoint", say: "the store's certificate is not trusted", s3: "AWS_CA_BUNDLE"},
		{err: sendError(x509.UnknownAuthorityError{}), kind: "endpoint", say: "the store's certificate is not trusted", s3: "AWS_CA_BUNDLE"},
		{err: sendError(x509.HostnameError{Certificate: new(x509.Certificate), Host: "h"}), kind: "endpoint", say: "the store's certificate is not trusted", gcs: "SSL_CERT_FILE"},
		{err: errors.New("http: server gave HTTP response to HTTPS client"), kind: "endpoint", say: "the endpoint speaks HTTP, not HTTPS", s3: "endpoint=http://"},
		{err: sendError(syscall.ECONNREFUSED), kind: "endpoint", say: "connection refused", s3: "check the endpoint", gcs: "check the endpoint"},
		{err: gaveUp(sendError(syscall.ECONNREFUSED)), kind: "endpoint", say: "connection refused (gave up after 3 attempts)", s3: "check the endpoint"},
		{err: gaveUp(fmt.Errorf("%w (30s)", errNoAnswer)), kind: "endpoint", say: "no answer to read x (gave up after 3 attempts)", s3: "check the endpoint"},
		{err: sendError(lateError{}), kind: "endpoint", say: "no answer to read x", s3: "check the endpoint"},
		{err: gaveUp(sendError(io.EOF)), kind: "endpoint", say: "the connection was lost (gave up after 3 attempts)", s3: "check the endpoint"},
		{err: sendError(io.EOF), s3: "-", gcs: "-"}, // it is made again
		{err: gaveUp(errors.New("another")), s3: "-", gcs: "-"},
		{err: gaveUp(s3ErrorSaying(503, io.ErrUnexpectedEOF)), kind: "busy", say: "the store answers with status 503 (gave up after 3 attempts)", s3: "--parallel"},
		{err: said(404, "", ""), kind: "endpoint", say: "what answers does not speak as a store does (status 404)", s3: "use_path_style", gcs: "-"},
		{err: said(404, "NoSuchKey", ""), s3: "-", gcs: "-"},
		{err: &smithy.DeserializationError{Err: errors.New("no XML")}, kind: "endpoint", say: "what answers does not speak as a store does", s3: "use_path_style"},
		{err: &googleapi.Error{Code: 405}, kind: "endpoint", say: "what answers does not speak as a store does (status 405)", gcs: "check the endpoint"},
		{err: fs.ErrNotExist, s3: "-", gcs: "-"}, {err: ErrConflict, s3: "-", gcs: "-"}, {err: errRefused, s3: "-", gcs: "-"},
		{err: fmt.Errorf("%w: get credentials", ErrUnsupported), s3: "-", gcs: "-"}, {err: fmt.Errorf("get credentials: %w", context.Canceled), s3: "-", gcs: "-"},
	}
	for _, code := range []string{"InvalidAccessKeyId", "InvalidToken", "InvalidClientTokenId", "UnrecognizedClientException", "XAdminUserNotFound"} {
		rows = append(rows, row{err: said(403, code, ""), kind: "keys", say: "the store does not know the access key", s3: "AWS_PROFILE"})
	}
	for _, c := range rows {
		if c.request == "" {
			c.request = request
		}
		for place, advice := range map[string]string{"s3://b": c.s3, "gs://b": c.gcs} {
			var got *Trouble
			err := trouble(place, c.request, c.err)
			switch is := errors.As(err, &got); {
			case advice == "":
			case advice == "-":
				if is || err != c.err {
					t.Errorf("%s: %v is trouble: %v", place, c.err, err)
				}
			case !is || got.Kind != c.kind || got.Problem != c.say || !strings.Contains(got.Advice, advice) || got.Place != place || got.Err != c.err:
				t.Errorf("%s: %v is %+v, want %s, %q, %q", place, c.err, got, c.kind, c.say, advice)
			case err.Error() != place+": "+got.Problem+": "+got.Advice || !errors.Is(err, c.err) || trouble("s3://other", "write", err) != err:
				t.Errorf("%s: it says %v", place, err)
			}
		}
	}
	if trouble("s3://b", request, nil) != nil {
		t.Error("nothing is trouble")
	}
}

// TestReasons: why a request is made again, in a few words.
func TestReasons(t *testing.T) {
	for want, err := range map[string]error{
		"connection refused":      sendError(syscall.ECONNREFUSED),
		"status 503":              s3Error(503, "SlowDown"),
		"the connection was lost": sendError(io.EOF),
	} {
		if got := (Notice{Place: "s3://b", Request: "read x", Err: err}).Reason(); got != want {
			t.Errorf("%v is %q, want %q", err, got, want)
		}
	}
}

// TestDenied: which errors are about rights.
func TestDenied(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{nil, false}, {s3Error(403, "AccessDenied"), true}, {s3Error(401, "Unauthorized"), true}, {s3Error(404, "NoSuchKey"), false}, {s3Error(402, "x"), false},
		{&googleapi.Error{Code: 403}, true}, {&googleapi.Error{Code: 401}, true}, {fmt.Errorf("a: %w", fs.ErrPermission), true}, {fs.ErrNotExist, false},
	} {
		if got := Denied(c.err); got != c.want {
			t.Errorf("%v is denied: %t", c.err, got)
		}
	}
}

// TestTransientKinds has every answer and every error of a connection that may pass.
func TestTransientKinds(t *testing.T) {
	for _, code := range []string{"ConditionalRequestConflict", "OperationAborted", "InternalError", "ServiceUnavailable", "RequestTimeout", "IncompleteBody", "BadDigest", "XAmzContentSHA256Mismatch"} {
		if !transient(s3Error(http.StatusBadRequest, code)) {
			t.Errorf("%s stays", code)
		}
	}
	passing := map[int]bool{408: true, 429: true, 500: true, 502: true, 503: true, 504: true}
	for status := 300; status < 600; status++ {
		if got := transient(&googleapi.Error{Code: status}); got != passing[status] {
			t.Errorf("an answer of status %d may pass: %t", status, got)
		}
	}
	for _, err := range []error{
		io.ErrUnexpectedEOF, io.EOF, net.ErrClosed, context.DeadlineExceeded, syscall.ECONNRESET, syscall.ECONNREFUSED, syscall.ECONNABORTED, syscall.EPIPE, syscall.ETIMEDOUT,
		&net.OpError{Op: "dial", Err: errors.New("x")}, &net.OpError{Op: "read", Err: lateError{}}, &url.Error{Err: lateError{}},
	} {
		if !transient(fmt.Errorf("a: %w", err)) {
			t.Errorf("%v stays", err)
		}
	}
	for _, err := range []error{&net.OpError{Op: "read", Err: errors.New("x")}, errors.New("x"), nil} {
		if transient(err) {
			t.Errorf("%v may pass", err)
		}
	}
	if got := answerHeader(&smithyhttp.ResponseError{Err: io.EOF}); got != nil {
		t.Errorf("no answer has the headers %v", got)
	}
}

// TestRegionOfAnswers: an answer of another region says so, one of the same does not.
func TestRegionOfAnswers(t *testing.T) {
	s := answering(t, func(http.ResponseWriter, *http.Request) {})
	for region, explained := range map[string]bool{"us-east-1": false, "eu-north-9": true} {
		err := &smithy.OperationError{Err: &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{StatusCode: 400, Header: http.Header{"X-Amz-Bucket-Region": {region}}}},
			Err:      &smithy.GenericAPIError{Code: "Other"},
		}}}
		if got := s.means(err); (got != nil) != explained || explained && !strings.Contains(got.Error(), "put region=eu-north-9 in") {
			t.Errorf("an answer of %s means %v", region, got)
		}
	}
}
