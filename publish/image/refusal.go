package image

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/regsnap/regsnap/internal/redact"
	"github.com/regsnap/regsnap/internal/retry"
)

// errLeads: a registry leads to where it may not.
var errLeads = errors.New("the registry leads")

const maxRedirects = 10

// registryTransport is the library's, with an end to the wait for an answer: a
// registry may take minutes to look at a large layer, and no longer.
var registryTransport = func() http.RoundTripper {
	t := remote.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = 5 * time.Minute
	return t
}()

// reopening sends the body of a request from its beginning each time: a
// client that logs in again, because its token has expired, sends the request twice.
type reopening struct{ inner http.RoundTripper }

func (t reopening) RoundTrip(in *http.Request) (*http.Response, error) {
	if in.GetBody == nil {
		return t.inner.RoundTrip(in)
	}
	body, err := in.GetBody()
	if err != nil {
		return nil, err
	}
	out := in.Clone(in.Context())
	out.Body = body
	_ = in.Body.Close() // it was not read, or was closed before
	return t.inner.RoundTrip(out)
}

// passingStatus are answers that may be others the next time.
var passingStatus = []int{
	http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
	http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
	499, 522, // of nginx and of Cloudflare: a connection broke behind them
}

// again marks the error of a request to which there is no answer as one that may
// pass, unless it is known to be one that stays.
func again(err error) error {
	var login *transport.Error
	var certificate *tls.CertificateVerificationError
	var dns *net.DNSError
	var file *fs.PathError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &login): // no token was given out
		if slices.Contains(passingStatus, login.StatusCode) {
			return retry.Again(err)
		}
		return err
	case errors.As(err, &certificate), errors.As(err, &dns) && dns.IsNotFound, errors.As(err, &file),
		errors.Is(err, http.ErrSchemeMismatch), errors.Is(err, errLeads):
		return err
	}
	return retry.Again(err)
}

// refusal is an answer of a registry that says no.
type refusal struct {
	place  string
	status int
	codes  []string // by the specification
	words  string
}

func (r *refusal) Error() string { return r.place + ": " + r.words }

// The codes of the specification, "Error Codes".
var (
	brokenCodes      = []string{"BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID", "DIGEST_INVALID", "SIZE_INVALID", "MANIFEST_BLOB_UNKNOWN"}
	unsupportedCodes = []string{"UNSUPPORTED", "MANIFEST_INVALID"}
)

// broken reports whether the registry lost something of an upload on the way.
func (r *refusal) broken() bool {
	return slices.ContainsFunc(r.codes, func(c string) bool { return slices.Contains(brokenCodes, c) })
}

// unsupported reports whether the registry does not know what it was asked for.
func (r *refusal) unsupported() bool {
	return slices.Contains([]int{http.StatusMethodNotAllowed, http.StatusUnsupportedMediaType, http.StatusNotImplemented}, r.status) ||
		slices.ContainsFunc(r.codes, func(c string) bool { return slices.Contains(unsupportedCodes, c) })
}

// maxWords bounds what is shown of the words of a registry.
const maxWords = 300

func (t *target) refusalOf(a *answer) *refusal {
	r := &refusal{place: t.place(a.Response), status: a.StatusCode}
	var said struct {
		Errors []struct{ Code, Message string }
	}
	r.words = strings.TrimSpace(fmt.Sprint(a.StatusCode, " ", http.StatusText(a.StatusCode)))
	if json.Unmarshal(a.body, &said) != nil {
		return r // the page of a proxy
	}
	for _, e := range said.Errors {
		r.codes = append(r.codes, e.Code)
		r.words += ", " + e.Code
		if e.Message != "" {
			r.words += ": " + e.Message
		}
	}
	r.words = redact.Text(r.words)
	if len(r.words) > maxWords {
		r.words = strings.ToValidUTF8(r.words[:maxWords], "") + "…"
	}
	return r
}

