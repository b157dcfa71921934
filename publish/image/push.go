package image

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// pushJobs is how many layers are sent at once; a registry refuses many more.
const pushJobs = 4

// Push sends the image to a repository of a registry: what the registry lacks, and
// the tag of the environment last. Who pushes is known from the usual places of
// container tools: DOCKER_CONFIG, ~/.docker, Podman's auth.json, and the helpers
// that they name. sent, if set, is told how many bytes of those that are known to
// be lacking were sent. It returns the references. An environment's tag that has a
// newer snapshot is ErrOlder, and stays. Registries cannot compare and swap: two
// who push at the very same moment are not kept apart.
func (i *Image) Push(ctx context.Context, repository, agent string, sent func(done, total int64)) ([]string, error) {
	repo, err := parseRepository(repository)
	if err != nil {
		return nil, err
	}
	updates, done, ended := make(chan v1.Update), make(chan struct{}), make(chan struct{})
	defer func() {
		close(done)
		<-ended
	}()
	go func() {
		defer close(ended)
		for {
			select {
			case u := <-updates:
				if sent != nil {
					sent(u.Complete, u.Total)
				}
			case <-done:
				return
			}
		}
	}()
	as := []remote.Option{remote.WithAuthFromKeychain(authn.DefaultKeychain), remote.WithUserAgent(agent)}
	pusher, err := remote.NewPusher(append(as, remote.WithJobs(pushJobs), remote.WithProgress(updates))...)
	if err != nil {
		return nil, err
	}
	puller, err := remote.NewPuller(as...)
	if err != nil {
		return nil, err
	}
	var refs []string
	for _, tag := range i.Tags() {
		ref := repo.Tag(tag)
		if tag == i.Manifest.Environment {
			current, err := tagged(ctx, puller, ref)
			if err == nil {
				err = i.mayTake(tag, current)
			}
			if err != nil {
				return refs, fmt.Errorf("push %s: %w", ref, err)
			}
		}
		if err := pusher.Push(ctx, ref, i.Index); err != nil {
			return refs, fmt.Errorf("push %s: %w", ref, err)
		}
		refs = append(refs, ref.String())
	}
	return refs, nil
}

// tagged is the manifest that has a tag; nil if there is none.
func tagged(ctx context.Context, puller *remote.Puller, ref name.Tag) ([]byte, error) {
	d, err := puller.Get(ctx, ref)
	var refused *transport.Error
	if errors.As(err, &refused) && refused.StatusCode == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return d.Manifest, nil
}
