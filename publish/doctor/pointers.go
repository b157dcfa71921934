package doctor

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// other is an environment that is not the examined one: one of the bucket, else
// one that no one has.
func (e *examination) other() string {
	for _, env := range e.pointers {
		if env != e.Environment {
			return env
		}
	}
	return "regsnap-doctor"
}

// movePointers tries to write pointers, each in a way that cannot happen: the
// condition is a state that the pointer is not in, and the bytes are those that it
// has. A store looks at rights first.
func (e *examination) movePointers(ctx context.Context) error {
	// A role that only reads tries pointers that are there: the bytes are their own.
	if !e.conditional && e.Role != Reader {
		e.add("move a pointer", "", store.Unknown, "not tried: without conditional writes it could not be tried safely", "")
		return nil
	}
	environments := slices.Clone(e.pointers)
	if e.Role == Publisher && e.Environment != "" {
		environments = append(environments, e.Environment, e.other())
		slices.Sort(environments)
		environments = slices.Compact(environments)
	}
	for _, env := range environments {
		if err := e.movePointer(ctx, env); err != nil {
			return err
		}
	}
	return nil
}

func (e *examination) movePointer(ctx context.Context, env string) error {
	key := layout.PointerKey(env)
	body, state, err := e.store.Load(ctx, key)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		readable, other := outcome(err)
		if other != nil {
			return other
		}
		e.right("read", key, readable, true, "allow it to read every object")
		return nil
	}
	allowed, err := e.swaps(ctx, key, body, state)
	if err != nil {
		return err
	}
	own := env == e.Environment
	switch {
	case e.Role == Pruner:
		e.right("move a pointer", key, allowed, true, "allow prune to write "+layout.EnvironmentsPrefix+"*: it renews pointers after a writer died")
	case e.Role == Reader:
		e.folderRight("move a pointer", key, allowed, false, "take the right to write from it")
	case e.Environment == "":
		found := "this role cannot"
		if allowed {
			found = "this role can"
		}
		e.add("move a pointer", key, store.Note, found, "--env NAME judges it")
	default:
		e.folderRight("move a pointer", key, allowed, own, pointerFix(own, env))
	}
	return nil
}

func pointerFix(own bool, env string) string {
	if own {
		return "allow it to write " + layout.PointerKey(env)
	}
	return "take the right to write other pointers than its own from it"
}
