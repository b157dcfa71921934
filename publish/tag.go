package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/internal/retry"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// A tag is an object that changes by compare-and-swap, as a pointer does, and never
// goes away but by prune: one that is deleted, or not yet set, names no snapshot. So
// a writer that sets a tag swaps a state that is there, and prune, once it has taken the
// lease of a dead writer, makes that state another one: a writer that was only
// asleep then fails. A tag that prune did not see is never set.

// ErrTagTaken: the tag names another snapshot.
var ErrTagTaken = errors.New("the tag is taken")

// ErrNoTag: the environment has no such tag.
var ErrNoTag = errors.New("no such tag")

// NamedSnapshot is a tag, as it was found.
type NamedSnapshot struct {
	layout.Tag
	// Fault says why it cannot be read.
	Fault string `json:"fault,omitempty"`
}

// Tagged is what became of a request about a tag.
type Tagged struct {
	Environment string `json:"environment"`
	Tag         string `json:"tag"`
	// Snapshot is what it names now; empty when it was deleted.
	Snapshot string `json:"snapshot,omitempty"`
	// Before is what it named; empty when it was not there.
	Before  string `json:"before,omitempty"`
	Changed bool   `json:"changed"`
}

// tag reads a tag; fs.ErrNotExist when there never was one. Of one that is damaged it
// gives the token too: it can be written again.
func (b *Bucket) tag(ctx context.Context, env, name string) (layout.Tag, store.Token, error) {
	key := layout.TagKey(env, name)
	body, state, err := b.store.Load(ctx, key)
	if err != nil {
		return layout.Tag{}, "", err
	}
	t, err := layout.DecodeTag(body, env, name)
	if err != nil {
		return layout.Tag{}, state, fmt.Errorf("%s: %w", key, err)
	}
	return t, state, nil
}

// Tags lists the tags of an environment that name a snapshot, by name, and those
// that cannot be read.
func (b *Bucket) Tags(ctx context.Context, env string) ([]NamedSnapshot, error) {
	all, err := b.tags(ctx, env+"/")
	return slices.DeleteFunc(all[env], func(t NamedSnapshot) bool { return t.Snapshot == "" && t.Fault == "" }), err
}

// tags are those below a prefix, by environment: all that have an object.
func (b *Bucket) tags(ctx context.Context, prefix string) (map[string][]NamedSnapshot, error) {
	out := map[string][]NamedSnapshot{}
	var mu sync.Mutex
	g, reading := errgroup.WithContext(ctx)
	g.SetLimit(historyReads)
	for o, err := range b.List(ctx, layout.TagsPrefix+prefix) {
		if err != nil {
			return nil, errors.Join(fmt.Errorf("list tags: %w", err), g.Wait())
		}
		env, name, err := layout.ParseTagKey(o.Key)
		if err != nil {
			continue
		}
		g.Go(func() error {
			t, _, err := b.tag(reading, env, name)
			found := NamedSnapshot{Tag: t}
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return nil
			case isFaulty(err):
				found = NamedSnapshot{Tag: layout.Tag{Environment: env, Name: name}, Fault: err.Error()}
			case err != nil:
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			out[env] = append(out[env], found)
			return nil
		})
	}
	err := g.Wait()
	for _, list := range out {
		slices.SortFunc(list, func(a, b NamedSnapshot) int { return strings.Compare(a.Name, b.Name) })
	}
	return out, err
}

// tagsOf are the names that a snapshot has among tags.
func tagsOf(tags []NamedSnapshot, id string) []string {
	var out []string
	for _, t := range tags {
		if t.Snapshot == id {
			out = append(out, t.Name)
		}
	}
	return out
}

// Tag gives a snapshot a name, by which it is kept. One that names another snapshot
// is ErrTagTaken, unless it may move. The snapshot must be there, whole.
func (l *Lease) Tag(ctx context.Context, env, name, id string, n Note, move bool) (*Tagged, error) {
	before, err := l.setTag(ctx, env, name, id, n, func(is layout.Tag) error {
		if is.Snapshot != "" && !move {
			return errTaken(is)
		}
		return nil
	}, move)
	if err != nil && !errors.Is(err, errStay) {
		return nil, err
	}
	return &Tagged{Environment: env, Tag: name, Snapshot: id, Before: before.Snapshot, Changed: err == nil}, nil
}

func errTaken(is layout.Tag) error {
	return fmt.Errorf("%w: %s of %s names %s since %s: --force moves it", ErrTagTaken, is.Name, is.Environment, is.Snapshot, is.At.Format(time.DateTime))
}

// setTag makes a tag name a snapshot, if may has no objection to what it is. errStay
// means that it does so already. One that is damaged is only written to mend it.
func (l *Lease) setTag(ctx context.Context, env, name, id string, n Note, may func(layout.Tag) error, mend bool) (before layout.Tag, err error) {
	if err := layout.ValidTag(name); err != nil {
		return before, err
	}
	err = l.b.swapTag(ctx, env, name, n, func(is layout.Tag, fault error) (layout.Tag, error) {
		before = is
		if fault != nil && !mend {
			return is, fault
		}
		if is.Snapshot != id {
			if err := may(is); err != nil {
				return is, err
			}
		}
		if err := l.hold(ctx); err != nil {
			return is, err
		}
		if _, err := l.complete(ctx, env, id); err != nil {
			return is, err
		}
		if is.Snapshot == id {
			return is, errStay
		}
		if is.Generation > 0 { // first the place, then what is in it
			is.Before, is.Snapshot = is.Snapshot, id
		}
		return is, l.ready(ctx)
	})
	return before, err
}

