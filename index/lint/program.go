package lint

import (
	"archive/zip"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// SpecProgram is the program that knows the package specification. It is not
// part of regsnap because of its license; see its documentation.
const SpecProgram = "regsnap-spec"

// FindProgram finds a program, by default SpecProgram: beside this program, or
// on the PATH. It is exec.ErrNotFound or fs.ErrNotExist when there is none.
func FindProgram(name string) (Program, error) {
	if self, err := os.Executable(); err == nil && name == "" {
		if beside, err := exec.LookPath(filepath.Join(filepath.Dir(self), SpecProgram)); err == nil {
			return Program(beside), nil
		}
	}
	path, err := exec.LookPath(cmp.Or(name, SpecProgram))
	return Program(path), err
}

// Program is the path of SpecProgram. It is a Checker.
type Program string

var _ Checker = Program("")

// maxReport is how much it may print, in bytes.
const maxReport = 64 << 20

// Check sends the packages as one zip archive and reads the report.
func (p Program) Check(ctx context.Context, packages []Content) (_ *Specification, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, string(p))
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, stderr := &limited{most: maxReport}, &limited{most: 4 << 10}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	sent := send(ctx, in, packages)
	if sent != nil {
		cancel()
	}
	ended := cmd.Wait()
	switch said := strings.Join(strings.Fields(string(stderr.kept)), " "); {
	case ended != nil && said != "":
		return nil, fmt.Errorf("%s: %w: %s", p, ended, said)
	case sent != nil:
		return nil, fmt.Errorf("send packages to %s: %w", p, sent)
	case ended != nil:
		return nil, fmt.Errorf("%s: %w", p, ended)
	case stdout.over:
		return nil, fmt.Errorf("%s: its report is over %d bytes long", p, maxReport)
	}
	var out Specification
	if err := json.Unmarshal(stdout.kept, &out); err != nil {
		return nil, fmt.Errorf("%s: its report: %w", p, err)
	}
	if out.Version == "" {
		return nil, errors.New(string(p) + ": its report names no version of the specification: is it " + SpecProgram + "?")
	}
	return &out, nil
}

// send writes the archive. Its files are stored: it goes no further than a pipe.
func send(ctx context.Context, to io.WriteCloser, packages []Content) error {
	z := zip.NewWriter(to)
	for _, p := range packages {
		err := p.Each(ctx, func(path string, content []byte) error {
			w, err := z.CreateHeader(&zip.FileHeader{Name: p.Dir + "/" + path, Method: zip.Store})
			if err != nil {
				return err
			}
			_, err = w.Write(content)
			return err
		})
		if err != nil {
			return errors.Join(err, to.Close())
		}
	}
	return errors.Join(z.Close(), to.Close())
}

// limited keeps the first bytes that are written to it. It has no ReadFrom, by which
// io.Copy would pass the limit by.
type limited struct {
	kept []byte
	most int
	over bool
}

func (l *limited) Write(p []byte) (int, error) {
	n := len(p)
	if room := l.most - len(l.kept); n > room {
		l.over, p = true, p[:room]
	}
	l.kept = append(l.kept, p...)
	return n, nil
}
