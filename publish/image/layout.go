package image

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/regsnap/regsnap/internal/durable"
	"github.com/regsnap/regsnap/internal/folderlock"
)

// refName is the annotation that names an image in a layout (OCI image layout
// specification, index.json).
const refName = "org.opencontainers.image.ref.name"

// layoutVersion is the file that tells a folder to be a layout.
const (
	layoutVersion = "oci-layout"
	layoutContent = `{"imageLayoutVersion":"1.0.0"}` + "\n"
	layoutIndex   = "index.json"
)

// ErrNotLayout: a folder holds something else than an OCI image layout.
var ErrNotLayout = errors.New("not an OCI image layout")

// Written counts what was stored.
type Written struct {
	Blobs int   `json:"blobs"`
	Bytes int64 `json:"bytes"`
}

// WriteLayout adds the image to an OCI image layout, which is made if it is not
// there, under its tags; what had a tag before loses it. Every file is whole or
// not there, and index.json, which makes the image one of the layout, comes last.
// It writes nothing that is there already, and waits for others that write to the
// folder. The environment's tag stays where it is, with ErrOlder, if another snapshot
// went live meanwhile; the image is then there under its id. The library's own writer is not used
// because a run that was interrupted leaves half a manifest there, which the next
// one takes for a whole one.
func (i *Image) WriteLayout(ctx context.Context, dir string) (*Written, error) {
	// Nothing is written to a folder of something else, not even the lock.
	if _, err := readLayout(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	unlock, err := folderlock.Lock(ctx, filepath.Join(dir, lockName), nil)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := errors.Join(removeUnfinished(dir), removeUnfinished(filepath.Join(dir, blobFolder("sha256")))); err != nil {
		return nil, err
	}
	index, err := readLayout(dir)
	if err != nil {
		return nil, err
	}
	w := &layoutWriter{ctx: ctx, dir: dir}
	if err := w.file(layoutVersion, []byte(layoutContent)); err != nil {
		return nil, err
	}
	for _, img := range i.Images {
		if err := w.image(img); err != nil {
			return nil, err
		}
	}
	raw, err := i.Index.RawManifest()
	if err != nil {
		return nil, err
	}
	desc, err := partial.Descriptor(i.Index)
	if err != nil {
		return nil, err
	}
	if err := w.blob(desc.Digest, int64(len(raw)), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil }); err != nil {
		return nil, err
	}
	return &w.Written, w.tag(index, i, desc)
}

// tag gives the image its tags.
func (w *layoutWriter) tag(index *v1.IndexManifest, i *Image, desc *v1.Descriptor) error {
	before, err := json.Marshal(index)
	if err != nil {
		return err
	}
	var older error
	for n, tag := range i.Tags() {
		if older = i.mayTake(w.ctx, tag); older != nil {
			older = fmt.Errorf("%s: %w; the image is there as %s", w.dir, older, strings.Join(i.Tags()[:n], " and "))
			break // it is the last
		}
		index.Manifests = slices.DeleteFunc(index.Manifests, func(d v1.Descriptor) bool { return d.Annotations[refName] == tag })
		tagged := *desc
		tagged.Annotations = map[string]string{refName: tag}
		index.Manifests = append(index.Manifests, tagged)
	}
	slices.SortStableFunc(index.Manifests, func(a, b v1.Descriptor) int {
		return bytes.Compare([]byte(a.Annotations[refName]), []byte(b.Annotations[refName]))
	})
	after, err := json.Marshal(index)
	if err == nil && !bytes.Equal(before, after) {
		err = w.replace(layoutIndex, after)
	}
	return errors.Join(err, older)
}

// blobFolder is where blobs lie that have digests of an algorithm.
func blobFolder(algorithm string) string { return filepath.Join("blobs", algorithm) }

// readLayout reads index.json; a folder that is empty or not there has none yet.
func readLayout(dir string) (*v1.IndexManifest, error) {
	index := &v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	ours := func(e fs.DirEntry) bool { return e.Name() == lockName || strings.HasPrefix(e.Name(), unfinished) }
	if len(slices.DeleteFunc(entries, ours)) == 0 {
		return index, nil
	}
	if _, err := os.Stat(filepath.Join(dir, layoutVersion)); err != nil {
		return nil, fmt.Errorf("%w: %s has files, but no %s: give a new folder", ErrNotLayout, dir, layoutVersion)
	}
	body, err := os.ReadFile(filepath.Join(dir, layoutIndex))
	if errors.Is(err, fs.ErrNotExist) {
		return index, nil // a first run was interrupted
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body, index); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrNotLayout, filepath.Join(dir, layoutIndex), err)
	}
	return index, nil
}

// layoutWriter writes blobs that are not there.
type layoutWriter struct {
	ctx context.Context
	dir string
	Written
}

// image writes the layers, then the configuration, then the manifest.
func (w *layoutWriter) image(img v1.Image) error {
	layers, err := img.Layers()
	if err != nil {
		return err
	}
	for _, l := range layers {
		digest, err := l.Digest()
		if err != nil {
			return err
		}
		size, err := l.Size()
		if err != nil {
			return err
		}
		if err := w.blob(digest, size, l.Compressed); err != nil {
			return err
		}
	}
	for _, part := range []struct {
		digest func() (v1.Hash, error)
		body   func() ([]byte, error)
	}{{img.ConfigName, img.RawConfigFile}, {img.Digest, img.RawManifest}} {
		digest, err := part.digest()
		if err != nil {
			return err
		}
		body, err := part.body()
		if err != nil {
			return err
		}
		if err := w.blob(digest, int64(len(body)), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }); err != nil {
			return err
		}
	}
	return nil
}

// blob writes a blob, unless one of that digest and size is there.
func (w *layoutWriter) blob(digest v1.Hash, size int64, open func() (io.ReadCloser, error)) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	name := filepath.Join(blobFolder(digest.Algorithm), digest.Hex)
	if info, err := os.Stat(filepath.Join(w.dir, name)); err == nil && info.Size() == size {
		return nil
	}
	r, err := open()
	if err != nil {
		return err
	}
	defer r.Close()
	if err := writeWhole(filepath.Join(w.dir, name), r); err != nil {
		return err
	}
	w.Blobs++
	w.Bytes += size
	return nil
}

// file writes a small file, unless there is one.
func (w *layoutWriter) file(name string, body []byte) error {
	if _, err := os.Stat(filepath.Join(w.dir, name)); err == nil {
		return nil
	}
	return w.replace(name, body)
}

func (w *layoutWriter) replace(name string, body []byte) error {
	return writeWhole(filepath.Join(w.dir, name), bytes.NewReader(body))
}

// writeWhole writes a file, whole or not at all, and the folder that it is in.
func writeWhole(name string, r io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	if err := durable.WriteFile(name, unfinished+"*", r); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}
