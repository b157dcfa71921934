package serve

import (
	"net/http"
	"strings"
)

// gzipTag marks the validator of a gzip-encoded representation: two encodings
// of one content are not the same bytes (RFC 9110, section 8.8.3.3).
const gzipTag = "-gzip"

func etag(digest string) string { return `"` + digest + `"` }

// fileTag is the validator of a file or archive, by its SHA-256 in hexadecimal:
// half of it is as good as a Digest.
func fileTag(sha256 string) string { return etag(sha256[:min(len(sha256), 32)]) }

func gzipped(tag string) string { return strings.TrimSuffix(tag, `"`) + gzipTag + `"` }

// precondition evaluates If-Match, If-None-Match and If-Modified-Since for an
// existing representation: 412, 304, or 0 to go on (RFC 9110, section 13.2.2).
// A date only counts when it is the very one that we sent: after a rollback the
// live content is older than what clients have, and no less different.
func precondition(h http.Header, tag, modified string) int {
	if match := h["If-Match"]; len(match) > 0 && !listed(match, tag, true) {
		return http.StatusPreconditionFailed
	}
	none := h["If-None-Match"]
	if listed(none, tag, false) {
		return http.StatusNotModified
	}
	if len(none) == 0 && modified != "" && h.Get("If-Modified-Since") == modified {
		return http.StatusNotModified
	}
	return 0
}

// listed reports whether lists of entity tags have tag, which is a strong one, or
// are "*". Strong comparison passes over weak tags; weak comparison does not
// see the difference (RFC 9110, section 8.8.3.2).
func listed(lists []string, tag string, strong bool) bool {
	for _, list := range lists {
		if strings.TrimSpace(list) == "*" {
			return true
		}
		for {
			list = strings.TrimLeft(list, " \t,")
			rest, weak := strings.CutPrefix(list, "W/")
			if len(rest) < 2 || rest[0] != '"' {
				break
			}
			end := strings.IndexByte(rest[1:], '"')
			if end < 0 {
				break
			}
			if rest[:end+2] == tag && !(weak && strong) {
				return true
			}
			list = rest[end+2:]
		}
	}
	return false
}

// rangeApplies reports whether If-Range, if there is one, lets a range of the
// representation be sent: only if the client has a part of just this one.
func rangeApplies(h http.Header, tag string) bool {
	v := h.Get("If-Range")
	return v == "" || v == tag
}
