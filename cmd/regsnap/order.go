package main

import (
	"context"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/publish"
)

// relater is a source that knows the history of branches.
type relater interface {
	Relation(ctx context.Context, branch, live, next string) (index.Relation, error)
}

// order decides what may go live in an environment, by what a source knows.
func (c config) order(env string, src index.Source) publish.Order {
	var relate publish.Relate
	if r, ok := src.(relater); ok {
		relate = func(ctx context.Context, branch, live, next string) (publish.Relation, error) {
			relation, err := r.Relation(ctx, branch, live, next)
			return relations[relation], err
		}
	}
	return publish.ByHistory(relate, c.Environments[env].allowsDiverged())
}

// relations are those of a clone in the terms of a bucket, which compares only
// commits that differ.
var relations = map[index.Relation]publish.Relation{
	index.Descendant: publish.Descendant,
	index.Ancestor:   publish.Ancestor,
	index.Diverged:   publish.Diverged,
}
