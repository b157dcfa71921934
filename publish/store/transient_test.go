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
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"google.golang.org/api/googleapi"
)

// s3Error is an answer of S3 as the SDK gives it.
func s3Error(status int, code string) error {
	return s3ErrorSaying(status, &smithy.GenericAPIError{Code: code})
}

// s3ErrorSaying is an answer of S3 with an error of its own.
func s3ErrorSaying(status int, err error) error {
	return &smithy.OperationError{ServiceID: "S3", OperationName: "PutObject", Err: &awshttp.ResponseError{
		ResponseError: &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}},
			Err:      err,
		},
	}}
}

// sendError is a request that got no answer.
func sendError(err error) error {
	return &smithyhttp.RequestSendError{Err: &url.Error{Op: "Put", URL: "http://h/k", Err: err}}
}

// lateError has a time-out and no other type.
type lateError struct{}

func (lateError) Error() string { return "late" }
func (lateError) Timeout() bool { return true }

func TestTransient(t *testing.T) {
	for _, test := range []struct {
		err  error
		want bool
	}{
		{s3Error(http.StatusServiceUnavailable, "SlowDown"), true},
		{s3Error(http.StatusInternalServerError, "InternalError"), true},
		{s3Error(http.StatusTooManyRequests, "TooManyRequests"), true},
		{s3Error(http.StatusConflict, "ConditionalRequestConflict"), true},
		{s3Error(http.StatusBadRequest, "RequestTimeout"), true},
		{s3Error(http.StatusOK, "InternalError"), true}, // the end of an upload in parts
		{s3Error(http.StatusConflict, "BucketAlreadyExists"), false},
		{s3Error(http.StatusForbidden, "AccessDenied"), false},
		{s3Error(http.StatusNotFound, "NoSuchKey"), false},
		{s3Error(http.StatusPreconditionFailed, "PreconditionFailed"), false},
		{s3Error(http.StatusBadRequest, "EntityTooLarge"), false},
		{&googleapi.Error{Code: http.StatusTooManyRequests}, true},
		{&googleapi.Error{Code: http.StatusBadGateway}, true},
		{fmt.Errorf("wrapped: %w", &googleapi.Error{Code: http.StatusServiceUnavailable}), true},
		{&googleapi.Error{Code: http.StatusForbidden}, false},
		{&googleapi.Error{Code: http.StatusPreconditionFailed}, false},
		{sendError(io.EOF), true},
		{sendError(&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}), true},
		{sendError(&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}), true},
		{sendError(errors.New("http: server closed idle connection")), true},
		{sendError(lateError{}), true},
		{sendError(&net.OpError{Op: "dial", Err: &net.DNSError{IsTemporary: true}}), true},
		{sendError(&net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}), false},
		{sendError(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}), false},
		{sendError(errors.New(`unsupported protocol scheme "htp"`)), false},
		{&smithy.DeserializationError{Err: io.ErrUnexpectedEOF}, true},
		{s3ErrorSaying(http.StatusOK, &smithy.DeserializationError{Err: errors.New("XML syntax error on line 1")}), true},
		{s3ErrorSaying(http.StatusForbidden, io.ErrUnexpectedEOF), false}, // what it says is of the answer
		{io.ErrUnexpectedEOF, true},
		{os.ErrDeadlineExceeded, false}, // of the disk; that of a connection is a net.OpError
		{&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, true},
		{fmt.Errorf("%w (30s)", errNoAnswer), true},
		{fs.ErrNotExist, false},
		{ErrConflict, false},
		{context.Canceled, false},
		{errors.New("failed to refresh cached credentials"), false},
	} {
		if got := transient(test.err); got != test.want {
			t.Errorf("%v: transient is %v, want %v", test.err, got, test.want)
		}
	}
}

// TestLostConnection: which errors come from the connection, each alone.
func TestLostConnection(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{io.ErrUnexpectedEOF, true}, {io.EOF, true}, {net.ErrClosed, true}, {context.DeadlineExceeded, true}, {syscall.ECONNRESET, true}, {syscall.ECONNREFUSED, true},
		{syscall.ECONNABORTED, true}, {syscall.EPIPE, true}, {syscall.ETIMEDOUT, true}, {context.Canceled, false}, {syscall.ENOSPC, false}, {syscall.EACCES, false},
		{&net.OpError{Op: "dial", Err: errors.New("x")}, true}, {&net.OpError{Op: "write", Err: errors.New("x")}, false}, {&net.OpError{Op: "write", Err: lateError{}}, true},
		{&url.Error{Err: errors.New("x")}, false}, {&url.Error{Err: lateError{}}, true}, {lateError{}, false}, {errors.New("http: server closed idle connection"), false}, {nil, false},
	} {
		if got := lostConnection(c.err); got != c.want {
			t.Errorf("%v: lost %v, want %v", c.err, got, c.want)
		}
		// A large write that ended so may have been refused; a small one, or one that was
		// answered, says what it came to.
		for size, may := range map[int64]bool{0: false, 16 << 10: false, 16<<10 + 1: c.want, 1 << 30: c.want} {
			if got := mayBeRefused(c.err, size); got != may {
				t.Errorf("%v of %d bytes: may be refused %v, want %v", c.err, size, got, may)
			}
		}
	}
	if mayBeRefused(s3Error(http.StatusServiceUnavailable, "SlowDown"), 1<<30) || !mayBeRefused(errNoAnswer, 1<<30) {
		t.Error("an answer is a refusal, or no answer cannot be one")
	}
}

// TestAsked: both SDKs keep the headers of the answer.
func TestAsked(t *testing.T) {
	header := http.Header{"Retry-After": {"2"}}
	s3 := &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: http.StatusServiceUnavailable, Header: header}},
		Err:      errors.New("slow down"),
	}}
	for _, err := range []error{s3, &googleapi.Error{Code: http.StatusTooManyRequests, Header: header}} {
		if got := asked(fmt.Errorf("key: %w", err)); got != 2*time.Second {
			t.Errorf("%T asks for %s", err, got)
		}
	}
	// An error of the SDK may have been made before there was an answer.
	for _, err := range []error{
		io.EOF, &googleapi.Error{}, &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{}}, &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{Response: &smithyhttp.Response{}}},
	} {
		if got := asked(err); got != 0 {
			t.Errorf("%T, no answer, asks for %s", err, got)
		}
	}
}

// TestWatchedConn: a connection that says nothing fails, one that is used does
// not, however long it lasts.
func TestWatchedConn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 100 * time.Millisecond
		client, server := net.Pipe()
		defer server.Close()
		c := &watchedConn{client, limit}
		defer c.Close()
		go func() {
			buf := make([]byte, 1)
			for range 4 {
				if _, err := io.ReadFull(server, buf); err != nil {
					return
				}
				time.Sleep(limit / 2)
				if _, err := server.Write(buf); err != nil {
					return
				}
			}
		}()
		buf := make([]byte, 1)
		for range 4 {
			if _, err := c.Write(buf); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Read(buf); err != nil {
				t.Fatal(err)
			}
		}
		var timeout net.Error
		if _, err := c.Read(buf); !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("silence gives %v", err)
		}
	})
}
