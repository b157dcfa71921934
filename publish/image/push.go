package image

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// pushJobs is how many layers are sent at once; a registry refuses many more.
const pushJobs = 4

// Push sends the image to a repository of a registry: what the registry lacks, and
// the tag of the environment last. Who pushes is known from the usual places of
// container tools: DOCKER_CONFIG, ~/.docker, Podman's auth.json, and the helpers
// that they name. sent, if set, is told how many bytes of those that are known to
// be lacking were sent. It returns the references. The environment's tag
// stays where it is, with ErrOlder, if another snapshot went live meanwhile. Registries cannot compare and swap: two
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
	pusher, err := remote.NewPusher(remote.WithAuthFromKeychain(authn.DefaultKeychain), remote.WithUserAgent(agent), remote.WithJobs(pushJobs), remote.WithProgress(updates))
	if err != nil {
		return nil, err
	}
	var refs []string
	for _, tag := range i.Tags() {
		ref := repo.Tag(tag)
		if err := i.mayTake(ctx, tag); err != nil {
			return refs, fmt.Errorf("push %s: %w", ref, err)
		}
		if err := pusher.Push(ctx, ref, i.Index); err != nil {
			return refs, fmt.Errorf("push %s: %w", ref, err)
		}
		refs = append(refs, ref.String())
	}
	return refs, nil
}
