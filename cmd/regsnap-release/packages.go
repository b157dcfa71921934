package main

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
)

// packageFile is a file of a Debian or RPM package, as nfpm wants it.
type packageFile struct {
	Source      string          `yaml:"src"`
	Destination string          `yaml:"dst"`
	Info        packageFileInfo `yaml:"file_info"`
}

type packageFileInfo struct {
	Mode int    `yaml:"mode"`
	Time string `yaml:"mtime"`
}

// packageRecipe is nfpm's configuration.
// Source: https://nfpm.goreleaser.com/docs/configuration/
type packageRecipe struct {
	Name        string        `yaml:"name"`
	Arch        string        `yaml:"arch"`
	Platform    string        `yaml:"platform"`
	Version     string        `yaml:"version"`
	Schema      string        `yaml:"version_schema"`
	Section     string        `yaml:"section"`
	Maintainer  string        `yaml:"maintainer"`
	Description string        `yaml:"description"`
	Homepage    string        `yaml:"homepage"`
	License     string        `yaml:"license"`
	Time        string        `yaml:"mtime"`
	RPM         rpmRecipe     `yaml:"rpm"`
	Contents    []packageFile `yaml:"contents"`
}

type rpmRecipe struct {
	BuildHost string `yaml:"buildhost"`
}

// packagePaths says where a file of the archives lies once it is installed; what is
// not named is not part of a package.
func packagePath(name string) string {
	switch name {
	case completions["bash"]:
		return "/usr/share/bash-completion/completions/regsnap"
	case completions["zsh"]:
		return "/usr/share/zsh/vendor-completions/_regsnap"
	case completions["fish"]:
		return "/usr/share/fish/vendor_completions.d/regsnap.fish"
	case "LICENSE":
		return "/usr/share/doc/regsnap/copyright"
	case "NOTICE", "CHANGELOG.md":
		return "/usr/share/doc/regsnap/" + name
	}
	if page, ok := strings.CutPrefix(name, "man/"); ok {
		return "/usr/share/man/" + page
	}
	return ""
}

// packages makes the Debian and RPM packages of a program.
func (r *release) packages(ctx context.Context, b built, shared []file) error {
	at := r.time.Format("2006-01-02T15:04:05Z")
	recipe := packageRecipe{
		Name: "regsnap", Arch: b.arch, Platform: "linux", Version: r.number(), Schema: "semver", Section: "admin",
		Maintainer: "The regsnap authors <regsnap@users.noreply.example>", License: "Apache-2.0", Homepage: "https://github.com/regsnap/regsnap",
		Description: "A package registry as immutable snapshots in object storage.\nregsnap turns the branches of a package storage into snapshots of a package\nregistry, which Kibana reads through a CDN without a server.",
		Time:        at, RPM: rpmRecipe{BuildHost: "localhost"},
	}
	add := func(from, to string, mode int) {
		recipe.Contents = append(recipe.Contents, packageFile{from, to, packageFileInfo{mode, at}})
	}
	add(b.path, "/usr/bin/regsnap", 0o755)
	for i, f := range shared {
		to := packagePath(f.name)
		if to == "" {
			continue
		}
		from := f.from
		if from == "" {
			from = filepath.Join(r.work, "package-file-"+strconv.Itoa(i))
			if err := os.WriteFile(from, f.text, 0o644); err != nil {
				return err
			}
		}
		path, err := filepath.Abs(from)
		if err != nil {
			return err
		}
		add(path, to, 0o644)
	}
	text, err := yaml.Marshal(recipe)
	if err != nil {
		return err
	}
	config := filepath.Join(r.work, "nfpm-"+b.arch+".yaml")
	if err := os.WriteFile(config, text, 0o644); err != nil {
		return err
	}
	for _, kind := range []string{"deb", "rpm"} {
		target, err := filepath.Abs(r.outFile("regsnap_%s_linux_%s.%s", r.number(), b.arch, kind))
		if err != nil {
			return err
		}
		_, err = output(ctx, r.module, []string{"SOURCE_DATE_EPOCH=" + strconv.FormatInt(r.time.Unix(), 10)},
			"go", "tool", "-modfile=.ci/tools/go.mod", "nfpm", "package", "--config", config, "--packager", kind, "--target", target)
		if err != nil {
			return err
		}
	}
	return nil
}