// place names a request without its query, which may be signed.
func (t *target) place(r *http.Response) string {
	return r.Request.Method + " " + r.Request.URL.Host + r.Request.URL.Path
}

// explained is an error that says already what it means.
type explained struct{ error }

func (e explained) Unwrap() error { return e.error }

// explain says what an error means, and what to do about it.
func (t *target) explain(err error) error {
	host, status, code := t.repo.RegistryStr(), 0, func(string) bool { return false }
	var refused *refusal
	var login *transport.Error
	var certificate *tls.CertificateVerificationError
	var dns *net.DNSError
	if errors.As(err, &refused) {
		status, code = refused.status, func(c string) bool { return slices.Contains(refused.codes, c) }
	} else if errors.As(err, &login) {
		status = login.StatusCode
	}
	var means string
	var already explained
	switch {
	case errors.As(err, &already):
		return err
	case status == http.StatusUnauthorized && t.anonymous:
		means = fmt.Sprintf("no login for %s is known here: run docker login %[1]s, or name the folder of its config.json in DOCKER_CONFIG", host)
	case status == http.StatusUnauthorized || login != nil && status == http.StatusForbidden:
		means = fmt.Sprintf("%s refuses the login that is known here: run docker login %[1]s again", host)
	case code("NAME_UNKNOWN"):
		means = fmt.Sprintf("%s has no repository %s: make it there first, or look at the name", host, t.repo.RepositoryStr())
	case code("TAG_INVALID"):
		means = fmt.Sprintf("%s does not take a tag of that name: give the image another one with --tag, and leave out that of the environment with --no-env-tag", host)
	case code("DENIED") || status == http.StatusForbidden:
		means = fmt.Sprintf("%s does not let this login push to %s: ask who runs it for that right", host, t.repo.RepositoryStr())
	case status == http.StatusRequestEntityTooLarge:
		means = fmt.Sprintf("a layer is larger than %s, or a proxy before it, takes: raise its limit (client_max_body_size of nginx)", host)
	case status == http.StatusTooManyRequests:
		means = fmt.Sprintf("%s takes no more requests for now: run again later, nothing is sent twice", host)
	case refused != nil && refused.unsupported():
		means = fmt.Sprintf("%s does not take a layer in one request, as the specification has it: make the image with --layout, and send that with skopeo copy", host)
	case errors.As(err, &certificate):
		means = fmt.Sprintf("the certificate of %s is not one that this machine trusts: name the file of its authority in SSL_CERT_FILE", host)
	case errors.Is(err, http.ErrSchemeMismatch):
		means = fmt.Sprintf("%s does not speak TLS, without which only registries of this machine and of private addresses are asked: put a proxy with a certificate before it", host)
	case errors.As(err, &dns) && dns.IsNotFound:
		means = fmt.Sprintf("there is no host %s: look at the name", dns.Name)
	default:
		return err
	}
	return fmt.Errorf("%s (%w)", means, err)
}

// tokenError is the answer of the server that gives out tokens. The library's text of it has
// what was asked with.
type tokenError struct{ answer *transport.Error }

func (e tokenError) Error() string {
	where := "tokens of the registry"
	if r := e.answer.Request; r != nil {
		where = r.Method + " " + r.URL.Host + r.URL.Path
	}
	return fmt.Sprintf("%s: %d %s", where, e.answer.StatusCode, http.StatusText(e.answer.StatusCode))
}

func (e tokenError) Unwrap() error { return e.answer }

// unsigned is the error of a request without the queries of URLs, which may be signed.
func unsigned(err error) error {
	var login *transport.Error
	if errors.As(err, &login) {
		return tokenError{login}
	}
	var request *url.Error
	if !errors.As(err, &request) {
		return err
	}
	where, _, _ := strings.Cut(request.URL, "?")
	return fmt.Errorf("%s %s: %w", request.Op, where, request.Err)
}
