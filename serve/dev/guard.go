package dev

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// guard decides which requests are answered. A page of any site can make a browser
// send requests to this machine; by DNS rebinding even such that the browser takes for
// that site's own. So the Host must be a name of this machine, and the page that asks,
// if there is one, must be one of ours.
type guard struct {
	// hosts are more names that are this machine's.
	hosts []string
	// beyond: it is reached from other machines, by addresses that are not known here.
	beyond bool
}

// allowed reports whether a request is to be answered.
func (g guard) allowed(r *http.Request) bool {
	if !g.ours(r.Host) {
		return false
	}
	if origin := r.Header.Values("Origin"); len(origin) > 0 {
		u, err := url.Parse(origin[0])
		return err == nil && len(origin) == 1 && u.Scheme != "" && u.Host != "" && g.ours(u.Host)
	}
	// What a page of another site asks for without Origin, as for scripts and images. To
	// follow a link to here is fine.
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		return r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
	}
	return true
}

// ours reports whether a host, with or without a port, is this machine. Addresses are:
// it is names that an attacker can point anywhere.
func (g guard) ours(host string) bool {
	name, ok := hostname(host)
	if !ok {
		return false
	}
	if address, err := netip.ParseAddr(name); err == nil {
		return address.Unmap().IsLoopback() || g.beyond && address.Zone() == ""
	}
	return name == "localhost" || strings.HasSuffix(name, ".localhost") || slices.Contains(g.hosts, name)
}

// hostname is a host in lower case, without port, brackets and the dot at the end.
func hostname(host string) (string, bool) {
	if strings.HasPrefix(host, "[") || strings.Count(host, ":") == 1 {
		name, port, err := net.SplitHostPort(host)
		switch {
		case err == nil && strings.Trim(port, "0123456789") == "":
			host = name
		case strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]"):
			host = host[1 : len(host)-1]
		default:
			return "", false
		}
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host, host != "" && !strings.ContainsAny(host, "/@\\?# %,")
}
