package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// ToolOptions say what to make an image of the program alone of.
type ToolOptions struct {
	Version  string    // the image's tag, such as v1.2.3
	Time     time.Time // when the image says that it was made
	Programs []Program // one for each platform
	Roots    []byte    // the certificates that it trusts, in PEM
}

// rootsPath is where programs on Linux look for the certificates that they trust.
const rootsPath = "etc/ssl/certs/ca-certificates.crt"

// MakeTool makes an image that holds regsnap and no snapshot: its arguments are
// regsnap's. Programs that cannot run in one are ErrProgram.
func MakeTool(ctx context.Context, o ToolOptions) (_ *Image, err error) {
	dir, err := os.MkdirTemp("", "regsnap-image-")
	if err != nil {
		return nil, err
	}
	i := &Image{dir: dir, tool: o.Version, Index: mutate.IndexMediaType(empty.Index, types.OCIImageIndex)}
	defer func() {
		if err != nil {
			err = errors.Join(err, i.Close())
		}
	}()
	notes := map[string]string{
		"org.opencontainers.image.title":    "regsnap",
		"org.opencontainers.image.licenses": "Apache-2.0",
		"org.opencontainers.image.created":  o.Time.UTC().Format(time.RFC3339),
		versionNote:                         o.Version,
	}
	roots := filepath.Join(dir, "roots.pem")
	if err := os.WriteFile(roots, o.Roots, 0o600); err != nil {
		return nil, err
	}
	for _, p := range o.Programs {
		if err := errors.Join(ctx.Err(), p.check()); err != nil {
			return nil, err
		}
		l, err := writeLayer(dir, "regsnap", otherLevel,
			layerFile{path: rootsPath, from: roots, mode: 0o644}, layerFile{path: programPath, from: p.Path, mode: 0o755})
		if err != nil {
			return nil, err
		}
		i.layers = append(i.layers, l)
		img, err := toolImage(o, p, l, notes)
		if err != nil {
			return nil, fmt.Errorf("image for linux/%s: %w", p.Arch, err)
		}
		i.add(img, p)
	}
	i.Index = mutate.Annotations(i.Index, notes).(v1.ImageIndex)
	return i, nil
}

func toolImage(o ToolOptions, p Program, l *layer, notes map[string]string) (v1.Image, error) {
	at := v1.Time{Time: o.Time.UTC()}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err := mutate.ConfigFile(img, &v1.ConfigFile{
		OS: "linux", Architecture: p.Arch, Created: at, RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{
			User: user, WorkingDir: "/", Entrypoint: []string{"/" + programPath}, Cmd: []string{"--help"},
			Env: []string{"REGSNAP_LISTEN=:" + port}, ExposedPorts: map[string]struct{}{port + "/tcp": {}},
			StopSignal: "SIGTERM", Labels: notes,
		},
	})
	if err != nil {
		return nil, err
	}
	img, err = mutate.Append(img, mutate.Addendum{Layer: l, MediaType: types.OCILayer, History: v1.History{CreatedBy: "regsnap release: " + l.what, Created: at}})
	if err != nil {
		return nil, err
	}
	return mutate.Annotations(img, notes).(v1.Image), nil
}
