package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/internal/child"
	"github.com/regsnap/regsnap/internal/released"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
)

// releasedConfig is what the buckets of package released were built with.
const releasedConfig = `environments:
  production:
    branches: [production]
  staging:
    branches: [production, staging]
`

// Every command works on what each released regsnap has left, and what it does
// there leaves a bucket that is sound.
func TestReleasedFormats(t *testing.T) {
	storage, config := released.Storage(t), filepath.Join(t.TempDir(), "regsnap.yml")
	if err := os.WriteFile(config, []byte(releasedConfig), 0o666); err != nil {
		t.Fatal(err)
	}
	temp := t.TempDir()
	for _, format := range released.Formats(t) {
		whole := released.Bucket(t, format)
		live := map[string]string{}
		for _, env := range []string{"production", "staging"} {
			live[env] = liveOf(t, whole, env).Snapshot
		}
		for i, c := range []struct {
			command string
			stdout  string // a part of what it prints
		}{
			{"status --bucket $B", live["production"]},
			{"history --bucket $B --env production", "other 0.1.0 breaks dashboards"},
			{"diff --bucket $B --env production live previous", ""},
			{"inspect --bucket $B --env production", live["production"]},
			{"inspect --bucket $B --env production /search", "demo"},
			{"inspect --bucket $B --env staging /package/demo/1.0.0/docs/README.md", "200 OK"},
			{"verify --quiet --bucket $B --env production", "sound"},
			{"verify --quiet --bucket $B --env staging", "sound"},
			{"build --quiet --config $C --source git:$S --bucket $B", "production"},
			{"build --quiet --publish --allow-render --config $C --source git:$S --bucket $B", "production"},
			{"publish --bucket $B --env production --source git:$S 20231117T", "is live (was " + live["production"]},
			{"rollback --bucket $B --env production", "is live (was " + live["production"]},
			{"rollback --bucket $B --env production 20231117T", "is live (was " + live["production"]},
			{"pin --bucket $B --env production", "is pinned"},
			{"unpin --bucket $B --env staging", "no longer pinned"},
			{"prune --dry-run --bucket $B", "3 kept, 0 deleted"},
			{"prune --bucket $B --keep-last 1 --keep-within 0s --grace 0s", "deleted"},
			{"mirror --quiet $B file://$T/mirror", "is live"},
			{"export --quiet --bucket $B --env production $T/export", ""},
		} {
			t.Run(format+"/"+c.command, func(t *testing.T) {
				dir := copyOf(t, whole)
				line := strings.NewReplacer("$B", "file://"+dir, "$C", config, "$S", storage, "$T", filepath.Join(temp, format, strconv.Itoa(i))).Replace(c.command)
				var stdout, stderr bytes.Buffer
				if code := run(t.Context(), append([]string{"regsnap"}, strings.Fields(line)...), &stdout, &stderr); code != 0 {
					t.Fatalf("exit code %d: %s", code, &stderr)
				}
				if !strings.Contains(stdout.String(), c.stdout) {
					t.Errorf("stdout lacks %q: %s", c.stdout, &stdout)
				}
				verifyLive(t, dir)
			})
		}
		if liveManifest(t, whole).Render != build.RenderVersion {
			t.Run(format+"/another render version", func(t *testing.T) { buildOverReleased(t, copyOf(t, whole), storage, config) })
		}
		t.Run(format+"/serve", func(t *testing.T) { serveReleased(t, copyOf(t, whole), live["production"]) })
	}
}

// buildOverReleased: a build does not replace a snapshot of the same commits by another
// render version, unless the environment pins its version of regsnap.
func buildOverReleased(t *testing.T, dir, storage, config string) {
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"regsnap", "publish", "--bucket", "file://" + dir, "--env", "production", "--source", "git:" + storage, "20231117T"}, &stdout, &stderr); code != 0 {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	newest := liveOf(t, dir, "production").Snapshot
	args := []string{"regsnap", "build", "--quiet", "--publish", "--config", config, "--source", "git:" + storage, "--bucket", "file://" + dir, "--env", "production"}
	code := run(t.Context(), args, &stdout, &stderr)
	if code != exitRender || !strings.Contains(stderr.String(), newest+" is of the same commits") || liveOf(t, dir, "production").Snapshot != newest {
		t.Errorf("exit code %d: %s", code, &stderr)
	}
	pinned := filepath.Join(t.TempDir(), "regsnap.yml")
	if err := os.WriteFile(pinned, []byte(strings.ReplaceAll(releasedConfig, "  production:\n", "  production:\n    regsnap: main\n")), 0o666); err != nil {
		t.Fatal(err)
	}
	args[5] = pinned
	if code := run(t.Context(), args, &stdout, &stderr); code != 0 || liveOf(t, dir, "production").Snapshot == newest {
		t.Errorf("pinned: exit code %d: %s", code, &stderr)
	}
}

// liveOf is the pointer of an environment.
func liveOf(t *testing.T, dir, env string) layout.Pointer {
	t.Helper()
	b, err := publish.Open(t.Context(), "file://"+dir)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	p, err := b.Pointer(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func copyOf(t *testing.T, bucket string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(bucket)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// verifyLive makes sure that what is live is whole.
func verifyLive(t *testing.T, dir string) {
	t.Helper()
	for _, env := range []string{"production", "staging"} {
		var out bytes.Buffer
		if code := run(t.Context(), []string{"regsnap", "verify", "--quiet", "--bucket", "file://" + dir, "--env", env}, &out, &out); code != 0 {
			t.Errorf("%s: verify: exit code %d: %s", env, code, &out)
		}
	}
}

// serveReleased asks a server that was just started.
func serveReleased(t *testing.T, dir, live string) {
	t.Helper()
	addr := child.Address(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int)
	go func() {
		ended <- run(ctx, []string{"regsnap", "serve", "--bucket", "file://" + dir, "--env", "production", "--listen", addr}, io.Discard, io.Discard)
	}()
	defer func() {
		stop()
		<-ended
	}()
	for _, target := range []string{"/search", "/categories", "/package/demo/1.1.0/", "/package/demo/1.1.0/docs/README.md", "/epr/demo/demo-1.0.0.zip"} {
		resp, err := get(ctx, "http://"+addr+target)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s, of snapshot %s", target, resp.Status, live)
		}
	}
}

// get asks until the server listens.
func get(ctx context.Context, url string) (*http.Response, error) {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return nil, err
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			return resp, errors.Join(err, resp.Body.Close())
		}
		if ctx.Err() != nil {
			return nil, err
		}
		time.Sleep(10 * time.Millisecond)
	}
}
