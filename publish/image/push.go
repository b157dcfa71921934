package image

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/partial"
	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/internal/retry"
)

// pushJobs is how many layers are sent at once; a registry refuses many more.
const pushJobs = 4

// pushRetries bound how often a layer or a manifest is sent. A limit of requests is
// often one of a minute.
var pushRetries = retry.Policy{Attempts: 6, Pause: time.Second, MaxPause: 20 * time.Second, Asked: time.Minute}

// client is how registries are asked; what is not set is as usual.
type client struct {
	transport http.RoundTripper
	retries   retry.Policy
}

// Push sends the image to a repository of a registry: what the registry lacks, and
// the tag of the environment last. Who pushes is known from the usual places of
// container tools: DOCKER_CONFIG, ~/.docker, Podman's auth.json, and the helpers
// that they name. sent, if set, is called with how many bytes were sent of the layers known
// to be lacking. It returns the references. The environment's tag
// stays where it is, with ErrOlder, if another snapshot went live meanwhile. Registries cannot compare and swap: two
// who push at the very same moment are not kept apart.
//
// The library's own writer is not used: it sends a layer in a request that not every
// registry knows, gives up when a token expires while a layer is on its way, and does
// not wait as long as a registry asks it to.
func (i *Image) Push(ctx context.Context, repository, agent string, sent func(done, total int64)) ([]string, error) {
	repo, err := parseRepository(repository)
	if err != nil {
		return nil, err
	}
	t := &target{repo: repo, retries: i.client.retries, sent: &transfer{told: sent}}
	if t.retries.Attempts == 0 {
		t.retries = pushRetries
	}
	if err := t.connect(ctx, i.client.transport, agent); err != nil {
		return nil, fmt.Errorf("push %s: %w", repo, t.explain(err))
	}
	index, err := manifestOf(i.Index)
	if err != nil {
		return nil, err
	}
	var refs []string
	for _, tag := range i.Tags() {
		err := i.mayTake(ctx, tag)
		if err == nil {
			err = i.pushTag(ctx, t, index, tag)
		}
		if err != nil {
			err = fmt.Errorf("push %s: %w", repo.Tag(tag), t.explain(err))
			if len(refs) > 0 {
				err = fmt.Errorf("%w; the image is there as %s", err, strings.Join(refs, " and "))
			}
			return refs, err
		}
		refs = append(refs, repo.Tag(tag).String())
	}
	return refs, nil
}

// pushTag sends what the registry lacks of the image, and gives it the tag. What a
// manifest names is there before it is.
func (i *Image) pushTag(ctx context.Context, t *target, index *manifest, tag string) error {
	if there, err := t.has(ctx, tag, index); err != nil || there {
		return err
	}
	if !t.whole {
		var lacking []*manifest
		var blobs []*blob
		for _, img := range i.Images {
			m, err := manifestOf(img)
			if err != nil {
				return err
			}
			if there, err := t.has(ctx, m.digest, m); err != nil {
				return err
			} else if there {
				continue
			}
			parts, err := blobsOf(img)
			if err != nil {
				return err
			}
			for _, b := range parts {
				if !slices.ContainsFunc(blobs, func(other *blob) bool { return other.digest == b.digest }) {
					blobs = append(blobs, b)
				}
			}
			lacking = append(lacking, m)
		}
		g, gctx := errgroup.WithContext(ctx)
		g.SetLimit(pushJobs)
		for _, b := range blobs {
			g.Go(func() error { return t.send(gctx, b) })
		}
		if err := g.Wait(); err != nil {
			return err
		}
		for _, m := range lacking {
			if err := t.put(ctx, m.digest, m); err != nil {
				return err
			}
		}
		t.whole = true
	}
	return i.tagAs(ctx, t, index, tag)
}

// tagAs gives the image a tag. A registry may keep tags where they are: what is to be
// done about that depends on the tag.
func (i *Image) tagAs(ctx context.Context, t *target, index *manifest, tag string) error {
	err := t.put(ctx, tag, index)
	var refused *refusal
	if !errors.As(err, &refused) || refused.status == http.StatusUnauthorized {
		return err
	}
	switch there := t.digestOf(ctx, tag); there {
	case "":
		if refused.status == http.StatusBadRequest && refused.codes == nil || refused.unsupported() {
			return explained{fmt.Errorf("%s takes no image of several platforms (an OCI image index): make it with --tarball for one, and push that with docker (%w)", t.repo.RegistryStr(), err)}
		}
		return err // what it was refused for is all that is known
	case index.digest:
		return nil
	default:
		return explained{fmt.Errorf("the registry keeps this tag at %s: %s (%w)", there, i.adviceFor(tag), err)}
	}
}

// adviceFor says what to do about a tag that a registry keeps where it is.
func (i *Image) adviceFor(tag string) string {
	switch {
	case i.Manifest == nil:
		return "a release has a tag of its own"
	case tag == i.Manifest.Environment:
		return "leave it there with --no-env-tag"
	case tag != i.Manifest.ID():
		return "give the image another one with --tag"
	}
	return "an image of this snapshot is there already, with other programs or for other platforms: keep that one, or give this one a tag of its own with --tag"
}

// manifest is what a registry keeps under a digest and under tags.
type manifest struct {
	digest, mediaType string
	body              []byte
}

func manifestOf(d interface {
	partial.Describable
	RawManifest() ([]byte, error)
}) (*manifest, error) {
	body, err := d.RawManifest()
	if err != nil {
		return nil, err
	}
	digest, err := d.Digest()
	if err != nil {
		return nil, err
	}
	mediaType, err := d.MediaType()
	return &manifest{digest: digest.String(), mediaType: string(mediaType), body: body}, err
}
