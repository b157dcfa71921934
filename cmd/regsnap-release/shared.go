package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

func newReader(b []byte) io.Reader { return bytes.NewReader(b) }

// completions are where each shell's script lies in an archive.
var completions = map[string]string{"bash": "completions/regsnap.bash", "zsh": "completions/_regsnap", "fish": "completions/regsnap.fish"}

// sharedFiles are what every archive has beside the program: the license and what
// it demands, the changes, the manual pages and the completions. The program of
// this machine prints the latter.
func (r *release) sharedFiles(ctx context.Context) ([]file, error) {
	var out []file
	for _, name := range []string{"LICENSE", "NOTICE", "README.md", "CHANGELOG.md"} {
		out = append(out, file{name: name, from: filepath.Join(r.module, name), mode: 0o644})
	}
	text, err := os.ReadFile(filepath.Join(r.module, "docs", "commands.md"))
	if err != nil {
		return nil, err
	}
	pages, err := manualPages(string(text), r.version, r.time)
	if err != nil {
		return nil, err
	}
	for _, p := range pages {
		out = append(out, file{name: "man/man1/" + p.name, text: p.text, mode: 0o644})
	}
	own, err := r.build(ctx, native())
	if err != nil {
		return nil, err
	}
	if err := r.checkProgram(ctx, own); err != nil {
		return nil, err
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		script, err := output(ctx, r.work, nil, own.path, "completion", shell)
		if err != nil {
			return nil, err
		}
		out = append(out, file{name: completions[shell], text: script, mode: 0o644})
	}
	return out, nil
}

// checkProgram sees to it that the program says what it is released as: nothing
// that says otherwise may be published.
func (r *release) checkProgram(ctx context.Context, b built) error {
	says, err := output(ctx, r.work, nil, b.path, "version")
	if err == nil && !strings.HasPrefix(string(says), "regsnap "+r.version) {
		err = fmt.Errorf("the program calls itself %q, not %s", says, r.version)
	}
	return err
}
