package doctor

import (
	"context"
	"errors"
	"io/fs"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

const (
	tagsFix = "allow it to create and overwrite "
	noTags  = "refused: right where nobody tags with this role"
)

// tags tries the tags of the environment and those of another one, by a tag that does
// not exist and whose condition cannot hold.
func (e *examination) tags(ctx context.Context) error {
	if e.can.File(layout.TagsPrefix) != "" {
		return nil // a folder has no rights by key, and a write would leave a folder
	}
	if !e.conditional && e.Role != Reader || e.Role == Publisher && e.Environment == "" {
		return nil // movePointers has said so
	}
	if e.Role == Publisher {
		return errors.Join(e.tag(ctx, e.Environment, true), e.tag(ctx, e.other(), false))
	}
	return e.tag(ctx, e.other(), e.Role == Pruner)
}

func (e *examination) tag(ctx context.Context, env string, own bool) error {
	key := layout.TagKey(env, "regsnap-doctor-"+random())
	allowed, err := e.swaps(ctx, key, nil, "")
	switch {
	case err != nil:
		return err
	case !own:
		e.folderRight("tag", key, allowed, false, "take the right to write tags of other environments than its own from it")
	case allowed:
		e.right("tag", key, true, true, "")
	default:
		prefix := layout.TagsPrefix
		if e.Role == Publisher {
			prefix += env + "/"
		}
		e.add("tag", key, store.Note, noTags, tagsFix+prefix+"*, if snapshots are to have tags")
	}
	return nil
}

// indexes tries what the index of package storage v2 needs, by the cursor and by the
// index of a generation that no pointer has. Nothing is written: a registry server takes
// a folder that is there for an index.
func (e *examination) indexes(ctx context.Context) error {
	if e.Role == Pruner {
		return e.deletesIndexes(ctx)
	}
	if !e.PackageStorage || !e.conditional || e.can.File(layout.StoragePrefix) != "" {
		return nil
	}
	for _, i := range []struct {
		env string
		own bool
		fix string
	}{
		{e.Environment, true, "allow it to create " + layout.StorageRoot(e.Environment) + "/* and to overwrite " + layout.CursorKey(e.Environment)},
		{e.other(), false, "take the right to write the indexes of other environments than its own from it"},
	} {
		key := layout.CursorKey(i.env)
		body, state, err := e.store.Load(ctx, key)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			readable, other := outcome(err)
			if other != nil {
				return other
			}
			e.right("read", key, readable, true, "allow it to read every object")
			continue
		}
		allowed, err := e.swaps(ctx, key, body, state)
		if err != nil {
			return err
		}
		e.folderRight("move a cursor", key, allowed, i.own, i.fix)
		key = layout.IndexKey(i.env, 0)
		if allowed, err = e.swaps(ctx, key, nil, ""); err != nil {
			return err
		}
		e.folderRight("create an index", key, allowed, i.own, i.fix)
	}
	return nil
}

// deletesIndexes makes sure that prune can delete old indexes, in an environment that
// has any.
func (e *examination) deletesIndexes(ctx context.Context) error {
	for _, env := range e.pointers {
		if _, _, err := e.store.Load(ctx, layout.CursorKey(env)); err != nil {
			continue // it has none, or "read" has said that it cannot be read
		}
		key := layout.IndexKey(env, 0)
		allowed, other := outcome(e.store.Delete(ctx, key))
		if other != nil {
			return other
		}
		e.right("delete an index", key, allowed, true, "allow prune to delete what is under "+layout.StoragePrefix)
	}
	return nil
}

// swaps reports whether a store would let an object that changes be written: the
// condition is a state that the object is not in, and a store looks at rights first.
func (e *examination) swaps(ctx context.Context, key string, body []byte, state store.Token) (allowed bool, err error) {
	return outcome(e.store.Swap(ctx, key, body, e.can.OtherState(state)))
}
