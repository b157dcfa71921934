package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/layout"
)

// settingsFile is what the configuration is called where no flag says otherwise.
const settingsFile = "regsnap.yml"

func initCommand() *cli.Command {
	return &cli.Command{
		Name: "init", Category: groupPublish,
		Usage: "write regsnap.yml and the files of a CI system",
		Description: `Writes a commented regsnap.yml, the files that a CI system needs to lint, preview and
publish, and prints the commands to begin with. On a terminal it asks for what the flags
do not say.

A file that exists is left alone if it is what would be written; if it differs, nothing
is written at all, unless --force says so.

   regsnap init
   regsnap init --bucket 's3://registry?region=eu-west-1' --domain example.org --ci github
   regsnap init --bucket file:///srv/registry --domain example.org --environments main --ci none`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "dir", Usage: "write to `DIR`, the root of the package storage's repository", Value: ".", TakesFile: true},
			configFlag(), bucketFlag(),
			sourceFlag(),
			&cli.StringFlag{Name: "domain", Usage: "clients reach the environments below this `DOMAIN`: epr.DOMAIN, epr-staging.DOMAIN, …"},
			&cli.StringFlag{Name: "environments", Usage: "make an environment of each of these `BRANCHES`, which shows those before it too", Value: "production,staging,snapshot"},
			&cli.StringFlag{Name: "ci", Usage: "write the files of this `SYSTEM`: " + strings.Join(ciSystems(), ", ") + " or none"},
			&cli.BoolFlag{Name: "force", Usage: "replace what is there (files that differ)"},
			dryRunFlag(), jsonFlag(),
		},
		Action: runInit,
	}
}

// initialFile is a file that init writes.
type initialFile struct {
	path    string // below the repository's root, with slashes
	content []byte
	mode    fs.FileMode
}

// initResult is what init prints as JSON.
type initResult struct {
	DryRun    bool     `json:"dry_run"`
	Written   []string `json:"written"`
	Unchanged []string `json:"unchanged,omitempty"`
	Next      []string `json:"next"`
}

func runInit(c *cli.Context) error {
	if err := noArgs(c); err != nil {
		return err
	}
	var known config // what other settings say already
	if file := c.String("config"); file != "" {
		var err error
		if known, err = loadConfig(c.Context, file, c.String("source")); err != nil {
			return err
		}
	}
	a := initAnswers{bucket: cmp.Or(c.String("bucket"), known.Bucket), source: cmp.Or(c.String("source"), known.Source, "git:."), domain: c.String("domain"), system: c.String("ci"), branches: strings.Split(c.String("environments"), ",")}
	if err := a.complete(c.App.Reader, c.App.ErrWriter, isTerminal(c.App.Reader)); err != nil {
		return err
	}
	if err := a.check(); err != nil {
		return err
	}
	files, err := initialFiles(a)
	if err != nil {
		return err
	}
	r, err := writeInitial(c.String("dir"), files, c.Bool("force"), c.Bool("dry-run"))
	if err != nil {
		return err
	}
	r.DryRun, r.Next = c.Bool("dry-run"), firstCommands(a.branches[0])
	if c.Bool("json") {
		return printJSON(c.App.Writer, r)
	}
	w, wrote := c.App.Writer, "wrote"
	if c.Bool("dry-run") {
		wrote = "would write"
	}
	for _, name := range r.Written {
		fmt.Fprintf(w, "%s %s\n", wrote, name)
	}
	for _, name := range r.Unchanged {
		fmt.Fprintf(w, "%s: unchanged\n", name)
	}
	fmt.Fprintf(w, "\nNext:\n   %s\n", strings.Join(r.Next, "\n   "))
	return nil
}

// firstCommands lead from an empty bucket to a registry that answers.
func firstCommands(env string) []string {
	return []string{
		"regsnap build",
		fmt.Sprintf("regsnap publish --env %s --reason 'first' ID", env),
		fmt.Sprintf("regsnap serve --env %s", env),
		fmt.Sprintf("regsnap check --env %s --against http://localhost:8080", env),
	}
}

// initialFiles are regsnap.yml and the files of the CI system.
func initialFiles(a initAnswers) ([]initialFile, error) {
	text := a.configuration()
	if _, err := parseConfig(text); err != nil {
		return nil, usageError{err}
	}
	files, err := ciFiles(a.system)
	return append([]initialFile{{settingsFile, text, 0o666}}, files...), err
}

// writeInitial writes what is not there. Unless force is set, one file that has
// another content keeps all from being written.
func writeInitial(dir string, files []initialFile, force, dry bool) (*initResult, error) {
	r := &initResult{Written: []string{}}
	var different []string
	var todo []initialFile
	for _, f := range files {
		got, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(f.path)))
		switch {
		case err == nil && slices.Equal(got, f.content):
			r.Unchanged = append(r.Unchanged, f.path)
			continue
		case err == nil:
			different = append(different, f.path)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
		todo = append(todo, f)
	}
	if len(different) > 0 && !force {
		return nil, usagef("%s: there is such a file with another content; nothing was written (--force replaces it)", strings.Join(different, ", "))
	}
	for _, f := range todo {
		r.Written = append(r.Written, f.path)
		if dry {
			continue
		}
		path := filepath.Join(dir, filepath.FromSlash(f.path))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, f.content, f.mode); err != nil {
			return nil, err
		}
		// A file that was there keeps its mode; a script must be executable.
		if f.mode&0o111 != 0 {
			if err := os.Chmod(path, 0o755); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}

// checkBranch says why a branch cannot have an environment of its name.
func checkBranch(branch string) error {
	if !layout.ValidEnvironment(branch) {
		return usagef("--environments: %q cannot be the name of an environment, which has small letters, digits and hyphens", branch)
	}
	return nil
}
