package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// tour is the manual that shows usual tasks with what regsnap prints.
const tour = "../../docs/tour.md"

// task is a step of the tour: what is wanted, and the command. Before it, prepare is done
// to the repository in repo.
type task struct {
	title, text string
	prepare     func(t *testing.T, repo string)
	args        []string
	code        int
	// aged: it says how long ago something was, which moves columns and line breaks; only
	// the first word of each line is compared.
	aged bool
}

var tasks = []task{
	{title: "Build and publish", text: "Every environment of regsnap.yml: what is new is rendered, then the pointers move.", args: []string{"build", "--publish"}},
	{title: "See what is live", args: []string{"status"}, aged: true},
	{title: "Look at one package", text: "Where each version is, and what is missing to move on.", args: []string{"status", "--source", "git:.", "web_server-2.1.0-beta.1"}, aged: true},
	{title: "See what waits for promotion", args: []string{"board", "--waiting"}, aged: true},
	{title: "Try a promotion", args: []string{"promote", "--from", "staging", "--to", "production", "tcp_listener-1.1.0", "--dry-run"}},
	{title: "A proposal that breaks a rule", text: "A released version was changed, and a new package is broken.", args: []string{"lint", "--branch", "production", "--base", "production", "--head", "proposal", "--spec", "off"}, code: exitInvalid},
	{title: "Publish a push", text: "A new version came to production: only what it changes is rendered.", prepare: newVersion, args: []string{"build", "--env", "production", "--publish"}},
	{title: "See what changed for clients", args: []string{"diff", "--env", "production", "previous", "live"}},
	{title: "Keep a snapshot by a name", args: []string{"tag", "--env", "production", "release-8.5", "previous", "--reason", "shipped with 8.5"}},
	{title: "Read the history", text: "`*` is live, `<` is what a rollback goes to.", args: []string{"history", "--env", "production"}},
	{title: "Since when is a version live?", args: []string{"find", "web_server-2.2.0"}},
	{title: "Go back, and stay there", args: []string{"rollback", "--env", "production", "release-8.5", "--pin", "--yes", "--reason", "dashboards are empty"}},
	{title: "Let publishes go live again", args: []string{"unpin", "--env", "production"}},
	{title: "Why is a package (not) in an answer?", args: []string{"inspect", "--env", "production", "--why", "web_server", "/search?kibana.version=8.5.0"}},
	{title: "Check what the bucket holds", args: []string{"verify", "--env", "production"}},
	{title: "See what prune would delete", args: []string{"prune", "--keep-last", "1", "--keep-within", "0", "--grace", "0", "--dry-run"}},
	{title: "A typing error", text: "Names, flags and commands get a suggestion.", args: []string{"find", "web_sever"}, code: exitUsage},
}

// newVersion commits a version to production.
func newVersion(t *testing.T, repo string) {
	t.Helper()
	addToBranch(t, repo, t.TempDir(), "production", map[string]string{
		"packages/web_server/2.2.0/manifest.yml":   "format_version: 1.0.0\nname: web_server\ntitle: Web server\nversion: 2.2.0\ndescription: Logs of web servers.\nowner:\n  github: regsnap-demo/web\n",
		"packages/web_server/2.2.0/docs/README.md": "# Web server\n",
	})
}

// What differs between two runs: times, ages, how long something took, and the digests
// that follow from the version of the program.
var differing = []struct {
	pattern *regexp.Regexp
	to      string
}{
	{regexp.MustCompile(`(?m)^(read|write|render|verify|delete)( \S+)? +[0-9,]+ of [0-9,]+ .*\n`), ""},
	{regexp.MustCompile(`[ \n]+`), " "}, // where lines break follows from the rest
	{regexp.MustCompile(`\b20\d\d-\d\d-\d\d \d\d:\d\d(:\d\d)?( UTC)?`), "TIME"},
	{regexp.MustCompile(`\b\d\d-\d\d \d\d:\d\d\b`), "TIME"},
	{regexp.MustCompile(`\b(now|\d+ (min|h|d) ago)\b`), "AGE"},
	{regexp.MustCompile(`in [0-9.]+ m?s\b`), "in SOME s"},
	{regexp.MustCompile(`\b[0-9a-f]{12}\b`), "DIGEST"},
	{regexp.MustCompile(`\b[0-9a-f]{8}\b`), "DIGEST"},
	{regexp.MustCompile(`[0-9.,]+ ([kMG]?B)\b`), "SIZE $1"},
}

func withoutDifferences(text string, aged bool) string {
	if aged {
		text = firstWords.ReplaceAllString(text, "$1")
	}
	for _, d := range differing {
		text = d.pattern.ReplaceAllString(text, d.to)
	}
	return text
}

// firstWords are all that is compared where something has an age: of lines that are not
// indented, as the rest of one that was broken is.
var firstWords = regexp.MustCompile(`(?m)^(\S*).*$`)

// TestTour does the tasks of docs/tour.md at 80 columns, and holds the manual to what they
// print; -update writes it.
func TestTour(t *testing.T) {
	repo, bucket := demoRepo(t), filepath.ToSlash(t.TempDir())
	manual, err := filepath.Abs(tour)
	if err != nil {
		t.Fatal(err)
	}
	settings := "bucket: file://" + bucket + "\nsource: git:.\nenvironments:\n" +
		"  production: {branches: [production], specification: off}\n  staging: {branches: [production, staging], specification: off}\n  snapshot: {branches: [production, staging, snapshot]}\n"
	if err := os.WriteFile(filepath.Join(repo, "regsnap.yml"), []byte(settings), 0o666); err != nil {
		t.Fatal(err)
	}
	t.Chdir(repo)
	t.Setenv("COLUMNS", "80")
	t.Setenv("REGSNAP_BY", "ada")
	t.Setenv("GITHUB_ACTIONS", "")
	var doc strings.Builder
	doc.WriteString("# A tour of usual tasks\n\nWhat an operator and an author of packages type, and what regsnap prints on a terminal of 80 columns: a package storage with the branches production, staging\n" +
		"and snapshot in the folder, and a regsnap.yml that names the bucket and the environments. A test runs all of it. [Commands](commands.md) has every flag.\n")
	for _, step := range tasks {
		if step.prepare != nil {
			step.prepare(t, repo)
		}
		var said bytes.Buffer
		if code := run(t.Context(), append([]string{"regsnap"}, step.args...), &said, &said); code != step.code {
			t.Fatalf("%q: exit code %d, want %d: %s", step.args, code, step.code, said.String())
		}
		words := []string{"regsnap"}
		for _, a := range step.args {
			words = append(words, shellQuote(a))
		}
		fmt.Fprintf(&doc, "\n## %s\n\n", step.title)
		if step.text != "" {
			fmt.Fprintf(&doc, "%s\n\n", step.text)
		}
		fmt.Fprintf(&doc, "```console\n$ %s\n%s", strings.Join(words, " "), strings.ReplaceAll(said.String(), bucket, "/srv/registry"))
		if step.code != 0 {
			fmt.Fprintf(&doc, "$ echo $?\n%d\n", step.code)
		}
		doc.WriteString("```\n")
	}
	if *update {
		if err := os.WriteFile(manual, []byte(doc.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	for i, part := range strings.Split(doc.String(), "\n## ") {
		shown := strings.Split(string(have), "\n## ")
		aged := i > 0 && tasks[i-1].aged
		if i >= len(shown) || withoutDifferences(shown[i], aged) != withoutDifferences(part, aged) {
			t.Errorf("docs/tour.md is not what the commands print; they print\n%s\nIf that was to change: go test ./cmd/regsnap -run TestTour -update", part)
		}
	}
}
