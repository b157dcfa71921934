package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// The files of docs/ci run the scripts beside them and nothing that is not tested:
// each script is there and run by both, by ci.txtar too, and every other command
// installs regsnap.
func TestCI(t *testing.T) {
	found, err := filepath.Glob("../../docs/ci/scripts/*.sh")
	if err != nil || len(found) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	var scripts []string
	for _, path := range found {
		info, err := os.Stat(path)
		if err != nil || info.Mode()&0o111 == 0 {
			t.Errorf("%s cannot be executed: %v", path, err)
		}
		scripts = append(scripts, filepath.Base(path))
	}
	named := regexp.MustCompile(`(?:\.regsnap|/opt/regsnap/ci|\$CI/scripts)/(\S+\.sh)`)
	for _, path := range []string{"../../docs/ci/github/regsnap.yml", "../../docs/ci/buildkite/pipeline.yml", "testdata/script/ci.txtar"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var runs []string
		for _, m := range named.FindAllStringSubmatch(string(text), -1) {
			runs = append(runs, m[1])
		}
		slices.Sort(runs)
		if runs = slices.Compact(runs); !slices.Equal(runs, scripts) {
			t.Errorf("%s runs %q, the scripts are %q", path, runs, scripts)
		}
		if filepath.Ext(path) != ".yml" {
			continue
		}
		var any map[string]any
		if err := yaml.Unmarshal(text, &any); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		for _, run := range commands(any) {
			if !named.MatchString(run) && !strings.HasPrefix(run, `go install "github.com/regsnap/regsnap/cmd/regsnap@`) {
				t.Errorf("%s runs %q, which no test does", path, run)
			}
		}
	}
}

// commands are the values of run and command, wherever they are.
func commands(v any) (out []string) {
	switch v := v.(type) {
	case map[string]any:
		for key, below := range v {
			switch list := below.(type) {
			case string:
				if key == "run" || key == "command" {
					out = append(out, list)
				}
			case []any:
				for _, each := range list {
					if text, ok := each.(string); ok && key == "command" {
						out = append(out, text)
					}
				}
			}
			out = append(out, commands(below)...)
		}
	case []any:
		for _, each := range v {
			out = append(out, commands(each)...)
		}
	}
	return out
}
