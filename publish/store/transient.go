package store

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"syscall"
	"time"

	"cloud.google.com/go/storage"
	"github.com/aws/aws-sdk-go-v2/aws"
	awsretry "github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"google.golang.org/api/googleapi"

	"github.com/regsnap/regsnap/internal/retry"
)

// errNoAnswer: an attempt took longer than it may.
var errNoAnswer = errors.New("no answer in time")

// transientCodes are the errors of S3, by name, that may be gone the next time.
// What the SDK knows as such (throttling) need not be here.
var transientCodes = []string{
	"ConditionalRequestConflict", // two conditional writes of one key at once
	"OperationAborted",
	"InternalError", // also in the body of a 200 that ends an upload in parts
	"ServiceUnavailable",
	"RequestTimeout",
	"IncompleteBody", // the request did not arrive whole
	"BadDigest",
	"XAmzContentSHA256Mismatch",
}

// transientStatus are answers that may be others the next time.
var transientStatus = []int{
	http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
	http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
}

// transient reports whether the same request may succeed if it is made again.
func transient(err error) bool {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var damaged *smithy.DeserializationError
	switch {
	case errors.Is(err, errNoAnswer):
		return true
	case errors.As(err, &dns) && dns.IsNotFound, errors.As(err, &certificate):
		return false // a typing error, or an attack
	case slices.Contains(transientStatus, httpStatus(err)), slices.Contains(transientCodes, apiCode(err)):
		return true
	case httpStatus(err) == 0, errors.As(err, &damaged):
		// There was no answer, or no whole one.
		return lostConnection(err) || damaged != nil
	}
	// The SDK knows more: throttling by name, and requests that were refused
	// because of the clock, after which it corrects the time.
	return awsretry.IsErrorRetryables(awsretry.DefaultRetryables).IsErrorRetryable(err) == aws.TrueTernary
}

// sentAtOnce is the size of a body that is on its way as a whole before an answer
// can come: the buffers of a connection take as much.
const sentAtOnce = 16 << 10

// mayBeRefused reports whether a write without an answer may be one that the server
// refused: it may close the connection before it has read the body, and then its
// answer can be lost in every attempt.
func mayBeRefused(err error, size int64) bool {
	return size > sentAtOnce && httpStatus(err) == 0 && transient(err)
}

// lostConnection reports whether an error came from the connection.
func lostConnection(err error) bool {
	for _, e := range []error{
		io.ErrUnexpectedEOF, io.EOF, net.ErrClosed, context.DeadlineExceeded,
		syscall.ECONNRESET, syscall.ECONNREFUSED, syscall.ECONNABORTED, syscall.EPIPE, syscall.ETIMEDOUT,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	var op *net.OpError
	if errors.As(err, &op) && (op.Timeout() || op.Op == "dial") {
		return true
	}
	// What else the transport says has no type: storage knows the texts.
	var request *url.Error
	return errors.As(err, &request) && (request.Timeout() || storage.ShouldRetry(request))
}

// httpStatus is the status of the answer that an error stands for; 0 if none.
func httpStatus(err error) int {
	var gcs *googleapi.Error
	if errors.As(err, &gcs) {
		return gcs.Code
	}
	var s3 interface{ HTTPStatusCode() int }
	if errors.As(err, &s3) {
		return s3.HTTPStatusCode()
	}
	return 0
}

// apiCode is S3's name of an error; empty if there is none.
func apiCode(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return ""
}

// asked is how long the answer that an error stands for asks to wait.
func asked(err error) time.Duration { return retry.Asked(answerHeader(err), time.Now()) }

// answerHeader are the headers of the answer that an error stands for.
func answerHeader(err error) http.Header {
	var gcs *googleapi.Error
	if errors.As(err, &gcs) {
		return gcs.Header
	}
	var s3 interface{ HTTPResponse() *smithyhttp.Response }
	if errors.As(err, &s3) && s3.HTTPResponse() != nil && s3.HTTPResponse().Response != nil {
		return s3.HTTPResponse().Header
	}
	return nil
}
