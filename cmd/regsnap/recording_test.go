package main

import (
	"bytes"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// recording is the session at a terminal that the README shows.
const recording = "../../docs/recording.svg"

// recorded are its commands: an environment is built, a version comes, what changed
// is looked at and taken back.
var recorded = []string{
	"regsnap build --publish",
	"git log --oneline -1",
	"regsnap build --publish",
	"regsnap diff --env production previous live | head -9",
	"regsnap rollback --env production --reason 'dashboards are empty' --yes",
}

// Between two runs differ how long something took, and how often that was said
// while it went on.
var (
	tookSeconds = regexp.MustCompile(`in [0-9.]+ m?s\b`)
	clock       = regexp.MustCompile(`^\d\d:\d\d:\d\d `)
	wentOn      = regexp.MustCompile(`^(read|write|render) \S+ +[0-9,]+ of [0-9,]+ `)
	shownLine   = regexp.MustCompile(`<text[^>]*>(.*)</text>`)
	markup      = regexp.MustCompile(`<[^>]*>`)
)

// shown are the lines of a picture, without what differs between two runs.
func shown(picture []byte) string {
	var lines []string
	for _, m := range shownLine.FindAllSubmatch(picture, -1) {
		line := html.UnescapeString(markup.ReplaceAllString(string(m[1]), ""))
		if !wentOn.MatchString(line) {
			lines = append(lines, clock.ReplaceAllString(tookSeconds.ReplaceAllString(line, "in X s"), "HH:MM:SS "))
		}
	}
	return strings.Join(lines, "\n")
}

// TestRecording runs the commands of the recording, and holds the picture to what
// they print: every line, but for how many seconds something took.
func TestRecording(t *testing.T) {
	repo, bucket := t.TempDir(), t.TempDir()
	storage, err := filepath.Abs("../../testdata/storage/production/packages")
	if err != nil {
		t.Fatal(err)
	}
	run := func(command, date string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "sh", "-c", command+" 2>&1")
		cmd.Dir = repo
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.org",
			"GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.org", "GIT_AUTHOR_DATE="+date, "GIT_COMMITTER_DATE="+date, "GIT_PAGER=cat")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
		return strings.TrimSuffix(string(out), "\n")
	}
	settings := "bucket: file://" + filepath.ToSlash(bucket) + "\nsource: git:.\nenvironments:\n  production: {branches: [production], catalog: on}\n"
	if err := os.WriteFile(filepath.Join(repo, "regsnap.yml"), []byte(settings), 0o666); err != nil {
		t.Fatal(err)
	}
	run("git init --quiet --initial-branch=production && echo regsnap.yml >.git/info/exclude && cp -r "+storage+" . && git add --all && git commit --quiet --message packages", "2026-03-01T09:00:00Z")

	var lines []string
	for i, command := range recorded {
		if i == 1 {
			run("cp -r packages/web_server/2.0.0 packages/web_server/2.1.0 && sed -i.old 's/2\\.0\\.0/2.1.0/' packages/web_server/2.1.0/manifest.yml && "+
				"rm packages/web_server/2.1.0/*.old && git add --all && git commit --quiet --message 'Publish web_server 2.1.0'", "2026-03-02T09:00:00Z")
		}
		lines = append(lines, "$ "+command)
		lines = append(lines, strings.Split(run(command, "2026-03-02T09:00:00Z"), "\n")...)
	}
	holdPicture(t, recording, terminalPicture("A session at a terminal: build, diff, rollback", lines), "+ web_server-2.1.0", "is live (was ")
}

// holdPicture compares a picture with the one in a file, which shows some texts.
func holdPicture(t *testing.T, file string, picture []byte, texts ...string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, picture, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := shown(picture), shown(have); got != want {
		t.Errorf("%s shows\n%s\nThe commands print\n%s\nIf that was to change: go test ./cmd/regsnap -run TestRecording -update", file, want, got)
	}
	for _, want := range texts {
		if !strings.Contains(shown(have), want) {
			t.Errorf("%s does not show %q", file, want)
		}
	}
}

// terminalPicture draws lines of a terminal that appear one after the other: a
// command as it is typed, and what it prints at once. A reader who asked for less
// motion sees all of them.
func terminalPicture(title string, lines []string) []byte {
	const row, column, margin = 19, 7.83, 16
	widest := 0
	for _, line := range lines {
		widest = max(widest, utf8.RuneCountInString(line))
	}
	width, height := int(float64(widest)*column)+2*margin, len(lines)*row+2*margin
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%[1]d" height="%[2]d" viewBox="0 0 %[1]d %[2]d" role="img" aria-label="%[3]s">
<style>
text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#d6deeb;white-space:pre}
.c{fill:#fff;font-weight:600}.p{fill:#7fdbca}
@media(prefers-reduced-motion:no-preference){text{opacity:0;animation:s .01s forwards}@keyframes s{to{opacity:1}}}
</style>
<rect width="100%%" height="100%%" rx="8" fill="#0b1b2b"/>
`, width, height, html.EscapeString(title))
	seconds := 0.0
	for i, line := range lines {
		y := margin + i*row + 13
		command, typed := strings.CutPrefix(line, "$ ")
		if typed {
			seconds += 1.5
			fmt.Fprintf(&b, `<text x="%d" y="%d" style="animation-delay:%.1fs"><tspan class="p">$ </tspan><tspan class="c">%s</tspan></text>`+"\n", margin, y, seconds, html.EscapeString(command))
			seconds += 0.8
			continue
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d" style="animation-delay:%.1fs">%s</text>`+"\n", margin, y, seconds, html.EscapeString(line))
		seconds += 0.1
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}
