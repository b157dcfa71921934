package image

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/regsnap/regsnap/publish"
)

// ErrOlder: what the image was made of is no longer live in its environment.
var ErrOlder = errors.New("another snapshot went live meanwhile")

// ofEnvironment reports whether an image stands for its environment: whose tag it
// gets must have all that is live. Nobody who pulls that tag expects a part of the
// registry, or a snapshot that someone wanted to look at.
func (o Options) ofEnvironment(ctx context.Context) (bool, error) {
	if !o.Slice.Empty() || o.NoEnvironmentTag {
		return false, nil
	}
	live, err := o.From.Chosen(ctx, o.Environment, "")
	if o.Snapshot != "" && errors.Is(err, publish.ErrNothingLive) {
		return false, nil
	}
	return o.Snapshot == "" || o.Snapshot == live, err
}

// Tags are the names of the image: its snapshot, or what it is to be called in place
// of that, which stays, and, if it is the live one and whole, its environment, which
// moves with the next one.
func (i *Image) Tags() []string {
	if i.Manifest == nil {
		return []string{i.tool}
	}
	tags := slices.Clone(i.tags)
	if len(tags) == 0 {
		tags = append(tags, i.Manifest.ID())
	}
	if i.moves {
		tags = append(tags, i.Manifest.Environment)
	}
	return tags
}

// mayTake refuses the environment's tag to an image that is no longer of what is
// live: of two jobs the one that started first may end last. The bucket is asked
// right before the tag moves, as dates say nothing about what was published last.
func (i *Image) mayTake(ctx context.Context, tag string) error {
	if i.back || i.Manifest == nil || tag != i.Manifest.Environment {
		return nil
	}
	live, err := i.live(ctx)
	if err != nil || live == i.Manifest.ID() {
		return err
	}
	return fmt.Errorf("%w: %s is %s by now; this image is of %s. With --allow-older it takes the tag", ErrOlder, tag, live, i.Manifest.ID())
}

// tagGrammar is the specification's, "Pulling manifests".
var tagGrammar = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)

// CheckTags reports whether an image of an environment can have tags. That of the
// environment has rules of its own, and is not given by hand.
func CheckTags(environment string, tags []string) error {
	for n, tag := range tags {
		switch {
		case !tagGrammar.MatchString(tag):
			return fmt.Errorf("%w: tag %q: want up to 128 letters, digits, dots, dashes and underscores", errName, tag)
		case tag == environment:
			return fmt.Errorf("%w: tag %q: an image of what is live gets the environment's tag by itself", errName, tag)
		case slices.Contains(tags[:n], tag):
			return fmt.Errorf("%w: tag %q is given twice", errName, tag)
		}
	}
	return nil
}
