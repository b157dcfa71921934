package check

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/regsnap/regsnap/serve"
)

// Options say what to compare with what. Bucket, Environment and URL are needed.
type Options struct {
	Bucket      serve.Bucket
	Environment string
	// URL is where the registry is, with a path if it has a prefix.
	URL string
	// Host is sent as the Host header, and as the name in TLS, instead of that of
	// the URL: a CDN can be asked before the DNS points to it.
	Host string

	// Level is how strict the comparison is; Edge if "".
	Level Level
	// Ignore are header names, in any case, and "status", "body" and "encoding":
	// what may differ.
	Ignore []string
	// Lag is how long after the pointer moved answers of the snapshot before are
	// still right, beyond what Cache-Control lets caches keep.
	Lag time.Duration

	// Sample is the share of package versions whose archive and files are asked
	// for, above 0 up to 1; DefaultSample if 0.
	Sample float64
	// Seed chooses the sample, and the order. The same seed, the same requests.
	Seed uint64
	// MaxRequests bounds how many requests are sent; DefaultMaxRequests if 0.
	MaxRequests int
	// Rate is how many requests are sent in a second; DefaultRate if 0.
	Rate float64
	// Parallel is how many are under way at once; DefaultParallel if 0.
	Parallel int
	// Timeout is for one request to its last byte; DefaultTimeout if 0.
	Timeout time.Duration

	// State, if set, is the file that remembers what was the same, so that a
	// check that was interrupted can go on.
	State string
	// UserAgent is sent with every request; "regsnap-check" if "".
	UserAgent string
	// Transport sends the requests; one of its own if nil.
	Transport http.RoundTripper
	// Progress, if set, is told how many of the requests are done. Calls are one
	// at a time.
	Progress func(done, total int)
}

// Values of Options that are not given.
const (
	DefaultSample      = 0.05
	DefaultMaxRequests = 20_000
	DefaultRate        = 50
	DefaultParallel    = 8
	DefaultTimeout     = time.Minute
	DefaultLag         = time.Minute
)

// ErrOptions: the options are wrong, not the registry.
var ErrOptions = errors.New("check")

func (o Options) withDefaults() (Options, error) {
	wrong := func(format string, args ...any) (Options, error) {
		return o, fmt.Errorf("%w: "+format, append([]any{ErrOptions}, args...)...)
	}
	u, err := url.Parse(o.URL)
	switch {
	case err != nil:
		// The parser quotes what it does not like, which may be a password.
		return wrong("the URL cannot be parsed; special characters in it must be percent-encoded")
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return wrong("%q is no URL of a registry: want it like https://epr.example.org", u.Redacted())
	case u.RawQuery != "" || u.Fragment != "":
		return wrong("%q: the URL of a registry has no query and no fragment", u.Redacted())
	}
	o.URL = strings.TrimSuffix(o.URL, "/")
	o.Level = orElse(o.Level, Edge)
	if !o.Level.valid() {
		return wrong("level %q is not known: want %s, %s or %s", o.Level, API, Edge, Exact)
	}
	o.Sample = orElse(o.Sample, DefaultSample)
	o.MaxRequests = orElse(o.MaxRequests, DefaultMaxRequests)
	o.Rate = orElse(o.Rate, DefaultRate)
	o.Parallel = orElse(o.Parallel, DefaultParallel)
	o.Timeout = orElse(o.Timeout, DefaultTimeout)
	o.UserAgent = orElse(o.UserAgent, "regsnap-check")
	if !(o.Sample > 0 && o.Sample <= 1) || !(o.Rate > 0) || o.MaxRequests < 1 || o.Parallel < 1 || o.Timeout < 0 || o.Lag < 0 {
		return wrong("sample, rate, numbers and times must be above 0, and the sample at most 100%%")
	}
	return o, nil
}

func orElse[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// prefix is the path below which the registry is; "" for none.
func (o Options) prefix() string {
	u, err := url.Parse(o.URL)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(u.Path, "/")
}
