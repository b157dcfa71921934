package layout

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// The longest domain of host names that have room for an environment before it, and
// its labels (RFC 1035, section 2.3.4).
const maxDomain = 253 - 64 - 1

var domainLabel = regexp.MustCompile(`^(?i)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// Preview marks the pointer of an environment that exists for a while, to show others
// what is not merged yet. Only such environments are answered for under the host names
// of previews.
type Preview struct {
	// Until is when prune may end it, by the clock of its publisher.
	Until time.Time `json:"until"`
}

// Expired reports whether the preview's time is over.
func (p *Preview) Expired(now time.Time) bool { return p != nil && !now.Before(p.Until) }

// validate checks what a pointer says of a preview.
func (p *Preview) validate() error {
	if p == nil {
		return nil
	}
	if p.Until.IsZero() || p.Until.Location() != time.UTC || p.Until.Nanosecond() != 0 {
		return fmt.Errorf("preview: %v is not a time in UTC and whole seconds", p.Until)
	}
	return nil
}

// PreviewHosts are the host names of previews, such as "*.preview.registry.example":
// the label in the place of the asterisk is the environment.
type PreviewHosts string

// Validate checks that the only wildcard is the first label.
func (h PreviewHosts) Validate() error {
	domain, ok := strings.CutPrefix(string(h), "*.")
	if !ok || len(domain) > maxDomain {
		return fmt.Errorf("%q: want the names of previews as *.DOMAIN, such as *.preview.registry.example", string(h))
	}
	labels := strings.Split(domain, ".")
	for _, label := range labels {
		if !domainLabel.MatchString(label) {
			return fmt.Errorf("%q: %q is not a label of a domain name", string(h), label)
		}
	}
	if len(labels) < 2 {
		return fmt.Errorf("%q: a wildcard for all of %s", string(h), domain)
	}
	return nil
}

// Of is the host name of an environment's preview.
func (h PreviewHosts) Of(env string) string {
	return env + strings.ToLower(strings.TrimPrefix(string(h), "*"))
}

// Match takes a host name apart, which has no port, no dot at its end and no capital
// letters. matches is whether it is one of a preview; env is then the environment,
// empty if that is no name of one.
func (h PreviewHosts) Match(host string) (env string, matches bool) {
	if h == "" {
		return "", false
	}
	label, ok := strings.CutSuffix(host, strings.ToLower(string(h[1:])))
	if !ok {
		return "", false
	}
	if !ValidEnvironment(label) {
		return "", true
	}
	return label, true
}
