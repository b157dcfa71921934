package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// manuals are the texts of the README and of docs/, by file.
func manuals(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d manuals: %v", len(files), err)
	}
	out := map[string]string{}
	for _, file := range append(files, "../../README.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		out[file] = string(text)
	}
	return out
}

var codeBlock = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")

// TestManualCommands holds every command line of regsnap in the manuals to the
// program: the command is there, and so is each flag, with a value of its kind.
func TestManualCommands(t *testing.T) {
	seen := 0
	for file, text := range manuals(t) {
		for _, block := range codeBlock.FindAllStringSubmatch(text, -1) {
			for _, line := range commandLines(block[2]) {
				seen++
				if err := parses(line); err != nil {
					t.Errorf("%s: regsnap %s: %v", filepath.Base(file), strings.Join(line, " "), err)
				}
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d command lines were found", seen)
	}
	for _, wrong := range [][]string{{"biuld"}, {"build", "--sauce", "git:."}, {"check", "--rate", "fast"}, {"serve", "--env"}} {
		if parses(wrong) == nil {
			t.Errorf("regsnap %s passes", strings.Join(wrong, " "))
		}
	}
}

// commandLines finds the arguments of each use of regsnap in a shell script, or
// in a file that has a command line as a value.
func commandLines(script string) (found [][]string) {
	script = strings.ReplaceAll(script, "\\\n", " ")
	for line := range strings.Lines(script) {
		words := shellWords(line)
		for i, word := range words {
			if path := "/" + word; strings.HasSuffix(path, "/regsnap") && commandPlace(words[:i]) {
				found = append(found, words[i+1:])
				break
			}
		}
	}
	return found
}

// beforeCommand is what may stand before a program: variables, or what runs it.
var beforeCommand = regexp.MustCompile(`^(([A-Z_]+=\S*|-|run:|exec|\$|sudo( -u \S+)?) )*$`)

func commandPlace(before []string) bool {
	text := strings.Join(before, " ")
	return text == "" || beforeCommand.MatchString(text+" ")
}

// shellWords splits a line as a shell does, up to a comment or to what another
// program gets. Variables stay as they are.
func shellWords(line string) (words []string) {
	if at := strings.Index(line, "ExecStart="); at == 0 {
		line = line[len("ExecStart="):]
	}
	var word strings.Builder
	in, quote := false, rune(0)
	end := func() {
		if in {
			words = append(words, word.String())
		}
		word.Reset()
		in = false
	}
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, in = r, true
		case r == ' ' || r == '\t' || r == '\n':
			end()
		case r == '#' && !in, r == '|' || r == '&' || r == ';' || r == ')' || r == '>':
			end()
			return words
		default:
			in = true
			word.WriteRune(r)
		}
	}
	end()
	return words
}

// parses tells what is wrong with a command line, without running it.
func parses(args []string) error {
	app := newApp(io.Discard, io.Discard)
	for _, c := range app.Commands {
		for _, c := range append(c.Subcommands, c) {
			c.Action = func(*cli.Context) error { return nil }
		}
	}
	return app.RunContext(context.Background(), append([]string{"regsnap"}, args...))
}

// TestManualLinks: what a manual refers to in the repository is there.
func TestManualLinks(t *testing.T) {
	texts := manuals(t)
	link := regexp.MustCompile(`\]\(([^)#: ]*)(#[^)]*)?\)`)
	checked := 0
	for file, text := range texts {
		for _, m := range link.FindAllStringSubmatch(codeBlock.ReplaceAllString(text, ""), -1) {
			checked++
			target := file
			if m[1] != "" {
				target = filepath.Join(filepath.Dir(file), m[1])
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s refers to %s: %v", filepath.Base(file), m[1], err)
				continue
			}
			if _, read := texts[target]; !read && m[2] != "" {
				text, err := os.ReadFile(target)
				if err != nil {
					t.Fatal(err)
				}
				texts[target] = string(text)
			}
			if m[2] != "" && !slices.Contains(anchors(texts[target]), m[2]) {
				t.Errorf("%s refers to %s%s, which has the headings %q", filepath.Base(file), m[1], m[2], anchors(texts[target]))
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d references were found", checked)
	}
}

// anchors are the headings of a text as references name them.
func anchors(text string) (out []string) {
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		name := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		out = append(out, "#"+strings.ReplaceAll(name, " ", "-"))
	}
	return out
}

// TestManualConfigurations: the configurations that the manuals show are such.
func TestManualConfigurations(t *testing.T) {
	found := 0
	for file, text := range manuals(t) {
		for _, block := range codeBlock.FindAllStringSubmatch(text, -1) {
			if block[1] != "yaml" || !strings.HasPrefix(block[2], "environments:") {
				continue
			}
			found++
			if _, err := parseConfig([]byte(block[2])); err != nil {
				t.Errorf("%s:\n%s%v", filepath.Base(file), block[2], err)
			}
		}
	}
	if found < 4 {
		t.Errorf("only %d configurations were found", found)
	}
}

// TestManualParameters: docs/deploy.md names the query parameters that answers
// depend on, all of those that are read and no others.
func TestManualParameters(t *testing.T) {
	source, err := os.ReadFile("../../layout/answer/query.go")
	if err != nil {
		t.Fatal(err)
	}
	var read []string
	for _, m := range regexp.MustCompile(`(?:Get\(|values, |values\[|\{)"([a-z._]+)"`).FindAllStringSubmatch(string(source), -1) {
		read = append(read, m[1])
	}
	row := regexp.MustCompile(`(?m)^\| query parameters \| all of ([^,]*),`).FindStringSubmatch(manuals(t)["../../docs/deploy.md"])
	if row == nil {
		t.Fatal("docs/deploy.md has no row on query parameters")
	}
	var named []string
	for _, m := range regexp.MustCompile("`([a-z._]+)`").FindAllStringSubmatch(row[1], -1) {
		named = append(named, m[1])
	}
	slices.Sort(read)
	slices.Sort(named)
	if read = slices.Compact(read); !slices.Equal(read, named) || len(read) != 13 {
		t.Errorf("layout/query.go reads\n%q, docs/deploy.md names\n%q", read, named)
	}
}
