package parse_test

import (
	"crypto/sha1"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/parse"
)

// memTree is a package in memory. It fails the test that reads a file which
// Needed does not announce.
type memTree struct {
	t     testing.TB
	files map[string][]byte
	reads map[string]int
	mu    sync.Mutex
}

func newTree(t testing.TB, archives ...string) *memTree {
	tree := &memTree{t: t, files: map[string][]byte{}, reads: map[string]int{}}
	for _, a := range archives {
		for _, f := range txtar.Parse([]byte(a)).Files {
			if string(f.Data) == "REMOVED\n" {
				delete(tree.files, f.Name)
			} else {
				tree.files[f.Name] = f.Data
			}
		}
	}
	return tree
}

func (m *memTree) Files() []index.File {
	var list []index.File
	for path, data := range m.files {
		h := sha1.New()
		fmt.Fprintf(h, "blob %d\x00%s", len(data), data)
		f := index.File{Path: path, Size: int64(len(data))}
		copy(f.Blob[:], h.Sum(nil))
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b index.File) int {
		return slices.Compare(strings.Split(a.Path, "/"), strings.Split(b.Path, "/"))
	})
	return list
}

func (m *memTree) Read(path string) ([]byte, error) {
	if !parse.Needed(index.File{Path: path}) {
		m.t.Errorf("Parse reads %s, which Needed does not announce", path)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads[path]++
	data, ok := m.files[path]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return data, nil
}

// valid is a package that obeys every rule.
const valid = `
-- manifest.yml --
format_version: 3.0.0
name: sample
title: Sample
version: 1.2.0
description: A sample.
owner:
  github: acme/samples
icons:
  - src: /img/icon.svg
policy_templates:
  - name: first
    title: First
    description: The first.
    inputs:
      - type: logfile
-- docs/README.md --
hello
-- img/icon.svg --
<svg/>
-- data_stream/log/manifest.yml --
title: Logs
type: logs
streams:
  - input: logfile
-- data_stream/log/fields/base.yml --
- name: data_stream.type
  type: constant_keyword
- name: data_stream.dataset
  type: constant_keyword
- name: data_stream.namespace
  type: constant_keyword
- name: "@timestamp"
  type: date
-- data_stream/log/elasticsearch/ingest_pipeline/default.yml --
processors: []
`

func parsed(t testing.TB, archives ...string) (*parse.Package, index.Findings) {
	return parse.NewParser().Parse("sample", "1.2.0", newTree(t, archives...))
}

func mustParse(t *testing.T, archives ...string) *parse.Package {
	t.Helper()
	p, found := parsed(t, archives...)
	for _, e := range append(found.Errors, found.Warnings...) {
		t.Error(e)
	}
	if p == nil {
		t.FailNow()
	}
	return p
}

// manifest is the valid manifest with other text in place of some.
func manifest(oldnew ...string) string {
	const head = "-- manifest.yml --\n"
	_, rest, _ := strings.Cut(valid, head)
	text, _, _ := strings.Cut(rest, "\n-- ")
	return head + strings.NewReplacer(oldnew...).Replace(text+"\n")
}

// dataStream is a data stream manifest.
func dataStream(text string) string { return "-- data_stream/log/manifest.yml --\n" + text }

// show writes findings as "file:line: detail [rule]".
func show(problems []index.Problem) []string {
	var out []string
	for _, p := range problems {
		out = append(out, strings.TrimPrefix(p.String(), ": "))
	}
	return out
}
