package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"runtime/debug"
	"strings"

	"github.com/elastic/package-spec/v3/code/go/pkg/specerrors"
	"github.com/elastic/package-spec/v3/code/go/pkg/validator"
)

const library = "github.com/elastic/package-spec/v3"

// specification is the version of the library that this program was built with.
func specification() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == library {
				return strings.TrimPrefix(m.Version, "v")
			}
		}
	}
	return "unknown"
}

// check looks at one package. The library tells errors from
// warnings only by whether it is asked to count warnings as errors: what comes
// with them alone is one.
func check(fsys fs.FS, dir string) (_ []finding, err error) {
	defer func() {
		if p := recover(); p != nil { // a package is hostile input
			err = fmt.Errorf("%s: the specification's library failed: %v", dir, p)
		}
	}()
	sub, err := fs.Sub(fsys, dir)
	if err != nil {
		return nil, err
	}
	all, err := validate(sub, dir, true)
	if err != nil {
		return nil, err
	}
	strict, err := validate(sub, dir, false)
	if err != nil {
		return nil, err
	}
	severe := map[string]int{}
	for _, e := range strict {
		severe[e.Error()]++
	}
	var out []finding
	for _, e := range all {
		f := finding{Package: dir, Severity: "warning", Code: e.Code()}
		if severe[e.Error()] > 0 {
			severe[e.Error()]--
			f.Severity = "error"
		}
		f.File, f.Message = split(e, dir)
		out = append(out, f)
	}
	return out, nil
}

func validate(fsys fs.FS, dir string, warnings bool) (specerrors.ValidationErrors, error) {
	v, err := validator.New(validator.LegacyMode, validator.WithWarningsAsErrors(warnings))
	if err != nil {
		return nil, err
	}
	err = v.ValidateFromFS(dir, fsys)
	var found specerrors.ValidationErrors
	switch {
	case err == nil:
		return nil, nil
	case errors.As(err, &found):
		return found, nil
	}
	// What keeps the library from looking any further, such as a manifest
	// that is not one, is a finding too.
	return specerrors.ValidationErrors{specerrors.NewStructuredError(err, "")}, nil
}

// named finds the file in the library's messages: file "…" is, or folder [….
var named = regexp.MustCompile(`^(?:file|item|folder|directory) (?:"([^"]+)"|\[([^\]]+)\])(?: is)?:? *`)

// split takes the file out of a message.
func split(e specerrors.ValidationError, dir string) (file, message string) {
	message = e.Error()
	if code := e.Code(); code != "" {
		message = strings.TrimSuffix(message, " ("+code+")")
	}
	m := named.FindStringSubmatch(message)
	if m == nil {
		return "", message
	}
	file = path.Clean(m[1] + m[2])
	if rest, ok := strings.CutPrefix(file, dir+"/"); ok {
		file = rest
	}
	if !fs.ValidPath(file) || file == "." {
		return "", message
	}
	return file, message
}
