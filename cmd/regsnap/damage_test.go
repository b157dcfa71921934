package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
)

// Every command that reads an object says the same of it, whatever is wrong with
// it: damaged, or written by a newer regsnap.
func TestCommandsAgreeAboutDamage(t *testing.T) {
	whole := t.TempDir()
	storage := t.TempDir()
	manifest := "format_version: 1.0.0\nname: demo\ntitle: Demo\nversion: 1.0.0\ndescription: D\nowner.github: acme/demo\n"
	for file, text := range map[string]string{"manifest.yml": manifest, "docs/README.md": "# demo\n"} {
		file = filepath.Join(storage, "packages/demo/1.0.0", file)
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	exec := func(args ...string) (int, string) {
		var out bytes.Buffer
		code := run(t.Context(), append([]string{"regsnap"}, args...), io.Discard, &out)
		return code, out.String()
	}
	if code, text := exec("build", "--quiet", "--publish", "--source", "dir:production="+storage, "--env", "production", "--bucket", "file://"+whole); code != 0 {
		t.Fatal(text)
	}
	b, err := publish.Open(t.Context(), "file://"+whole)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	m, err := b.Live(t.Context(), "production")
	if err != nil {
		t.Fatal(err)
	}
	p := m.Packages[0]
	verify, history := []string{"verify", "--quiet"}, []string{"inspect"}
	mirror, search := []string{"mirror", "--quiet", "--env", "production"}, []string{"inspect", "/search"}
	file := []string{"inspect", "/package/demo/1.0.0/docs/README.md"}
	for _, object := range []struct {
		key      string
		commands [][]string
	}{
		{layout.PointerKey("production"), [][]string{verify, history, search, file, mirror}},
		{layout.ManifestKey("production", m.ID()), [][]string{verify, history, search, file, mirror}},
		{layout.RoutesKey("production", m.ID()), [][]string{verify, search, file}},
		{layout.Revision{Name: p.Name, Version: p.Version, ID: p.Revision}.ContentsKey(), [][]string{verify, file, mirror}},
	} {
		body, err := os.ReadFile(filepath.Join(whole, object.key))
		if err != nil {
			t.Fatal(err)
		}
		text := string(body)
		format := text[strings.Index(text, `"format":`):strings.Index(text, ",")]
		for what, damaged := range map[string]string{
			"a flipped byte":   text[:len(text)/2] + string(text[len(text)/2]^1) + text[len(text)/2+1:],
			"a space":          strings.Replace(text, ",", ", ", 1),
			"cut short":        text[:len(text)/2],
			"longer":           text + "x",
			"empty":            "",
			"another's":        strings.ReplaceAll(strings.ReplaceAll(text, `"production"`, `"staging"`), `"demo"`, `"other"`),
			"an unknown field": strings.Replace(text, format, format+`,"extra":1`, 1),
			"oversize":         text + strings.Repeat(" ", int(min(layout.MaxSize(object.key), 65<<20))),
			"newer":            strings.Replace(text, format, `"format":9`, 1),
			"newer, cut short": strings.Replace(text, format, `"format":9`, 1)[:len(text)/2],
		} {
			want := exitDamaged
			if strings.HasPrefix(what, "newer") {
				want = exitNewer
			}
			for _, command := range object.commands {
				t.Run(fmt.Sprintf("%s/%s/%s", filepath.Base(object.key), what, strings.Join(command, " ")), func(t *testing.T) {
					dir := t.TempDir()
					if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(filepath.Join(dir, object.key), []byte(damaged), 0o666); err != nil {
						t.Fatal(err)
					}
					args := append([]string{command[0], "--bucket", "file://" + dir, "--env", "production"}, command[1:]...)
					if command[0] == "mirror" {
						args = append(append([]string{}, command...), "file://"+dir, "file://"+t.TempDir())
					}
					if code, text := exec(args...); code != want {
						t.Errorf("exit code %d, want %d: %s", code, want, text)
					}
				})
			}
		}
	}
}
