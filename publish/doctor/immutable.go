package doctor

import (
	"context"
	"errors"
	"io/fs"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// probes are the objects that are tried, of names that no other run has: what is
// there already would not show who may create. No snapshot refers to them, so prune
// takes what is left of them.
type probes struct{ archive, response, routes, foreign layout.Object }

func newProbes(env, other string) probes {
	id := random()
	revision := layout.Revision{Name: "regsnap_doctor", Version: "0.0.0", ID: "0000" + id}
	// A snapshot of no commit: routes without a manifest are what is left of a
	// build that was cut off.
	snapshot := "00000101T000000Z-" + id[:12]
	return probes{
		archive:  layout.Object{Key: revision.ArchiveKey(), ContentType: "application/zip"},
		response: layout.Object{Key: layout.ResponseKey(layout.DigestOf([]byte("regsnap doctor " + id))), ContentType: "application/json"},
		routes:   layout.Object{Key: layout.RoutesKey(env, snapshot), ContentType: "application/json"},
		foreign:  layout.Object{Key: layout.RoutesKey(other, snapshot), ContentType: "application/json"},
	}
}

const (
	createFix    = "allow a publisher to create what is under packages/, responses/ and snapshots/ of its environment"
	overwriteFix = "require If-None-Match for every write there (S3), or take the right to delete away (GCS): see docs/rights.md"
	deleteFix    = "take the right to delete away there: only prune deletes"
)

// immutable tries what never changes: who may create it, and that nobody overwrites
// or deletes it who is not there for that.
func (e *examination) immutable(ctx context.Context) error {
	e.probes = newProbes(e.Environment, e.other())
	objects := []layout.Object{e.probes.archive, e.probes.response}
	if e.Environment != "" {
		objects = append(objects, e.probes.routes)
	}
	for _, o := range objects {
		if err := e.object(ctx, o, e.Role == Publisher); err != nil {
			return err
		}
	}
	if e.Environment == "" || e.Role != Publisher {
		return nil
	}
	return e.foreignSnapshot(ctx)
}

// object tries one object: create, read, overwrite, delete.
func (e *examination) object(ctx context.Context, o layout.Object, creator bool) error {
	o.Body = text("regsnap doctor\n")
	allowed, other := outcome(e.store.Put(ctx, o))
	if other != nil {
		e.add("create", o.Key, store.Wrong, other.Error(), conditionsFix)
		return ctx.Err()
	}
	switch {
	case e.Role == Pruner && allowed: // it may, where the same role publishes
		e.add("create", o.Key, store.Note, "allowed", "prune only deletes: a role that does not create cannot put in what was not built")
	default:
		e.right("create", o.Key, allowed, creator, createFix)
	}
	_, err := e.read(ctx, o.Key)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		readable, other := outcome(err)
		if other != nil {
			return other
		}
		e.right("read", o.Key, readable, true, "allow it to read every object")
	}
	if err == nil {
		if err := e.overwrite(ctx, o); err != nil {
			return err
		}
	}
	return e.remove(ctx, o.Key, err == nil)
}

// overwrite tries a write without a condition over an object that is there.
func (e *examination) overwrite(ctx context.Context, o layout.Object) error {
	o.Body = text("regsnap doctor was here\n")
	err := e.can.Replace(ctx, o)
	if errors.Is(err, store.ErrUnsupported) {
		return nil
	}
	allowed, _ := outcome(err) // a store that wants a condition need not call that a missing right
	if e.can.File(o.Key) != "" && allowed {
		e.add("overwrite", o.Key, store.Note, "allowed: a folder has no write-once", "let a user of its own publish, and others only read")
		return ctx.Err()
	}
	e.right("overwrite", o.Key, allowed, false, overwriteFix)
	return ctx.Err()
}

// remove tries to delete, which also tidies up. That there is no such object would
// be no proof.
func (e *examination) remove(ctx context.Context, key string, there bool) error {
	allowed, other := outcome(e.store.Delete(ctx, key))
	if other != nil {
		return other
	}
	if allowed && there {
		_, err := e.read(ctx, key)
		if _, other := outcome(err); other != nil {
			return other
		}
		allowed = err != nil // S3 calls what is missing forbidden, where the caller may not list
	}
	if e.can.File(key) != "" && allowed && e.Role == Publisher {
		e.add("delete", key, store.Note, "allowed: in a folder who creates may delete", "let a user of its own publish, and others only read")
		return nil
	}
	fix := deleteFix
	if e.Role == Pruner {
		fix = "allow prune to delete what is under packages/, responses/ and snapshots/"
	}
	e.right("delete", key, allowed, e.Role == Pruner, fix)
	return nil
}

// foreignSnapshot makes sure that a publisher cannot prepare a snapshot of another
// environment.
func (e *examination) foreignSnapshot(ctx context.Context) error {
	o := e.probes.foreign
	o.Body = text("regsnap doctor\n")
	allowed, other := outcome(e.store.Put(ctx, o))
	if other != nil {
		return other
	}
	e.folderRight("create", o.Key, allowed, false, "limit it to "+layout.SnapshotsPrefix+e.Environment+"/*")
	if allowed {
		_, err := outcome(e.store.Delete(ctx, o.Key))
		return err
	}
	return nil
}

// folderRight is right, but a folder has no rights by key.
func (e *examination) folderRight(check, key string, allowed, wanted bool, fix string) {
	if allowed && !wanted && e.can.File(key) != "" {
		e.add(check, key, store.Note, "allowed: a folder has no rights by key", "give each publisher that must not change the others a folder, or a user, of its own")
		return
	}
	e.right(check, key, allowed, wanted, fix)
}
