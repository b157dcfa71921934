// Package check holds a live registry against a bucket: it sends the requests
// of an environment to a URL, and compares what comes back with what the bucket
// itself answers. It is how a new CDN set-up earns trust, and how an existing
// registry server is shadowed before clients are switched over.
//
// It is a client of package serve, not a part of it: the bucket's own answers
// are those of a serve.Handler in the same process, so that nothing is said
// twice about what is right.
//
//   - plan.go, fixed.go, packages.go: which requests are sent;
//   - probe.go: how each is asked, plain, encoded, conditionally, in parts;
//   - reference.go, remote.go, answer.go: the two sides;
//   - compare.go, level.go, body.go, archive.go: what is a difference;
//   - judge.go, explain.go: answers of other snapshots, of other queries;
//   - run.go, state.go, report.go: the whole of it.
package check
