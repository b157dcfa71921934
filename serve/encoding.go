package serve

import (
	"net/http"
	"strconv"
	"strings"
)

// acceptsGzip reports whether a client would rather have an answer gzip-encoded
// than as it is (RFC 9110, section 12.5.3). Without the header nothing is
// encoded: old clients do not expect it.
func acceptsGzip(h http.Header) bool {
	const unset = -1
	gzip, any, identity := float64(unset), float64(unset), float64(unset)
	for _, line := range h["Accept-Encoding"] {
		for item := range strings.SplitSeq(line, ",") {
			name, params, _ := strings.Cut(item, ";")
			q := quality(params)
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "gzip", "x-gzip":
				gzip = max(gzip, q)
			case "identity":
				identity = q
			case "*":
				any = q
			}
		}
	}
	if gzip == unset {
		gzip = any
	}
	return gzip > 0 && gzip >= identity
}

// quality reads the weight of an item; one that cannot be read, and a negative
// one, is 0: what the client may not want is not sent.
func quality(params string) float64 {
	for p := range strings.SplitSeq(params, ";") {
		name, value, found := strings.Cut(p, "=")
		if !found || !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		value = strings.TrimSpace(value)
		q, err := strconv.ParseFloat(value, 64)
		// The package reads "inf", "0x1p-2" and "1_0" too.
		if err != nil || !(q >= 0) || strings.Trim(value, "0123456789+-.eE") != "" {
			return 0
		}
		return min(q, 1)
	}
	return 1
}
