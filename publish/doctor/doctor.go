// Package doctor finds out what a role can do in a bucket, and must not be able to,
// by trying it on keys of its own, and what the bucket's settings mean for snapshots.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// Role is what a caller is there for. docs/rights.md says what each may do.
type Role string

const (
	Publisher Role = "publisher" // builds and publishes an environment
	Pruner    Role = "pruner"    // deletes what no snapshot needs
	Reader    Role = "reader"    // answers from the bucket, or copies it
)

// Roles are all of them.
var Roles = []Role{Publisher, Pruner, Reader}

// Options say for whom a bucket is examined.
type Options struct {
	Role Role
	// Environment is the one that a publisher publishes. Without it what is an
	// environment's own is not tried.
	Environment string
	// PackageStorage is that the environment has an index of package storage v2.
	PackageStorage bool
}

// Finding is one line of a report.
type Finding struct {
	Check   string        `json:"check"`
	Key     string        `json:"key,omitempty"`
	Verdict store.Verdict `json:"verdict"`
	Found   string        `json:"found"`
	Fix     string        `json:"fix,omitempty"`
}

// Report is all that was found.
type Report struct {
	Role        Role      `json:"role"`
	Environment string    `json:"environment,omitempty"`
	Findings    []Finding `json:"checks"`
}

// Wrong counts what is wrong.
func (r *Report) Wrong() int {
	n := 0
	for _, f := range r.Findings {
		if f.Verdict == store.Wrong {
			n++
		}
	}
	return n
}

// examination is one run of Examine.
type examination struct {
	Options
	store  store.Store
	can    store.Capabilities
	report *Report
	probes probes
	// pointers are the environments that the bucket has.
	pointers []string
	// conditional: the store keeps the conditions of writes. Without that nothing
	// is tried on a pointer.
	conditional bool
}

// Examine tries and reads. It changes nothing that a snapshot, an edge or another
// writer knows of; what it wrote and may not delete the next prune takes. The error
// is that of a store that cannot be asked at all.
func Examine(ctx context.Context, s store.Store, o Options) (*Report, error) {
	e := &examination{Options: o, store: s, can: store.CapabilitiesOf(s), report: &Report{Role: o.Role, Environment: o.Environment, Findings: []Finding{}}}
	for _, step := range []func(context.Context) error{e.lists, e.conditions, e.immutable, e.movePointers, e.tags, e.indexes, e.settings} {
		if err := step(ctx); err != nil {
			return e.report, err
		}
	}
	return e.report, nil
}

func (e *examination) add(check, key string, v store.Verdict, found, fix string) {
	if v == store.Right {
		fix = ""
	}
	e.report.Findings = append(e.report.Findings, Finding{check, key, v, found, fix})
}

// right notes whether a role can do what it should be able to, or not.
func (e *examination) right(check, key string, allowed, wanted bool, fix string) {
	found, v := "refused", store.Right
	if allowed {
		found = "allowed"
	}
	if allowed != wanted {
		v = store.Wrong
	}
	e.add(check, key, v, found, fix)
}

// outcome reads whether the store let a request happen, as far as its rights go: a
// condition that does not hold comes after them.
func outcome(err error) (allowed bool, other error) {
	switch {
	case err == nil, errors.Is(err, store.ErrConflict), errors.Is(err, fs.ErrNotExist):
		return true, nil
	case store.Denied(err):
		return false, nil
	}
	return false, err
}

// lists reads which environments there are, and that is a check too.
func (e *examination) lists(ctx context.Context) error {
	for o, err := range e.store.List(ctx, layout.EnvironmentsPrefix) {
		if err != nil {
			allowed, other := outcome(err)
			if other != nil {
				return other
			}
			e.right("list", layout.EnvironmentsPrefix, allowed, true, "allow it to list: without that a missing object and a missing right look the same, and prune and leases cannot work")
			return nil
		}
		if env, err := layout.ParsePointerKey(o.Key); err == nil {
			e.pointers = append(e.pointers, env)
		}
	}
	slices.Sort(e.pointers)
	e.right("list", layout.EnvironmentsPrefix, true, true, "")
	return nil
}

// settings asks the store about the bucket as a whole.
func (e *examination) settings(ctx context.Context) error {
	for _, s := range e.can.Settings(ctx, e.probes.archive.Key) {
		e.add(s.Name, "", s.Verdict, s.Found, s.Fix)
	}
	return ctx.Err()
}

// read reads an object to its end.
func (e *examination) read(ctx context.Context, key string) ([]byte, error) {
	r, _, err := e.store.Open(ctx, key, 0, -1)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(r)
	return body, errors.Join(err, r.Close())
}

func text(format string, args ...any) []byte { return fmt.Appendf(nil, format, args...) }
