package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
)

// configPlace is where settings were read: a file, or a file of a commit that
// those who push to other branches cannot change.
type configPlace struct {
	// Name is what --config said.
	Name string `json:"config"`
	// Ref and Commit are what git:REF:PATH led to; Ref is empty for a commit.
	Ref    string `json:"ref,omitempty"`
	Commit string `json:"commit,omitempty"`
	path   string
	text   []byte
}

// protected reports whether the settings are those of a commit.
func (p configPlace) protected() bool { return p.Commit != "" }

// readConfig reads the text of a configuration: a file's, or with git:REF:PATH that
// of a commit in the repository that source names, by default the one around the
// current folder.
func readConfig(ctx context.Context, name, source string) (configPlace, error) {
	rest, isGit := strings.CutPrefix(name, "git:")
	if !isGit {
		text, err := os.ReadFile(name)
		if err != nil {
			err = usageError{err}
		}
		return configPlace{Name: name, text: text}, err
	}
	ref, path, ok := strings.Cut(rest, ":")
	if !ok || ref == "" || path == "" {
		return configPlace{}, usagef("--config %q: want git:REF:PATH, such as git:origin/production:regsnap.yml; a file of that name is ./%s", name, name)
	}
	at := "."
	if dir, isGit := strings.CutPrefix(source, "git:"); isGit && !isURL(dir) {
		at = dir
	}
	src, err := git.OpenGit(ctx, at)
	if err != nil {
		return configPlace{}, fmt.Errorf("--config %s: %w", name, err)
	}
	text, found, err := src.File(ctx, ref, path)
	err = errors.Join(err, src.Close())
	switch {
	case errors.Is(err, index.ErrNoBranch), errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrInvalid):
		return configPlace{}, usagef("--config %s: %w", name, err)
	case err != nil: // the command line is right, the repository is not
		return configPlace{}, fmt.Errorf("--config %s: %w", name, err)
	}
	return configPlace{Name: name, Ref: found.Name, Commit: found.Commit.String(), path: path, text: text}, nil
}

// settingsRead is where protected settings were read, or nil.
func (c config) settingsRead() *configPlace {
	if !c.place.protected() {
		return nil
	}
	return &c.place
}

// printConfigPlace says from which commit protected settings were read.
func printConfigPlace(w io.Writer, p *configPlace) {
	if p == nil {
		return
	}
	fmt.Fprintf(w, "settings of %s", clean(p.path))
	if p.Ref != "" {
		fmt.Fprintf(w, " from %s", clean(p.Ref))
	}
	fmt.Fprintf(w, " at %.12s\n", p.Commit)
}

// guardHooks refuses hooks of protected settings whose program would be that of the
// folder that the command runs in: there the pushed branch may be checked out.
func (c config) guardHooks() error {
	for _, name := range c.names() {
		for i, h := range c.Environments[name].AfterPublish {
			if len(h.Command) > 0 && strings.ContainsAny(h.Command[0], `/\`) && !filepath.IsAbs(h.Command[0]) {
				return fmt.Errorf("environments.%s.after_publish[%d]: command: %q would be that of the current folder, which may hold what was pushed: name a program on the PATH, or by its whole path", name, i, h.Command[0])
			}
		}
	}
	return nil
}

// settingsDiffer warns of a head whose own settings are not the protected ones:
// what they say has no effect, or, on the protected branch itself, decides what
// all environments publish once it is merged.
func settingsDiffer(ctx context.Context, src *git.GitSource, p configPlace, branch string, head index.ID) ([]index.Problem, error) {
	if !p.protected() {
		return nil, nil
	}
	text, err := src.FileAt(ctx, head, p.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && string(text) == string(p.text) {
		return nil, nil
	}
	detail := fmt.Sprintf("differs from that of %s at %.12s, by which environments are built: what it says here has no effect; remove it, or change it there", p.Name, p.Commit)
	switch {
	case errors.Is(err, fs.ErrInvalid):
		detail = fmt.Sprintf("is not a file; environments are built by that of %s at %.12s: remove it", p.Name, p.Commit)
	case err != nil:
		return nil, fmt.Errorf("settings of %s: %w", branch, err)
	case p.Ref == "refs/heads/"+branch || strings.HasPrefix(p.Ref, "refs/remotes/") && strings.HasSuffix(p.Ref, "/"+branch):
		detail = fmt.Sprintf("differs from that of %s at %.12s: it decides what every environment publishes as soon as %s has it", p.Name, p.Commit, branch)
	}
	return []index.Problem{{Branch: branch, File: p.path, Rule: index.RuleSettingsDiffer, Detail: detail}}, nil
}
