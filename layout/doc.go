// Package layout is the contract between the publisher, the servers and the
// edges of a registry that is kept in an object store: where objects lie and
// what they say. It is pure: it does no I/O, reads no clock and starts no
// goroutine. Package layout/answer turns a request into an answer.
//
// Start reading at keys.go. The parts, a file each:
//
//   - keys.go, escape.go: object keys, a builder and a parser for each;
//   - pointer.go, manifest.go, contents.go, routes.go: the formats of the
//     bucket, each with a strict reader that is the inverse of the writer;
//   - ranges.go: version constraints as intervals, which every edge can test
//     without knowing the constraint language.
package layout
