// Package layout is the contract between the publisher, the servers and the
// edges of a registry that is kept in an object store: where objects lie, what
// they say, and how a request is turned into an answer. It is pure: it does no
// I/O, reads no clock and starts no goroutine.
//
// The parts, a file each:
//
//   - keys.go, escape.go: object keys, a builder and a parser for each;
//   - pointer.go, manifest.go, contents.go, routes.go: the formats of the
//     bucket, each with a strict reader that is the inverse of the writer;
//   - answer.go, query.go, select.go, categories.go: a request of the registry
//     API to its answer;
//   - ranges.go: version constraints as intervals, which every edge can test
//     without knowing the constraint language.
package layout
