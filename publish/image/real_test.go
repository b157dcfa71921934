//go:build conformance || bench

package image_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/internal/child"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/image"
	"github.com/regsnap/regsnap/serve/servetest"
)

// realStorage is a repository with the real production branch, some commits back.
// It borrows the real objects.
func realStorage(t *testing.T, back int) index.Source {
	t.Helper()
	real := indextest.RealStorage(t)
	repo := filepath.Join(t.TempDir(), "storage.git")
	runGit(t, "init", "-q", "--bare", repo)
	if err := os.WriteFile(filepath.Join(repo, "objects/info/alternates"), []byte(filepath.Join(real, "objects")+"\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	runGit(t, "-C", repo, "update-ref", "refs/heads/production", runGit(t, "-C", real, "rev-parse", fmt.Sprintf("production~%d", back)))
	source, err := git.OpenGit(t.Context(), repo)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := source.Close(); err != nil {
			t.Error(err)
		}
	})
	return source
}

func runGit(t *testing.T, args ...string) string {
	t.Helper()
	c := exec.Command("git", args...)
	c.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*")
	out, err := c.Output()
	if err != nil {
		t.Fatalf("git %v: %v", args, err)
	}
	return strings.TrimSpace(string(out))
}

// publishReal builds the real production branch, some commits back, and makes it live.
func publishReal(t *testing.T, b *publish.Bucket, back int) {
	t.Helper()
	servetest.PublishSource(t, b, realStorage(t, back), "production", func(o *build.Options) { o.Parallel = b.Parallel() })
}

// realPrograms builds regsnap as releases are built.
func realPrograms(t *testing.T, architectures ...string) []image.Program {
	t.Helper()
	dir := t.TempDir()
	var list []image.Program
	for _, arch := range architectures {
		p := image.Program{Arch: arch, Path: filepath.Join(dir, arch)}
		c := exec.Command("go", "build", "-trimpath", "-tags", "disable_grpc_modules", "-ldflags", "-s -w", "-o", p.Path, "../../cmd/regsnap")
		c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		list = append(list, p)
	}
	return list
}

// ofThisMachine is the image of an index that this machine can run.
func ofThisMachine(t *testing.T, index v1.ImageIndex) v1.Image {
	t.Helper()
	m, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range m.Manifests {
		if d.Platform.Architecture == runtime.GOARCH {
			img, err := index.Image(d.Digest)
			if err != nil {
				t.Fatal(err)
			}
			return img
		}
	}
	t.Fatalf("no image for %s", runtime.GOARCH)
	return nil
}

// container is an image that runs, as far as that is possible without an engine.
type container struct {
	t       *testing.T
	root    string
	config  v1.Config
	address string
	started time.Time
	process *exec.Cmd
}

// command is one that is run in the container. Under root the unpacked image is
// the root directory, and the user is the image's, as an engine does it; others
// may not do that, and are given the paths of the folder instead.
func (c *container) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(c.t.Context(), args[0], args[1:]...)
	cmd.Env = append(append([]string{}, c.config.Env...), "REGSNAP_LISTEN="+c.address)
	if os.Geteuid() == 0 {
		var user, group uint32
		if _, err := fmt.Sscanf(c.config.User, "%d:%d", &user, &group); err != nil {
			c.t.Fatal(err)
		}
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: c.root, Credential: &syscall.Credential{Uid: user, Gid: group}}
		return cmd
	}
	cmd.Path = filepath.Join(c.root, args[0])
	for i, a := range cmd.Args {
		cmd.Args[i] = strings.Replace(a, "pack:///", "pack://"+c.root+"/", 1)
	}
	return cmd
}

// start runs the image's entry point, until the test ends.
func start(t *testing.T, img v1.Image, root string) *container {
	t.Helper()
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	c := &container{t: t, root: root, config: config.Config, address: child.Address(t)}
	c.process = c.command(append(c.config.Entrypoint, c.config.Cmd...)...)
	c.process.Stderr = io.Discard
	c.started = time.Now()
	if err := c.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.stop)
	return c
}

// stop ends it; a second time does nothing.
func (c *container) stop() {
	_ = c.process.Process.Kill() // it may have ended
	_ = c.process.Wait()
}

// firstAnswer waits until a request gets 200, and tells how long that took from
// the start of the process.
func (c *container) firstAnswer(path string) time.Duration {
	c.t.Helper()
	for {
		answer, err := http.Get("http://" + c.address + path)
		if err == nil {
			_, err = io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
			if err == nil && answer.StatusCode == http.StatusOK {
				return time.Since(c.started)
			}
		}
		time.Sleep(time.Millisecond)
	}
}

// memory is the most that the process had resident, in bytes.
func (c *container) memory() int64 {
	c.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.process.Process.Pid))
	if err != nil {
		c.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		c.t.Fatal(err)
	}
	return kib << 10
}

// realBucket is an empty bucket.
func realBucket(t *testing.T) *publish.Bucket {
	t.Helper()
	return servetest.Open(t, servetest.FolderURL(t))
}
