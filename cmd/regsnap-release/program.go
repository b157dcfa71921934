package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// built is a program for a platform.
type built struct {
	os, arch string
	path     string
}

// program is the name of the program on its platform.
func (b built) program() string {
	if b.os == "windows" {
		return "regsnap.exe"
	}
	return "regsnap"
}

// build compiles the program for a platform. It is linked statically, knows its
// version and its commit, and has no path of this machine in it.
func (r *release) build(ctx context.Context, platform string) (built, error) {
	if b, made := r.programs[platform]; made {
		return b, nil
	}
	goos, arch, ok := strings.Cut(platform, "/")
	if !ok {
		return built{}, fmt.Errorf("platform %q: want GOOS/GOARCH, such as linux/arm64", platform)
	}
	b := built{os: goos, arch: arch}
	b.path = filepath.Join(r.work, goos+"-"+arch, b.program())
	// Flags of the caller would make other bytes.
	env := []string{"CGO_ENABLED=0", "GOOS=" + goos, "GOARCH=" + arch, "GOFLAGS=-mod=readonly", "GOWORK=off", "GOAMD64=v1", "GOARM64=v8.0"}
	_, err := output(ctx, r.module, env, "go", "build", "-trimpath", "-buildvcs=auto", "-tags", "disable_grpc_modules", // no xDS: a fifth smaller
		"-ldflags", "-s -w -X main.release="+r.version, "-o", b.path, r.program)
	if err == nil {
		r.programs[platform] = b
	}
	return b, err
}

// output runs a command in a folder; what it said is in the error if it fails.
func output(ctx context.Context, dir string, env []string, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, stderr.Bytes())
	}
	return out, nil
}
