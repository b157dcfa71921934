package image

import (
	"context"
	"errors"
	"fmt"

	"github.com/regsnap/regsnap/publish"
)

// ErrOlder: what the image was made of is no longer live in its environment.
var ErrOlder = errors.New("another snapshot went live meanwhile")

// ofEnvironment reports whether an image stands for its environment: whose tag it
// gets must have all that is live. Nobody who pulls that tag expects a part of the
// registry, or a snapshot that someone wanted to look at.
func (o Options) ofEnvironment(ctx context.Context) (bool, error) {
	if !o.Slice.Empty() {
		return false, nil
	}
	live, err := o.From.Chosen(ctx, o.Environment, "")
	if o.Snapshot != "" && errors.Is(err, publish.ErrNothingLive) {
		return false, nil
	}
	return o.Snapshot == "" || o.Snapshot == live, err
}

// Tags are the names of the image: its snapshot, which stays, and, if it is the
// live one and whole, its environment, which moves with the next one.
func (i *Image) Tags() []string {
	if i.Manifest == nil {
		return []string{i.tool}
	}
	tags := []string{i.Manifest.ID()}
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
	return fmt.Errorf("%w: %s is %s by now; this image, of %s, is there under its id alone. With --allow-older it takes the tag", ErrOlder, tag, live, i.Manifest.ID())
}
