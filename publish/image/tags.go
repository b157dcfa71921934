package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
)

// ErrOlder: the environment's tag has an image of newer commits.
var ErrOlder = errors.New("the tag has a newer snapshot")

// versionNote is the annotation with the id of an image's snapshot.
const versionNote = "org.opencontainers.image.version"

// ofEnvironment tells whether an image stands for its environment: whose tag it
// gets must have all that is live. Nobody who pulls that tag expects a part of the
// registry, or a snapshot that somebody wanted to look at.
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

// mayTake refuses to take the environment's tag back to older commits: of two jobs
// the one that started first may end last. manifest is what has the tag now, nil if
// nothing has; what is no image of a snapshot is not older or newer.
func (i *Image) mayTake(tag string, manifest []byte) error {
	if i.back || i.Manifest == nil || tag != i.Manifest.Environment || manifest == nil {
		return nil
	}
	m, err := v1.ParseIndexManifest(bytes.NewReader(manifest))
	if err != nil {
		return nil
	}
	now, id := m.Annotations[versionNote], i.Manifest.ID()
	if !layout.ValidSnapshot(now) || commitTime(now) <= commitTime(id) {
		return nil
	}
	return fmt.Errorf("%w: %s is of %s; this image, of %s, is there under its id alone. With --allow-older it takes the tag", ErrOlder, tag, now, id)
}

// commitTime is what a snapshot's id begins with, which sorts by time.
func commitTime(id string) string { return id[:len(layout.SnapshotTime)] }
