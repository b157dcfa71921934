// Package released has small buckets as each released regsnap left them, for the
// tests that read them with the regsnap of today.
package released

import (
	"bufio"
	"bytes"
	"embed"
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

//go:embed testdata
var files embed.FS

// Formats names the buckets, the oldest first. A new one is made by make.go when
// a release changes a format; the one before the last two may go then. 2 was made by a
// program that kept lists of any size apart, so that so small a bucket has them.
func Formats(t testing.TB) []string {
	t.Helper()
	found, err := files.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range found {
		if name, ok := strings.CutSuffix(f.Name(), ".jsonl"); ok {
			names = append(names, name)
		}
	}
	return names
}

// Bucket writes a bucket into a folder of the test. It has two environments:
// production, rolled back once, and staging, which is pinned.
func Bucket(t testing.TB, name string) (dir string) {
	t.Helper()
	body, err := files.ReadFile(path.Join("testdata", name+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	lines := bufio.NewScanner(bytes.NewReader(body))
	lines.Buffer(nil, len(body))
	for lines.Scan() {
		var object struct {
			Key, Text string
			Base64    []byte
		}
		if err := json.Unmarshal(lines.Bytes(), &object); err != nil {
			t.Fatal(err)
		}
		if object.Base64 == nil {
			object.Base64 = []byte(object.Text)
		}
		file := filepath.Join(dir, filepath.FromSlash(object.Key))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, object.Base64, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Storage is a repository with the branches that the buckets were built from.
func Storage(t testing.TB) (dir string) {
	t.Helper()
	stream, err := files.ReadFile("testdata/storage.fast-import")
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	if out, err := exec.Command("git", "init", "-q", "--bare", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	load := exec.Command("git", "-C", dir, "fast-import", "--quiet")
	load.Stdin = bytes.NewReader(stream)
	if out, err := load.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir
}
