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
// the gzip-encoded form of either has "-gzip" after it. Last-Modified, of files
// and archives, is the time of the snapshot's newest commit, the same on every
// server; If-Modified-Since yields a 304 only for that very time, because after a
// rollback the live content is older than what clients have.
package serve
