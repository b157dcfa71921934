package testtools

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// debian takes a program from the packages of the machine's own Debian release.
// What is missing is downloaded and unpacked into the cache, which needs no root
// and changes nothing in the system. apt checks the packages' signatures; the
// release is what pins the version.
type debian struct {
	packages []string
	// command lists the names and paths under which the system may have it.
	command []string
	// program is its path below the root of the unpacked packages.
	program string
	// needs lists other files that the system must have, below "/".
	needs []string
}

// libraries is the folder with links to the unpacked libraries.
const libraries = "regsnap-libraries"

func (d debian) system() (Place, bool) {
	for _, file := range d.needs {
		if _, err := os.Stat("/" + file); err != nil {
			return Place{}, false
		}
	}
	for _, name := range d.command {
		if program, err := exec.LookPath(name); err == nil {
			return Place{Program: program, Root: "/"}, true
		}
	}
	return Place{}, false
}

func (d debian) version(string) ([]byte, error) {
	release, err := os.ReadFile("/etc/os-release")
	if errors.Is(err, fs.ErrNotExist) {
		// install says what that means.
		release, err = []byte(runtime.GOOS), nil
	}
	return fmt.Appendf(release, "%s %s", runtime.GOARCH, strings.Join(d.packages, " ")), err
}

func (d debian) install(ctx context.Context, _, dir, scratch string) error {
	if err := d.download(ctx, scratch); err != nil {
		return fmt.Errorf("cannot download Debian's packages; install %s with the package manager of this machine, and run again: %w",
			strings.Join(d.packages, " and "), err)
	}
	packages, err := filepath.Glob(filepath.Join(scratch, "cache/archives/*.deb"))
	if err != nil {
		return err
	}
	for _, file := range packages {
		if err := run(ctx, dir, nil, "dpkg-deb", "--extract", file, dir); err != nil {
			return err
		}
	}
	for _, file := range append([]string{d.program}, d.needs...) {
		if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
			return fmt.Errorf("the packages %v: %w", d.packages, err)
		}
	}
	return linkLibraries(dir)
}

func (d debian) place(dir string) Place {
	return Place{Program: filepath.Join(dir, d.program), Root: dir, Env: []string{
		"LD_LIBRARY_PATH=" + filepath.Join(dir, libraries), "FONTCONFIG_SYSROOT=" + dir,
		"PYTHONPATH=" + filepath.Join(dir, "usr/lib/python3/dist-packages"),
	}}
}

// download fetches the packages and what the system lacks of their dependencies.
// apt works in folders of its own: it waits for no lock of the system, whose
// list of packages may be outdated or missing.
func (d debian) download(ctx context.Context, scratch string) error {
	for _, folder := range []string{"lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(scratch, folder), 0o777); err != nil {
			return err
		}
	}
	own := []string{
		"--quiet",
		"-o", "Dir::State::lists=" + filepath.Join(scratch, "lists"), "-o", "Dir::Cache=" + filepath.Join(scratch, "cache"),
		"-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=3",
	}
	install := []string{"install", "--yes", "--reinstall", "--no-install-recommends", "--download-only"}
	for _, args := range [][]string{{"update"}, append(install, d.packages...)} {
		env := []string{"DEBIAN_FRONTEND=noninteractive", "LC_ALL=C"}
		if err := run(ctx, scratch, env, "apt-get", append(own, args...)...); err != nil {
			return err
		}
	}
	return nil
}

// linkLibraries puts links to the unpacked libraries into one folder.
func linkLibraries(root string) error {
	dir := filepath.Join(root, libraries)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	// Some packages keep libraries in a folder that only they look into, by its absolute path.
	for _, pattern := range []string{"usr/lib/*/*.so.*", "lib/*/*.so.*", "usr/lib/*/*/lib*.so*"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return err
		}
		for _, file := range found {
			relative, err := filepath.Rel(dir, file)
			if err != nil {
				return err
			}
			if err := os.Symlink(relative, filepath.Join(dir, filepath.Base(file))); err != nil && !errors.Is(err, fs.ErrExist) {
				return err
			}
		}
	}
	return nil
}
