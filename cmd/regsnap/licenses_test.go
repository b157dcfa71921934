package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var updateNotice = flag.Bool("update-notice", false, "write NOTICE from the modules that are linked into regsnap")

// permissive are sentences by which a license is known, all of which let a
// company use and redistribute the program.
var permissive = map[string]string{
	"Apache-2.0": "Apache License Version 2.0",
	"MIT":        "Permission is hereby granted, free of charge",
	"BSD":        "Redistribution and use in source and binary forms",
}

// demanding are phrases of licenses that ask for more than a notice.
var demanding = regexp.MustCompile(`(?i)GNU (Affero |Lesser )?General Public|Mozilla Public License|Elastic License|Server Side Public|Business Source|Commons Clause`)

// TestLicenses reads the license of every module that is linked into the
// program: all must be permissive, and NOTICE must carry what they demand.
func TestLicenses(t *testing.T) {
	want := "regsnap\nCopyright the regsnap authors\n\n" +
		"This product is licensed under the Apache License, Version 2.0 (see LICENSE).\n" +
		"The program links the modules below, each under its own license. Where a module\n" +
		"has a notice of its own, it follows the module's name.\n"
	for _, m := range linkedModules(t) {
		license := readFirst(t, m.dir, "license*", "licence*", "copying*")
		if license == "" {
			t.Errorf("%s has no license file", m.path)
			continue
		}
		kind := licenseOf(license)
		if kind == "" || demanding.MatchString(license) {
			t.Errorf("the license of %s is not known to be permissive:\n%.300s", m.path, license)
		}
		want += fmt.Sprintf("\n%s (%s)\n", m.path, kind)
		if notice := strings.TrimSpace(readFirst(t, m.dir, "notice*")); notice != "" {
			for line := range strings.Lines(notice) {
				want += strings.TrimRight("    "+strings.TrimRight(line, "\r\n"), " ") + "\n"
			}
		}
	}
	if *updateNotice {
		if err := os.WriteFile("../../NOTICE", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("../../NOTICE")
	if err != nil || string(got) != want {
		t.Errorf("NOTICE does not name what is linked (%v): go test ./cmd/regsnap -run TestLicenses -update-notice", err)
	}
}

func TestLicenseOf(t *testing.T) {
	for text, want := range map[string]string{
		"  Apache License\n  Version 2.0, January 2004": "Apache-2.0",
		"Permission is hereby granted, free\nof charge": "MIT",
		"All rights reserved.":                          "",
	} {
		if got := licenseOf(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

// licenseOf names a permissive license; "" for any other.
func licenseOf(text string) string {
	words := strings.Join(strings.Fields(text), " ")
	for _, name := range []string{"Apache-2.0", "MIT", "BSD"} {
		if strings.Contains(words, permissive[name]) {
			return name
		}
	}
	return ""
}

type linkedModule struct{ path, dir string }

// linkedModules are the modules of others that the program is made of, on every
// platform that it is released for.
func linkedModules(t *testing.T) []linkedModule {
	t.Helper()
	dirs := map[string]string{}
	for _, goos := range []string{"linux", "darwin", "windows"} {
		c := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Dir}}{{end}}{{end}}", ".")
		c.Env = append(os.Environ(), "GOOS="+goos, "CGO_ENABLED=0")
		var stderr bytes.Buffer
		c.Stderr = &stderr
		out, err := c.Output()
		if err != nil {
			t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
		}
		for line := range strings.Lines(string(out)) {
			if path, dir, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
				dirs[path] = dir
			}
		}
	}
	var out []linkedModule
	for path, dir := range dirs {
		out = append(out, linkedModule{path, dir})
	}
	slices.SortFunc(out, func(a, b linkedModule) int { return strings.Compare(a.path, b.path) })
	return out
}

// readFirst reads the first file of a folder that has one of the names, in any case.
func readFirst(t *testing.T, dir string, patterns ...string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range patterns {
		for _, e := range entries {
			if ok, _ := filepath.Match(pattern, strings.ToLower(e.Name())); ok && !e.IsDir() && !strings.HasSuffix(e.Name(), ".go") {
				b, err := os.ReadFile(filepath.Join(dir, e.Name()))
				if err != nil {
					t.Fatal(err)
				}
				return string(b)
			}
		}
	}
	return ""
}
