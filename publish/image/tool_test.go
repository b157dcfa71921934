package image_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/regsnap/regsnap/publish/image"
	"github.com/regsnap/regsnap/publish/image/imagetest"
)

// TestTool: the image of a release holds the program and the certificates that it trusts,
// for each platform, under the one tag of its version.
func TestTool(t *testing.T) {
	_, left := temporary(t)
	at := time.Date(2024, 5, 6, 7, 8, 9, 0, time.FixedZone("", 3600))
	i, err := image.MakeTool(t.Context(), image.ToolOptions{Version: "v1.2.3", Time: at, Programs: programs(t), Roots: []byte("roots")})
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(i.Index); err != nil {
		t.Error(err)
	}
	if !slices.Equal(i.Tags(), []string{"v1.2.3"}) || i.Layers() != 2 || len(i.Images) != 2 || i.Manifest != nil || i.Bytes() == 0 {
		t.Errorf("tags %q, %d layers of %d bytes, %d images", i.Tags(), i.Layers(), i.Bytes(), len(i.Images))
	}
	index, err := i.Index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for n, machine := range []uint16{imagetest.AMD64, imagetest.ARM64} {
		root := t.TempDir()
		if err := imagetest.Unpack(i.Images[n], root); err != nil {
			t.Fatal(err)
		}
		program, err := os.ReadFile(filepath.Join(root, "regsnap"))
		roots, e := os.ReadFile(filepath.Join(root, "etc/ssl/certs/ca-certificates.crt"))
		if errors.Join(err, e) != nil || !bytes.Equal(program, imagetest.ELF(machine, "")) || string(roots) != "roots" {
			t.Errorf("image %d holds %q, %q, %v", n, program, roots, errors.Join(err, e))
		}
		c, err := i.Images[n].ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(c.Config.Entrypoint, []string{"/regsnap"}) || !slices.Equal(c.Config.Cmd, []string{"--help"}) || c.Config.User != "65532:65532" || !c.Created.Equal(at) ||
			c.Config.WorkingDir != "/" || c.Config.StopSignal != "SIGTERM" || c.OS != "linux" || c.Architecture != []string{"amd64", "arm64"}[n] || !slices.Equal(c.Config.Env, []string{"REGSNAP_LISTEN=:8080"}) {
			t.Errorf("%+v", c)
		}
		m, err := i.Images[n].Manifest()
		if err != nil {
			t.Fatal(err)
		}
		for _, notes := range []map[string]string{c.Config.Labels, m.Annotations, index.Annotations} {
			if notes["org.opencontainers.image.version"] != "v1.2.3" || notes["org.opencontainers.image.created"] != "2024-05-06T06:08:09Z" || notes["org.opencontainers.image.title"] != "regsnap" || len(notes) != 4 {
				t.Errorf("%v", notes)
			}
		}
	}
	if err := i.Close(); err != nil || len(left()) > 0 {
		t.Errorf("%v, %q were left", err, left())
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for what, c := range map[string]struct {
		ctx      context.Context
		programs []image.Program
		want     error
	}{
		"stopped": {gone, programs(t), context.Canceled}, "no program": {t.Context(), []image.Program{{Arch: "amd64", Path: filepath.Join(t.TempDir(), "none")}}, image.ErrProgram},
	} {
		if i, err := image.MakeTool(c.ctx, image.ToolOptions{Version: "v1", Programs: c.programs}); !errors.Is(err, c.want) || i != nil || len(left()) > 0 {
			t.Errorf("%s: %v, %q were left", what, err, left())
		}
	}
}
