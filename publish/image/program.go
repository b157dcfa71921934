package image

import (
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/regsnap/regsnap/internal/commit"
)

// ErrProgram: what should be regsnap for a platform cannot run in an image.
var ErrProgram = errors.New("no program for an image")

// Program is regsnap, built for a platform.
type Program struct {
	Arch string // Go's name: amd64, arm64
	Path string
}

// machines are the architectures that images are made for.
var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// ParsePlatform reads "linux/arm64" and gives the architecture.
func ParsePlatform(s string) (arch string, err error) {
	system, arch, _ := strings.Cut(s, "/")
	if _, known := machines[arch]; system != "linux" || !known {
		return "", fmt.Errorf("%q is not a platform that images are made for: want linux/amd64 or linux/arm64", s)
	}
	return arch, nil
}

// howToBuild says how to get a program that an image can have.
func howToBuild(arch string) string {
	return "build one with CGO_ENABLED=0 GOOS=linux GOARCH=" + arch + " go build -trimpath -tags disable_grpc_modules -ldflags '-s -w' -o regsnap-" + arch + " ./cmd/regsnap, and give --binary linux/" + arch + "=regsnap-" + arch
}

// check reports whether the program runs on its platform without any library:
// nothing else is in the image.
func (p Program) check() error {
	fail := func(what string) error {
		return fmt.Errorf("%w for linux/%s: %s %s; %s", ErrProgram, p.Arch, p.Path, what, howToBuild(p.Arch))
	}
	f, err := elf.Open(p.Path)
	if err != nil {
		var file *fs.PathError
		if errors.As(err, &file) {
			return fmt.Errorf("%w for linux/%s: %w", ErrProgram, p.Arch, err)
		}
		return fail("is not a program for Linux")
	}
	defer f.Close()
	switch {
	case f.Machine != machines[p.Arch]:
		return fail("is for another processor, " + f.Machine.String())
	case f.Type != elf.ET_EXEC && f.Type != elf.ET_DYN:
		return fail("is not a program")
	case slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }):
		return fail("needs libraries, which the image has not")
	}
	return nil
}

// builtFrom is the commit that the program was built from; empty when it is not
// known.
func (p Program) builtFrom() string {
	info, err := buildinfo.ReadFile(p.Path)
	if err != nil {
		return ""
	}
	return commit.Of(info)
}
