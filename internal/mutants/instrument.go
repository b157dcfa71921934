package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// source is a package whose mutants are tried.
type source struct {
	path    string // as it was named: "./layout"
	dir     string
	name    string
	files   map[string][]byte
	mutants []mutant
	overlay string // of the go command
}

// active chooses the mutant that is live, reachedFile the file to which numbers
// of mutants are written whose place was come by.
const (
	active      = "REGSNAP_MUTANT"
	reachedFile = "REGSNAP_MUTANTS_REACHED"
)

// helpers is the file that the mutants call.
const helpers = `package %s

import (
	"cmp"
	"os"
	"strconv"
	"sync/atomic"
)

var (
	mutantActive, _ = strconv.Atoi(os.Getenv(%q))
	mutantLog       = os.Getenv(%q)
	mutantReached   [%d]atomic.Bool
)

func mutant(id int) bool {
	if mutantLog != "" && !mutantReached[id].Swap(true) {
		if f, err := os.OpenFile(mutantLog, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666); err == nil {
			_, _ = f.WriteString(strconv.Itoa(id) + "\n")
			_ = f.Close()
		}
	}
	return mutantActive == id
}

func mutantLess[T cmp.Ordered](id int, a, b T) bool {
	if mutant(id) { return a <= b }
	return a < b
}

func mutantAtMost[T cmp.Ordered](id int, a, b T) bool {
	if mutant(id) { return a < b }
	return a <= b
}

func mutantMore[T cmp.Ordered](id int, a, b T) bool {
	if mutant(id) { return a >= b }
	return a > b
}

func mutantAtLeast[T cmp.Ordered](id int, a, b T) bool {
	if mutant(id) { return a > b }
	return a >= b
}

func mutantNoError(id int, err error) error {
	if mutant(id) { return nil }
	return err
}

func mutantLarger(id, n int) int {
	if mutant(id) { return n + 1 }
	return n
}
`

// load finds a package and its mutants.
func load(ctx context.Context, path string) (*source, error) {
	out, err := command(ctx, "go", "list", "-json=Dir,Name,GoFiles", path)
	if err != nil {
		return nil, err
	}
	var listed struct {
		Dir, Name string
		GoFiles   []string
	}
	if err := json.Unmarshal(out, &listed); err != nil {
		return nil, err
	}
	s := &source{path: path, dir: listed.Dir, name: listed.Name, files: map[string][]byte{}}
	seen := map[string]int{}
	for _, name := range listed.GoFiles {
		content, err := os.ReadFile(filepath.Join(s.dir, name))
		if err != nil {
			return nil, err
		}
		s.files[name] = content
		found, err := find(name, content)
		if err != nil {
			return nil, err
		}
		for _, m := range found {
			if seen[m.name]++; seen[m.name] > 1 {
				m.name += fmt.Sprintf(" (%d)", seen[m.name])
			}
			m.id = len(s.mutants) + 1
			s.mutants = append(s.mutants, m)
		}
	}
	return s, nil
}

// rewritten is a file with the given mutants in it. No line moves.
func rewritten(content []byte, mutants []mutant) []byte {
	type numbered struct {
		edit
		id, order int
	}
	var all []numbered
	for _, m := range mutants {
		for _, e := range m.edits {
			all = append(all, numbered{e, m.id, len(all)})
		}
	}
	slices.SortFunc(all, func(a, b numbered) int {
		if c := cmp.Compare(a.at, b.at); c != 0 {
			return c
		}
		if a.closes != b.closes {
			if a.closes {
				return -1
			}
			return 1
		}
		if a.closes { // the inner one, which was found later, ends first
			return cmp.Compare(b.order, a.order)
		}
		return cmp.Compare(a.order, b.order)
	})
	var out bytes.Buffer
	at := 0
	for _, e := range all {
		out.Write(content[at:e.at])
		out.WriteString(strings.ReplaceAll(e.text, "%d", strconv.Itoa(e.id)))
		at = e.at + e.length
	}
	out.Write(content[at:])
	return out.Bytes()
}

var compileError = regexp.MustCompile(`(?m)^([^\s:]+\.go):(\d+):\d+: `)

// instrument writes the package with all mutants into a folder, and leaves out
// those with which it does not compile.
func (s *source) instrument(ctx context.Context, dir string) error {
	most := len(s.mutants)
	for range 20 {
		if err := s.write(dir, most); err != nil {
			return err
		}
		out, err := command(ctx, "go", "build", "-overlay", s.overlay, "-gcflags=-e", s.path)
		if err == nil {
			return nil
		}
		wrong := map[string]bool{}
		for _, m := range compileError.FindAllStringSubmatch(err.Error()+string(out), -1) {
			wrong[filepath.Base(m[1])+":"+m[2]] = true
		}
		before := len(s.mutants)
		s.mutants = slices.DeleteFunc(s.mutants, func(m mutant) bool { return m.touches(s.files[m.file], wrong) })
		if len(s.mutants) == before {
			return fmt.Errorf("with mutants it does not compile: %w", err)
		}
	}
	return errors.New("with mutants it does not compile")
}

// touches reports whether a mutant has an edit on one of the lines.
func (m mutant) touches(content []byte, lines map[string]bool) bool {
	return slices.ContainsFunc(m.edits, func(e edit) bool {
		return lines[m.file+":"+strconv.Itoa(1+bytes.Count(content[:e.at], []byte("\n")))]
	})
}

// write writes the files, and the overlay that puts them in place.
func (s *source) write(dir string, most int) error {
	replace := map[string]string{}
	put := func(name string, content []byte) error {
		file := filepath.Join(dir, name)
		replace[filepath.Join(s.dir, name)] = file
		return os.WriteFile(file, content, 0o666)
	}
	for name, content := range s.files {
		own := slices.DeleteFunc(slices.Clone(s.mutants), func(m mutant) bool { return m.file != name })
		if err := put(name, rewritten(content, own)); err != nil {
			return err
		}
	}
	if err := put("regsnap_mutants.go", fmt.Appendf(nil, helpers, s.name, active, reachedFile, most+1)); err != nil {
		return err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return err
	}
	s.overlay = filepath.Join(dir, "overlay.json")
	return os.WriteFile(s.overlay, overlay, 0o666)
}

// command runs a program; what it says is part of the error.
func command(ctx context.Context, name string, args ...string) ([]byte, error) {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return out, fmt.Errorf("%s %s: %w\n%s", name, args[0], err, stderr.Bytes())
	}
	return out, nil
}
