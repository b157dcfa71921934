package store

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"

	"cloud.google.com/go/storage"
	"github.com/aws/smithy-go"
	"golang.org/x/oauth2"
	"google.golang.org/api/googleapi"

	"github.com/regsnap/regsnap/internal/retry"
)

// Trouble is a failure of a store in one line of ours: where, what, and what to do
// about it. What the store or its SDK said is the error it wraps.
type Trouble struct {
	// Place is the bucket, as scheme and name.
	Place string
	// Kind is one word for a program: credentials, region, bucket, permission,
	// keys, clock, conditions, endpoint or busy.
	Kind string
	// Problem and Advice are for people.
	Problem, Advice string
	Err             error
}

func (t *Trouble) Error() string { return t.Place + ": " + t.Problem + ": " + t.Advice }
func (t *Trouble) Unwrap() error { return t.Err }

// placeOf is a bucket in messages.
func placeOf(u *url.URL) string { return u.Scheme + "://" + u.Host }

// trouble is an error of a request in our words, where it is about the store and
// not about one object.
func trouble(place, request string, err error) error {
	var already *Trouble
	switch {
	case err == nil, errors.As(err, &already), errors.Is(err, fs.ErrNotExist), errors.Is(err, ErrConflict), errors.Is(err, errRefused),
		errors.Is(err, ErrUnsupported), errors.Is(err, context.Canceled):
		return err
	}
	t := &Trouble{Place: place, Err: err}
	gcs := strings.HasPrefix(place, "gs:")
	for _, look := range []func(*Trouble, bool, string) bool{
		(*Trouble).credentials, (*Trouble).clock, (*Trouble).region, (*Trouble).bucket, (*Trouble).keys, (*Trouble).permission, (*Trouble).conditions, (*Trouble).connection, (*Trouble).endpoint, (*Trouble).busy,
	} {
		if look(t, gcs, request) {
			return t
		}
	}
	return err
}

func (t *Trouble) say(kind, problem, advice string) bool {
	t.Kind, t.Problem, t.Advice = kind, problem, advice
	return true
}

