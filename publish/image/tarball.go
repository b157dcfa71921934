package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// errName: the name of an image or of a repository is malformed.
var errName = errors.New("image name")

// CheckRepository reports whether an image can have a name, or be pushed to it.
func CheckRepository(repository string) error {
	_, err := parseRepository(repository)
	return err
}

func parseRepository(s string) (name.Repository, error) {
	if strings.ContainsAny(s, "@?") || strings.Contains(s, "://") {
		return name.Repository{}, fmt.Errorf("%w: %q: want HOST/NAME, such as hub.example/registry, without a scheme, user, tag or digest", errName, s)
	}
	repo, err := name.NewRepository(s)
	if err != nil {
		return repo, fmt.Errorf("%w: %w", errName, err)
	}
	return repo, nil
}

// WriteTarball writes the image as docker load and podman load take it, under a
// name with each of its tags. Such a file is of one platform.
func (i *Image) WriteTarball(ctx context.Context, file, repository string) error {
	if len(i.Images) != 1 {
		return fmt.Errorf("an archive for docker load is of one platform; the image has %d", len(i.Images))
	}
	repo, err := parseRepository(repository)
	if err != nil {
		return err
	}
	named := map[name.Reference]v1.Image{}
	for _, tag := range i.Tags() {
		named[repo.Tag(tag)] = i.Images[0]
	}
	r, w := io.Pipe()
	go func() {
		w.CloseWithError(tarball.MultiRefWrite(named, contextWriter{ctx, w}))
	}()
	err = writeWhole(file, r)
	r.Close() // so that the other side ends
	return err
}

// contextWriter gives up once a context has ended.
type contextWriter struct {
	ctx context.Context
	io.Writer
}

func (w contextWriter) Write(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.Writer.Write(p)
}
