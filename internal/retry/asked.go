package retry

import (
	"net/http"
	"strconv"
	"time"
)

// Asked is how long the headers of an answer ask to wait; 0 if they do not.
// Source: RFC 9110, section 10.2.3: seconds, or a date.
func Asked(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil {
		// What does not fit in a Duration is as good as a day.
		return time.Duration(min(max(seconds, 0), 24*60*60)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
