package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/regsnap/regsnap/internal/released"
	"github.com/regsnap/regsnap/publish/image/imagetest"
)

// TestBuildOverReleased: one environment is built where others, and snapshots that are no
// longer live, were stored by an earlier regsnap, whose encoder was another. Nothing of
// that shows in the snapshot, and every reader takes it.
func TestBuildOverReleased(t *testing.T) {
	storage, config := released.Storage(t), filepath.Join(t.TempDir(), "regsnap.yml")
	elf := filepath.Join(t.TempDir(), "amd64")
	if err := errors.Join(os.WriteFile(config, []byte(releasedConfig), 0o666), os.WriteFile(elf, imagetest.ELF(imagetest.AMD64, ""), 0o755)); err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	for _, format := range append(released.Formats(t), "none") {
		for _, envs := range []string{"", " --env production"} {
			name := format + envs
			dir := t.TempDir()
			if format != "none" {
				dir = released.Bucket(t, format)
			}
			bucket := " --bucket file://" + dir
			mustRun(t, 0, "build --quiet --publish --allow-render --config "+config+" --source git:"+storage+bucket+envs)
			ids[name] = liveOf(t, dir, "production").Snapshot
			if ids[name] != ids["1"] {
				t.Errorf("%s: %s, want %s", name, ids[name], ids["1"])
			}
			mustRun(t, 0, "verify --quiet"+bucket)
			mustRun(t, 0, "mirror --quiet file://"+dir+" file://"+filepath.Join(t.TempDir(), "mirror"))
			mustRun(t, 0, "export --quiet --env production "+filepath.Join(t.TempDir(), "export")+bucket)
			mustRun(t, 0, "image --quiet --env production --binary linux/amd64="+elf+" --layout "+filepath.Join(t.TempDir(), "images")+bucket)
		}
	}
}