// swapTag changes a tag by compare-and-swap. decide sees it as it is, zero if it is
// not there, and says how it is to be; when someone else was faster, or only its
// place was made, it is asked again. fault is why what is there cannot be read.
func (b *Bucket) swapTag(ctx context.Context, env, name string, n Note, decide func(is layout.Tag, fault error) (layout.Tag, error)) error {
	if err := layout.ValidNote(n.By, n.Reason); err != nil {
		return err
	}
	return races.Do(ctx, func() error {
		for {
			is, state, err := b.tag(ctx, env, name)
			var fault error
			switch {
			case errors.Is(err, ErrDamaged):
				is, fault = layout.Tag{Generation: 1}, err
			case err != nil && !errors.Is(err, fs.ErrNotExist):
				return err
			}
			next, err := decide(is, fault)
			if err != nil {
				return err
			}
			next.Format, next.Environment, next.Name, next.Generation = layout.TagFormat, env, name, is.Generation+1
			next.By, next.Reason, next.At = n.By, n.Reason, time.Now().UTC().Truncate(time.Second)
			switch err := b.store.Swap(ctx, layout.TagKey(env, name), next.Encode(), state); {
			case errors.Is(err, store.ErrConflict):
				return retry.Again(fmt.Errorf("write the tag %s of %s: %w", name, env, err))
			case err != nil:
				return fmt.Errorf("write the tag %s of %s: %w", name, env, err)
			case is.Generation > 0:
				return nil
			}
		}
	})
}

// Untag takes a name away, also one that is damaged; ErrNoTag if there is none.
func (b *Bucket) Untag(ctx context.Context, env, name string, n Note) (*Tagged, error) {
	out := &Tagged{Environment: env, Tag: name, Changed: true}
	err := b.swapTag(ctx, env, name, n, func(is layout.Tag, fault error) (layout.Tag, error) {
		if out.Before = is.Snapshot; is.Snapshot == "" && fault == nil {
			return is, fmt.Errorf("%w: %s of %s", ErrNoTag, name, env)
		}
		is.Before, is.Snapshot = is.Snapshot, ""
		return is, nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// PlanTag says what Tag, or with id "" Untag, would do now, and changes nothing.
func (b *Bucket) PlanTag(ctx context.Context, env, name, id string, move bool) (*Tagged, error) {
	if id != "" {
		if err := layout.ValidTag(name); err != nil {
			return nil, err
		}
	}
	is, _, err := b.tag(ctx, env, name)
	damaged := errors.Is(err, ErrDamaged)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && (!damaged || id != "" && !move) {
		return nil, err
	}
	switch {
	case id == "" && is.Snapshot == "" && !damaged:
		return nil, fmt.Errorf("%w: %s of %s", ErrNoTag, name, env)
	case id != "" && is.Snapshot != "" && is.Snapshot != id && !move:
		return nil, errTaken(is)
	case id != "":
		if _, _, err := b.Snapshot(ctx, env, id); err != nil {
			return nil, err
		}
	}
	return &Tagged{Environment: env, Tag: name, Snapshot: id, Before: is.Snapshot, Changed: damaged || is.Snapshot != id}, nil
}

// fenceTags rewrites every tag, as fence does with pointers.
func (b *Bucket) fenceTags(ctx context.Context) error {
	all, err := b.tags(ctx, "")
	if err != nil {
		return err
	}
	for env, list := range all {
		for _, t := range list {
			if t.Fault != "" {
				return fmt.Errorf("%w: %s", ErrDamaged, t.Fault)
			}
			for {
				is, state, err := b.tag(ctx, env, t.Name)
				if errors.Is(err, fs.ErrNotExist) {
					break
				}
				if err != nil {
					return err
				}
				is.Generation++
				err = b.store.Swap(ctx, layout.TagKey(env, t.Name), is.Encode(), state)
				if err == nil {
					break
				}
				if !errors.Is(err, store.ErrConflict) {
					return fmt.Errorf("renew the tag %s of %s: %w", t.Name, env, err)
				}
			}
		}
	}
	return nil
}

// Tags gives the snapshots that were copied the names that they have where they come
// from. A name that stands for another snapshot here moves along if it did there, and
// else it stays, and is in kept.
func (c *Copier) Tags(ctx context.Context, env string, ids []string) (carried, kept []string, err error) {
	tags, err := c.from.Tags(ctx, env)
	if err != nil {
		return nil, nil, err
	}
	for _, t := range tags {
		if t.Fault != "" {
			return nil, nil, fmt.Errorf("%w: %s", ErrDamaged, t.Fault)
		}
		if !slices.Contains(ids, t.Snapshot) {
			continue
		}
		_, err := c.to.setTag(ctx, env, t.Name, t.Snapshot, Note{By: t.By, Reason: t.Reason}, func(is layout.Tag) error {
			if is.Snapshot != "" && is.Snapshot != t.Before {
				return errTaken(is)
			}
			return nil
		}, false)
		switch {
		case err == nil:
			carried = append(carried, t.Name)
		case errors.Is(err, ErrTagTaken):
			kept = append(kept, t.Name)
		case !errors.Is(err, errStay):
			return nil, nil, err
		}
	}
	return carried, kept, nil
}
