package edge

import (
	"fmt"
	"net/url"
	"strings"
)

// Origin is where an edge reads a bucket over HTTP.
type Origin struct {
	// URL has the bucket's keys below it; there is no slash at its end.
	URL string
	// Region is what requests are signed for.
	Region string
}

// ParseOrigin says how a bucket's gocloud URL is read over HTTP: s3:// and gs://
// buckets at their services, or at the endpoint that the URL names; https:// and
// http:// are taken as they are.
func ParseOrigin(bucket string) (Origin, error) {
	u, err := url.Parse(bucket)
	if err != nil {
		return Origin{}, fmt.Errorf("bucket: %w", err)
	}
	q := u.Query()
	name, prefix := u.Host, strings.Trim(q.Get("prefix"), "/")
	o := Origin{Region: q.Get("region")}
	switch u.Scheme {
	case "http", "https":
		if u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return Origin{}, fmt.Errorf("origin %q: want it like https://bucket.example.org/path, without credentials and query", u.Redacted())
		}
		return Origin{URL: strings.TrimRight(bucket, "/")}, nil
	case "gs":
		o.URL = "https://storage.googleapis.com/" + name
	case "s3":
		endpoint := q.Get("endpoint")
		switch {
		case endpoint != "":
			o.URL = strings.TrimRight(endpoint, "/") + "/" + name
		case o.Region == "":
			return Origin{}, fmt.Errorf("bucket %q: which region is it in? Give s3://%s?region=…", bucket, name)
		default:
			o.URL = "https://" + name + ".s3." + o.Region + ".amazonaws.com"
		}
	default:
		return Origin{}, fmt.Errorf("bucket %q: an edge reads s3://, gs://, or a bucket behind https://", u.Redacted())
	}
	if name == "" {
		return Origin{}, fmt.Errorf("bucket %q has no name", bucket)
	}
	if prefix != "" {
		o.URL += "/" + prefix
	}
	return o, nil
}
