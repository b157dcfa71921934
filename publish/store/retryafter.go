package store

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	smithyhttp "github.com/aws/smithy-go/transport/http"
	"google.golang.org/api/googleapi"
)

// retryAfter is how long the answer that an error stands for asks to wait; 0 if
// it does not. Source: RFC 9110, section 10.2.3: seconds, or a date.
func retryAfter(err error, now time.Time) time.Duration {
	text := answerHeader(err).Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil {
		// What does not fit in a Duration is as good as a day.
		return time.Duration(min(max(seconds, 0), 24*60*60)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

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