// credentials: there are none, or they could not be fetched.
func (t *Trouble) credentials(gcs bool, _ string) bool {
	text := t.Err.Error()
	none := httpStatus(t.Err) == 0 && (strings.Contains(text, "get credentials") || strings.Contains(text, "refresh cached credentials") || strings.Contains(text, "credentials are empty"))
	if !none && !errors.Is(t.Err, errCredentials) {
		return false
	}
	if gcs {
		return t.say("credentials", "no credentials", "run gcloud auth application-default login, or set GOOGLE_APPLICATION_CREDENTIALS to a key file; a public bucket can be read with anonymous=true in its URL")
	}
	return t.say("credentials", "no credentials", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; a public bucket can be read with anonymous=true in its URL")
}

// clock: the time of this machine is too far from that of the store.
func (t *Trouble) clock(bool, string) bool {
	code, text := apiCode(t.Err), t.Err.Error()
	if slices.Contains([]string{"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"}, code) ||
		strings.Contains(text, "short-lived token") || code == "AccessDenied" && (strings.Contains(text, "Request has expired") || strings.Contains(text, "not yet valid")) {
		return t.say("clock", "the store says that this machine's clock is wrong", "set the clock (date -u shows it), then run again")
	}
	return false
}

func (t *Trouble) region(gcs bool, _ string) bool {
	if gcs {
		return false
	}
	text, code := t.Err.Error(), apiCode(t.Err)
	if strings.Contains(text, "Missing Region") || strings.Contains(text, "region must be set") || strings.Contains(text, "region is required") || strings.Contains(text, "Invalid region") {
		return t.say("region", "no region is set, or one that cannot be", "put region=… in the bucket's URL, as in "+t.Place+"?region=eu-west-1, or set AWS_REGION")
	}
	wrong := []string{"AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect", "IllegalLocationConstraintException"}
	is := answerHeader(t.Err).Get("X-Amz-Bucket-Region")
	if !slices.Contains(wrong, code) && httpStatus(t.Err) != http.StatusMovedPermanently {
		return false
	}
	if is == "" {
		_, after, _ := strings.Cut(text, "expecting '")
		is, _, _ = strings.Cut(after, "'")
	}
	if is == "" {
		return t.say("region", "the bucket is in another region", "put its region in the bucket's URL, as in "+t.Place+"?region=eu-west-1")
	}
	return t.say("region", fmt.Sprintf("the bucket is in the region %q", is), fmt.Sprintf("put region=%s in the bucket's URL", is))
}

func (t *Trouble) bucket(gcs bool, _ string) bool {
	if apiCode(t.Err) != "NoSuchBucket" && !noGCSBucket(t.Err) {
		return false
	}
	where := "its region, endpoint and account"
	if gcs {
		where = "its project"
	}
	return t.say("bucket", "there is no bucket of this name", "check the name in the URL, and "+where+"; regsnap does not make buckets")
}

// noGCSBucket tells a missing bucket from a missing object: GCS answers 404 to both.
func noGCSBucket(err error) bool {
	if errors.Is(err, storage.ErrBucketNotExist) {
		return true
	}
	var e *googleapi.Error
	return errors.As(err, &e) && e.Code == http.StatusNotFound && strings.Contains(e.Message+e.Body, "bucket does not exist")
}

// keys: there are credentials, and the store does not take them.
func (t *Trouble) keys(gcs bool, _ string) bool {
	var token *oauth2.RetrieveError
	code := apiCode(t.Err)
	switch {
	case code == "ExpiredToken", code == "TokenRefreshRequired":
		return t.say("keys", "the credentials have expired", "log in again, or set a new AWS_SESSION_TOKEN")
	case slices.Contains([]string{"InvalidAccessKeyId", "InvalidToken", "InvalidClientTokenId", "UnrecognizedClientException", "XAdminUserNotFound"}, code):
		return t.say("keys", "the store does not know the access key", "check AWS_ACCESS_KEY_ID (or AWS_PROFILE), and that the URL's endpoint is the store of that key")
	case code == "SignatureDoesNotMatch":
		return t.say("keys", "the secret key does not fit the access key", "check AWS_SECRET_ACCESS_KEY")
	case httpStatus(t.Err) == http.StatusUnauthorized, errors.As(t.Err, &token):
		if gcs {
			return t.say("keys", "the store does not accept the credentials", "run gcloud auth application-default login, or check GOOGLE_APPLICATION_CREDENTIALS")
		}
		return t.say("keys", "the store does not accept the credentials", "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	return false
}

func (t *Trouble) permission(gcs bool, request string) bool {
	if httpStatus(t.Err) != http.StatusForbidden {
		return false
	}
	advice := "these credentials may not do that: see the guides for the permissions that regsnap needs"
	if !gcs && strings.HasPrefix(request, "read ") {
		advice += " (S3 answers so for a missing object too, unless the caller has s3:ListBucket)"
	}
	return t.say("permission", "access denied to "+request, advice)
}

// conditions: some stores do not know the headers, and refuse every write of regsnap's.
func (t *Trouble) conditions(_ bool, request string) bool {
	if httpStatus(t.Err) != http.StatusNotImplemented || !strings.HasPrefix(request, "write ") {
		return false
	}
	return t.say("conditions", "the store does not implement what a write asks of it",
		"use a store, or a version of it, that keeps If-None-Match and If-Match of writes: without them two publishers overwrite each other's pointer; regsnap doctor tries it")
}

// connection: no answer came at all.
func (t *Trouble) connection(_ bool, request string) bool {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	after := ""
	if errors.Is(t.Err, retry.ErrGaveUp) {
		after = " (" + attemptsOf(t.Err) + ")"
	}
	const check = "check the endpoint in the bucket's URL, the network and the proxy"
	switch text := t.Err.Error(); {
	case errors.As(t.Err, &dns) && dns.IsNotFound:
		return t.say("endpoint", fmt.Sprintf("there is no host %s", dns.Name), "check the endpoint and the region in the bucket's URL")
	case errors.As(t.Err, &dns):
		return t.say("endpoint", fmt.Sprintf("the name of the host %s could not be looked up", dns.Name), "check the network")
	case errors.As(t.Err, &certificate), errors.As(t.Err, &authority), errors.As(t.Err, &host):
		return t.say("endpoint", "the store's certificate is not trusted", "check the endpoint in the bucket's URL; for a private authority set AWS_CA_BUNDLE or SSL_CERT_FILE")
	case strings.Contains(text, "HTTP response to HTTPS client"):
		return t.say("endpoint", "the endpoint speaks HTTP, not HTTPS", "write endpoint=http://… in the bucket's URL")
	case errors.Is(t.Err, syscall.ECONNREFUSED):
		return t.say("endpoint", "connection refused"+after, check)
	case errors.Is(t.Err, errNoAnswer), isTimeout(t.Err):
		return t.say("endpoint", "no answer to "+request+after, check)
	case errors.Is(t.Err, retry.ErrGaveUp) && httpStatus(t.Err) == 0 && lostConnection(t.Err):
		return t.say("endpoint", "the connection was lost"+after, check)
	}
	return false
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// attemptsOf is "after N attempts", as retry says it.
func attemptsOf(err error) string {
	_, text, _ := strings.Cut(err.Error(), "gave up ")
	text, _, _ = strings.Cut(text, ":")
	return "gave up " + text
}

// endpoint: what answers is no store.
func (t *Trouble) endpoint(gcs bool, _ string) bool {
	var foreign *smithy.DeserializationError
	var api smithy.APIError
	status := httpStatus(t.Err)
	unknown := !gcs && status >= 300 && status < 500 && errors.As(t.Err, &api) && (api.ErrorCode() == "UnknownError" || api.ErrorCode() == strings.ReplaceAll(http.StatusText(status), " ", "") || api.ErrorCode() == "")
	if unknown || errors.As(t.Err, &foreign) || status == http.StatusMethodNotAllowed {
		said := ""
		if status != 0 {
			said = fmt.Sprintf(" (status %d)", status)
		}
		return t.say("endpoint", "what answers does not speak as a store does"+said, "check the endpoint in the bucket's URL; some servers need use_path_style=true")
	}
	return false
}

// busy: the store answers, and does not do it.
func (t *Trouble) busy(bool, string) bool {
	if !errors.Is(t.Err, retry.ErrGaveUp) || httpStatus(t.Err) == 0 {
		return false
	}
	return t.say("busy", fmt.Sprintf("the store answers with status %d (%s)", httpStatus(t.Err), attemptsOf(t.Err)), "try again later, or with a lower --parallel")
}

// Reason is why an attempt failed, in a few words.
func (n Notice) Reason() string {
	var t *Trouble
	if errors.As(trouble(n.Place, n.Request, n.Err), &t) {
		return t.Problem
	}
	if status := httpStatus(n.Err); status != 0 {
		return fmt.Sprintf("status %d", status)
	}
	return "the connection was lost"
}

// Denied reports whether an error says that the caller may not do what it tried,
// or is not known to the store.
func Denied(err error) bool {
	status := httpStatus(err)
	return status == http.StatusForbidden || status == http.StatusUnauthorized || errors.Is(err, fs.ErrPermission)
}
