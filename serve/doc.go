// Package serve answers the registry API out of a bucket: an http.Handler, and
// a server around it. It is the edge for those who run a process rather than a
// CDN function, and gives the same answers.
//
// What an answer says is decided by package layout alone; this package finds
// the environment and its live snapshot, fetches bodies, and does HTTP:
// encodings, validators, ranges, time limits.
//
//   - handler.go, exchange.go: a request from end to end;
//   - environment.go, follow.go: hosts, and the snapshot that is live;
//   - response.go, assemble.go, file.go, envelope.go: where bodies come from;
//   - objects.go: what is kept in memory, within a bound;
//   - representation.go, ranges.go, conditional.go, encoding.go: HTTP;
//   - metrics.go, accesslog.go, admin.go, server.go: running it.
//
// Validators are strong and follow from content alone: the ETag of a response
// is its digest, that of a file or archive the first half of its SHA-256, and
// the gzip-encoded form of either has "-gzip" after it. There is no
// Last-Modified: a file has no time of its own, and one that was taken from a
// clock would differ between two servers of the same snapshot. So
// If-Modified-Since never yields a 304.
package serve
