package image_test

import (
	"errors"
	"io"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

var errBroken = errors.New("the image is broken, as the test wanted")

// broken is something of an image of which the call at fails, or does something.
type broken struct {
	at      int
	instead func()

	mu    sync.Mutex
	calls int
	again bool // what failed is the body of a request, which is sent again
}

// made is how many calls there were, and whether the one that failed is made again.
func (b *broken) made() (calls int, again bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.calls, b.again
}

func (b *broken) err(body bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.calls++; b.calls != b.at {
		return nil
	}
	if b.again = body; b.instead != nil {
		b.instead()
		return nil
	}
	return errBroken
}

type brokenImage struct {
	v1.Image
	*broken
}

// of has a call fail in place of the real one.
func of[T any](b *broken, call func() (T, error)) (T, error) {
	if err := b.err(false); err != nil {
		var none T
		return none, err
	}
	return call()
}

func (i brokenImage) ConfigName() (v1.Hash, error)        { return of(i.broken, i.Image.ConfigName) }
func (i brokenImage) RawConfigFile() ([]byte, error)      { return of(i.broken, i.Image.RawConfigFile) }
func (i brokenImage) Digest() (v1.Hash, error)            { return of(i.broken, i.Image.Digest) }
func (i brokenImage) RawManifest() ([]byte, error)        { return of(i.broken, i.Image.RawManifest) }
func (i brokenImage) MediaType() (types.MediaType, error) { return of(i.broken, i.Image.MediaType) }
func (i brokenImage) Layers() ([]v1.Layer, error) {
	layers, err := of(i.broken, i.Image.Layers)
	for n := range layers {
		layers[n] = brokenLayer{layers[n], i.broken}
	}
	return layers, err
}

type brokenLayer struct {
	v1.Layer
	*broken
}

func (l brokenLayer) Digest() (v1.Hash, error) { return of(l.broken, l.Layer.Digest) }
func (l brokenLayer) Size() (int64, error)     { return of(l.broken, l.Layer.Size) }
func (l brokenLayer) Compressed() (io.ReadCloser, error) {
	if err := l.err(true); err != nil {
		return nil, err
	}
	r, err := l.Layer.Compressed()
	return brokenBody{r, l.broken}, err
}

type brokenBody struct {
	io.ReadCloser
	*broken
}

func (b brokenBody) Read(p []byte) (int, error) {
	if err := b.err(true); err != nil {
		return 0, err
	}
	return b.ReadCloser.Read(p)
}

// wholeIndex has another name: an index has a method of the name of its type.
type wholeIndex = v1.ImageIndex

type brokenIndex struct {
	wholeIndex
	*broken
}

func (i brokenIndex) Digest() (v1.Hash, error)     { return of(i.broken, i.wholeIndex.Digest) }
func (i brokenIndex) Size() (int64, error)         { return of(i.broken, i.wholeIndex.Size) }
func (i brokenIndex) RawManifest() ([]byte, error) { return of(i.broken, i.wholeIndex.RawManifest) }
func (i brokenIndex) MediaType() (types.MediaType, error) {
	return of(i.broken, i.wholeIndex.MediaType)
}
