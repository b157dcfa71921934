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

// ciRuns says which scripts a file does not run, and why.
var ciRuns = map[string][]string{
	"../../docs/ci/github/regsnap.yml":     {"role.sh"}, // actions take the role
	"../../docs/ci/gitlab/regsnap.yml":     nil,
	"../../docs/ci/jenkins/Jenkinsfile":    {"role.sh"},               // agents have it
	"../../docs/ci/buildkite/pipeline.yml": {"install.sh", "role.sh"}, // agents have both
	"../../docs/ci/hooks/command":          {"role.sh"},               // so have these
	"testdata/script/ci.txtar":             {"install.sh", "role.sh"}, // TestActionInstalls and TestCIRole
}

// The files of docs/ci run the scripts beside them and nothing that is not tested:
// each script is there and run by each system that needs it, by ci.txtar too.
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
	named := regexp.MustCompile(`(?:\.regsnap|/opt/regsnap/ci|\$CI/scripts|\$here/scripts)/([\w$]+\.sh)`)
	for path, without := range ciRuns {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var runs []string
		for _, m := range named.FindAllStringSubmatch(string(text), -1) {
			if m[1] == "$command.sh" { // the plugin's hook, which lists the commands
				runs = append(runs, "lint.sh", "preview.sh", "publish.sh", "prune.sh")
				continue
			}
			runs = append(runs, m[1])
		}
		slices.Sort(runs)
		want := slices.DeleteFunc(slices.Clone(scripts), func(s string) bool { return slices.Contains(without, s) })
		if runs = slices.Compact(runs); !slices.Equal(runs, want) {
			t.Errorf("%s runs %q, want %q", path, runs, want)
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

// commands are the values of run, command and script, wherever they are.
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
					if text, ok := each.(string); ok && (key == "command" || key == "script") {
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
