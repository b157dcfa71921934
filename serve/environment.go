package serve

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/regsnap/regsnap/layout"
)

// environment is one environment and the snapshot of it that is live.
type environment struct {
	name string
	// preview: it was found by a host name of previews, so it must be one.
	preview bool
	// live is nil until a snapshot was published and loaded.
	live atomic.Pointer[snapshot]
	// told is what the pointer said when it was last read.
	told atomic.Pointer[told]
	// checked is when the pointer was last read, in seconds since 1970.
	checked atomic.Int64
	// loading is held while the pointer is looked at.
	loading sync.Mutex
	// failure is what that last ended with.
	failure string
}

// hosts finds the environment that a request is for.
type hosts struct {
	byName   map[string]*environment
	fallback *environment
}

func newHosts(list []Environment, fallback string) ([]*environment, hosts, error) {
	h := hosts{byName: map[string]*environment{}}
	var all []*environment
	seen := map[string]bool{}
	for _, e := range list {
		if !layout.ValidEnvironment(e.Name) {
			return nil, h, fmt.Errorf("serve: environment %q is not a name", e.Name)
		}
		if seen[e.Name] {
			return nil, h, fmt.Errorf("serve: environment %s is given twice", e.Name)
		}
		seen[e.Name] = true
		env := &environment{name: e.Name}
		all = append(all, env)
		if e.Name == fallback {
			h.fallback = env
		}
		for _, name := range e.Hostnames {
			host := normalHost(name)
			if other := h.byName[host]; host == "" || other != nil {
				return nil, h, fmt.Errorf("serve: environment %s: hostname %q is empty or that of another environment", e.Name, name)
			}
			h.byName[host] = env
		}
	}
	if fallback != "" && h.fallback == nil {
		return nil, h, fmt.Errorf("serve: default environment %q is not one of those to answer for", fallback)
	}
	return all, h, nil
}

// find is nil when no environment answers for the host.
func (h hosts) find(host string) *environment {
	if env := h.byName[normalHost(host)]; env != nil {
		return env
	}
	return h.fallback
}

// names lists the hosts that there are, as a sentence does.
func (h hosts) names() string {
	if len(h.byName) == 0 {
		return "the hosts of its configuration, which names none"
	}
	return strings.Join(slices.Sorted(maps.Keys(h.byName)), ", ")
}

// normalHost brings the value of a Host header into the form that hostnames are
// compared in: lower case, no port, no brackets around an IPv6 address, and no
// dot at the end, which a fully qualified name may have (RFC 9110, section
// 4.2.3; RFC 1034, section 3.1).
func normalHost(host string) string {
	if strings.Contains(host, ":") {
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	return strings.Map(lower, strings.TrimSuffix(host, "."))
}

// lower is for ASCII alone: other letters are no part of a host name, and some of them
// have a small letter that is.
func lower(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		r += 'a' - 'A'
	}
	return r
}
