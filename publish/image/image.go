package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/pack"
)

// Options say what to make an image of.
type Options struct {
	From        *publish.Bucket
	Environment string
	// Snapshot is the one to take; empty is the live one.
	Snapshot string
	// Slice, unless it is empty, takes only a part of the snapshot.
	Slice layout.Slice
	// Regsnap is the version of this program, as the manifest of a slice records it.
	Regsnap string
	// Back gives the image the environment's tag even if another snapshot went live
	// while it was made.
	Back bool
	// Tags are what the image is called in place of the snapshot's id; NoEnvironmentTag
	// leaves the environment's tag where it is.
	Tags             []string
	NoEnvironmentTag bool
	// Programs are regsnap, one for each platform of the image.
	Programs []Program

	// Copy says how objects of a slice are copied. Render and Progress, if set, are
	// told how far the rendering of a slice is, and all that comes after it.
	Copy     publish.CopyOptions
	Render   func(build.Progress)
	Progress func(phase string, done, total int)
}

// progress tells how far a phase is.
func (o Options) progress(phase string, done, total int) {
	if o.Progress != nil {
		o.Progress(phase, done, total)
	}
}

// Image is an image for one or more platforms. Its layers are temporary files,
// which Close removes.
type Image struct {
	Manifest *layout.Manifest // of the snapshot; nil for the program alone
	Index    v1.ImageIndex
	// Images are those of the index, in the order of the programs.
	Images []v1.Image
	dir    string
	layers []*layer
	moves  bool // it gets the tag of its environment
	back   bool // even if it is no longer live
	live   func(context.Context) (string, error)
	tool   string   // the tag of an image that has no snapshot
	tags   []string // in place of the snapshot's id
	client client
}

// Make makes an image. Programs that cannot run in one are ErrProgram; a bucket
// that does not hold what the snapshot says is publish.ErrDamaged.
func Make(ctx context.Context, o Options) (_ *Image, err error) {
	for _, p := range o.Programs {
		if err := p.check(); err != nil {
			return nil, err
		}
	}
	dir, err := os.MkdirTemp("", "regsnap-image-")
	if err != nil {
		return nil, err
	}
	i := &Image{dir: dir, back: o.Back, tags: o.Tags, live: func(ctx context.Context) (string, error) { return o.From.Chosen(ctx, o.Environment, "") }}
	defer func() {
		if err != nil {
			err = errors.Join(err, i.Close())
		}
	}()
	if i.moves, err = o.ofEnvironment(ctx); err != nil {
		return nil, err
	}
	m, folder, made, err := o.snapshot(ctx, dir)
	if err != nil {
		return nil, err
	}
	i.Manifest = m
	shared, err := i.sharedLayers(ctx, o, folder, made)
	if err != nil {
		return nil, err
	}
	if err := i.assemble(ctx, o, shared); err != nil {
		return nil, err
	}
	return i, nil
}

// compressing is the phase of writing layers.
const compressing = "compress layers"

// sharedLayers are those of the snapshot.
func (i *Image) sharedLayers(ctx context.Context, o Options, folder string, made *pack.Made) ([]*layer, error) {
	total := len(made.Packs) + 1 + len(o.Programs)
	var shared []*layer
	for n, name := range made.Packs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		l, err := writeLayer(i.dir, "packages and responses", packLevel, registryFile(folder, name))
		if err == nil {
			// The layer has it now.
			err = os.Remove(filepath.Join(folder, filepath.FromSlash(name)))
		}
		if err != nil {
			return nil, err
		}
		shared = append(shared, l)
		o.progress(compressing, n+1, total)
	}
	var head []layerFile
	for _, name := range made.Head {
		head = append(head, registryFile(folder, name))
	}
	l, err := writeLayer(i.dir, "pointer, routes and manifest", otherLevel, head...)
	return append(shared, l), err
}

func registryFile(folder, name string) layerFile {
	return layerFile{path: path.Join(registryPath, name), from: filepath.Join(folder, filepath.FromSlash(name)), mode: 0o644}
}

// assemble makes an image of each program and the layers that all share.
func (i *Image) assemble(ctx context.Context, o Options, shared []*layer) error {
	i.layers = shared
	notes := provenance(i.Manifest)
	i.Index = mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for n, p := range o.Programs {
		if err := ctx.Err(); err != nil {
			return err
		}
		l, err := writeLayer(i.dir, "regsnap", otherLevel, layerFile{path: programPath, from: p.Path, mode: 0o755})
		if err != nil {
			return err
		}
		i.layers = append(i.layers, l)
		img, err := platformImage(i.Manifest, p, append([]*layer{l}, shared...))
		if err != nil {
			return fmt.Errorf("image for linux/%s: %w", p.Arch, err)
		}
		img = mutate.Annotations(img, notes).(v1.Image)
		i.add(img, p)
		o.progress(compressing, len(shared)+n+1, len(shared)+len(o.Programs))
	}
	i.Index = mutate.Annotations(i.Index, notes).(v1.ImageIndex)
	return nil
}

// add makes an image the one of its platform.
func (i *Image) add(img v1.Image, p Program) {
	i.Images = append(i.Images, img)
	i.Index = mutate.AppendManifests(i.Index, mutate.IndexAddendum{
		Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: p.Arch}},
	})
}

func platformImage(m *layout.Manifest, p Program, layers []*layer) (v1.Image, error) {
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err := mutate.ConfigFile(img, configFile(m, p))
	if err != nil {
		return nil, err
	}
	var all []mutate.Addendum
	for _, l := range layers {
		all = append(all, mutate.Addendum{Layer: l, MediaType: types.OCILayer, History: v1.History{
			CreatedBy: "regsnap image: " + l.what, Created: v1.Time{Time: m.Time().UTC()},
		}})
	}
	return mutate.Append(img, all...)
}

// Layers counts the layers of all platforms together, and Bytes their compressed
// size: what a registry that has none of them receives.
func (i *Image) Layers() int { return len(i.layers) }

// Bytes is the compressed size of all layers.
func (i *Image) Bytes() int64 {
	n := int64(0)
	for _, l := range i.layers {
		n += l.size
	}
	return n
}

// Close removes the temporary files.
func (i *Image) Close() error { return os.RemoveAll(i.dir) }
