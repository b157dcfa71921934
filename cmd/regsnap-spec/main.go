// Command regsnap-spec checks packages against the package specification. It is
// what "regsnap lint --spec" runs, and works by itself:
//
//	git archive --format=zip HEAD packages/nginx/1.0.0 | regsnap-spec
//
// It is a program and a module of its own because the specification comes under
// the Elastic License: nothing of it is in regsnap, and whoever wants the check
// installs this and accepts that license.
//
// Standard input is a zip archive with directories packages/<name>/<version>/.
// Standard output is one JSON object; see report. The exit code is 0 whenever all
// packages were looked at, whatever was found.
package main

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
)

func main() {
	log.SetOutput(io.Discard) // the library logs its warnings; they are findings here
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "regsnap-spec:", err)
		os.Exit(1)
	}
}

// report is what is printed.
type report struct {
	// Specification is the version of the library.
	Specification string    `json:"specification"`
	Packages      []string  `json:"packages"`
	Findings      []finding `json:"findings"`
}

type finding struct {
	// Package is the directory: "packages/nginx/1.0.0".
	Package string `json:"package"`
	// File is relative to it; empty when the finding names none.
	File string `json:"file,omitempty"`
	// Severity is "error" or "warning".
	Severity string `json:"severity"`
	Code     string `json:"code,omitempty"`
	Message  string `json:"message"`
}

func run(args []string, in io.Reader, out io.Writer) error {
	if len(args) > 0 {
		return fmt.Errorf("takes no arguments, but a zip archive on standard input: got %q", args)
	}
	archive, err := spool(in)
	if err != nil {
		return fmt.Errorf("read the archive: %w", err)
	}
	defer os.Remove(archive.Name())
	defer archive.Close()
	info, err := archive.Stat()
	if err != nil {
		return err
	}
	z, err := zip.NewReader(archive, info.Size())
	if err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	dirs, err := packages(z)
	if err != nil {
		return err
	}
	r := report{Specification: specification(), Packages: dirs, Findings: []finding{}}
	found := make([][]finding, len(dirs))
	failed := make([]error, len(dirs))
	var wg sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, dir := range dirs {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			found[i], failed[i] = check(z, dir)
		})
	}
	wg.Wait()
	if err := errors.Join(failed...); err != nil {
		return err
	}
	r.Findings = append(r.Findings, slices.Concat(found...)...)
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// spool copies the archive to a file, since the directory of a zip is at its end.
func spool(in io.Reader) (*os.File, error) {
	f, err := os.CreateTemp("", "regsnap-spec-*.zip")
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(f, in); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	return f, nil
}

// packages finds the package directories of an archive, in order.
func packages(z *zip.Reader) ([]string, error) {
	seen := map[string]bool{}
	for _, f := range z.File {
		parts := strings.SplitN(f.Name, "/", 4)
		if len(parts) == 4 && parts[0] == "packages" {
			seen[path.Join(parts[:3]...)] = true
		}
	}
	if len(seen) == 0 {
		return nil, errors.New("the archive holds no packages/<name>/<version>/")
	}
	dirs := make([]string, 0, len(seen))
	for dir := range seen {
		if !fs.ValidPath(dir) {
			return nil, fmt.Errorf("the archive holds the directory %q", dir)
		}
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	return dirs, nil
}
