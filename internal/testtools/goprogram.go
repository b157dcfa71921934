package testtools

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"runtime"
)

// modules is the folder of the module that pins Go programs: one of its own, so
// that what they depend on does not become what regsnap depends on.
const modules = "internal/testtools/modules"

// goProgram is the import path of a command that modules pins.
type goProgram struct{ pkg string }

func (goProgram) system() (Place, bool) { return Place{}, false }

func (goProgram) version(module string) ([]byte, error) {
	pins, err := contents(filepath.Join(module, filepath.FromSlash(modules)), "go.mod", "go.sum")
	return fmt.Appendf(pins, "%s %s %s", runtime.Version(), runtime.GOOS, runtime.GOARCH), err
}

// install builds the program. The first time downloads modules, and takes
// minutes.
func (p goProgram) install(ctx context.Context, module, dir, _ string) error {
	// Flags of the caller, such as -race or -mod=mod, are not for this build.
	env := []string{"GOFLAGS=-mod=readonly -buildvcs=false", "GOWORK=off", "CGO_ENABLED=0", "GOOS=", "GOARCH="}
	return run(ctx, filepath.Join(module, filepath.FromSlash(modules)), env,
		"go", "build", "-trimpath", "-tags=disable_grpc_modules", "-ldflags=-s -w", "-o", p.place(dir).Program, p.pkg)
}

func (p goProgram) place(dir string) Place {
	binary := filepath.Join(dir, path.Base(p.pkg))
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	return Place{Program: binary, Root: dir}
}
