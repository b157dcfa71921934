package nginx

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// sbin is where Debian installs servers, which is not on every PATH, and
// javaScript where its nginx has the JavaScript module.
const (
	sbin       = "/usr/sbin/nginx"
	javaScript = "/usr/lib/nginx/modules/ngx_http_js_module.so"
)

// packages are those that have both.
var packages = []string{"nginx", "libnginx-mod-http-js"}

// program is nginx, its JavaScript module, and the folder with libraries of its
// own; "" when it uses the system's.
type program struct{ binary, javaScript, libraries string }

// find gives the nginx of the machine, or that of its Debian release: the
// packages that are missing are downloaded and unpacked into the user's cache,
// which needs no root, and changes nothing in the system. apt checks their
// signatures; the release is what pins the version.
func find(ctx context.Context) (program, error) {
	if _, err := os.Stat(javaScript); err == nil {
		for _, name := range []string{"nginx", sbin} {
			if binary, err := exec.LookPath(name); err == nil {
				return program{binary: binary, javaScript: javaScript}, nil
			}
		}
	}
	dir, err := cacheDir()
	if err != nil {
		return program{}, err
	}
	unlock, err := lockedfile.MutexAt(filepath.Join(dir, "lock")).Lock()
	if err != nil {
		return program{}, err
	}
	defer unlock()
	root := filepath.Join(dir, "root")
	p := program{filepath.Join(root, sbin), filepath.Join(root, javaScript), filepath.Join(root, "lib")}
	if _, err := os.Stat(root); err == nil {
		return p, nil
	}
	if err := download(ctx, dir); err != nil {
		return program{}, fmt.Errorf("nginx with its JavaScript module is not installed, and Debian's cannot be had (install %s, and run again): %w", strings.Join(packages, " and "), err)
	}
	temp := filepath.Join(dir, "root.new")
	if err := unpack(ctx, dir, temp); err != nil {
		return program{}, err
	}
	return p, os.Rename(temp, root)
}

// cacheDir is where the packages of this release of the system are unpacked.
func cacheDir() (string, error) {
	release, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "", fmt.Errorf("nginx with its JavaScript module is not installed, and this is no Debian to take it from: %w", err)
	}
	sum := sha256.Sum256(append(release, runtime.GOARCH+strings.Join(packages, " ")...))
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "regsnap-test-servers", "nginx-"+hex.EncodeToString(sum[:8]))
	return dir, os.MkdirAll(dir, 0o777)
}

// download fetches the package and what the system lacks of its dependencies.
// apt works in folders of its own: nobody's locks are waited for, and its list
// of packages may be old or not there.
func download(ctx context.Context, dir string) error {
	for _, folder := range []string{"lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o777); err != nil {
			return err
		}
	}
	for _, args := range [][]string{
		{"update"},
		append([]string{"install", "--yes", "--reinstall", "--no-install-recommends", "--download-only"}, packages...),
	} {
		own := []string{
			"--quiet",
			"-o", "Dir::State::lists=" + filepath.Join(dir, "lists"), "-o", "Dir::Cache=" + filepath.Join(dir, "cache"),
			"-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=3",
		}
		if err := command(ctx, "apt-get", append(own, args...)...); err != nil {
			return err
		}
	}
	return nil
}

// unpack extracts the packages that were downloaded into a folder.
func unpack(ctx context.Context, dir, to string) error {
	files, err := filepath.Glob(filepath.Join(dir, "cache/archives/*.deb"))
	if err != nil {
		return err
	}
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	for _, file := range files {
		if err := command(ctx, "dpkg-deb", "--extract", file, to); err != nil {
			return err
		}
	}
	if _, err := os.Stat(filepath.Join(to, sbin)); err != nil {
		return fmt.Errorf("the packages of nginx: %w", err)
	}
	return gather(to)
}

// gather puts links to the unpacked libraries into one folder.
func gather(root string) error {
	lib := filepath.Join(root, "lib")
	if err := os.MkdirAll(lib, 0o777); err != nil {
		return err
	}
	for _, pattern := range []string{"usr/lib/*/*.so.*", "lib/*/*.so.*"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return err
		}
		for _, file := range found {
			relative, err := filepath.Rel(lib, file)
			if err != nil {
				return err
			}
			if err := os.Symlink(relative, filepath.Join(lib, filepath.Base(file))); err != nil && !os.IsExist(err) {
				return err
			}
		}
	}
	return nil
}

func command(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %v: %w\n%s", name, args, err, out)
	}
	return nil
}
