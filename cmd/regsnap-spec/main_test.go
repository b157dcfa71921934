package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/elastic/package-spec/v3/code/go/pkg/specerrors"
)

func archive(t *testing.T, files ...string) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		w, err := z.Create(files[i])
		if err == nil {
			_, err = w.Write([]byte(files[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

const manifest = "format_version: 1.0.0\nname: web\ntitle: Web\nversion: 1.0.0\ntype: integration\ndescription: Web\nowner.github: acme/web\n"

func TestRun(t *testing.T) {
	in := archive(t,
		"packages/web/1.0.0/manifest.yml", manifest, "packages/web/1.0.0/docs/README.md", "# Web",
		"packages/none/1.0.0/manifest.yml", "{", "packages/README.md", "not in a package")
	var out bytes.Buffer
	if err := run(nil, in, &out); err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if want := []string{"packages/none/1.0.0", "packages/web/1.0.0"}; !slices.Equal(r.Packages, want) {
		t.Errorf("packages %q, want %q", r.Packages, want)
	}
	about := map[string]string{}
	for _, f := range r.Findings {
		if f.Severity != "error" && f.Severity != "warning" {
			t.Errorf("severity of %+v", f)
		}
		about[f.Package] += f.Message + "\n"
	}
	if !strings.Contains(about["packages/web/1.0.0"], "changelog.yml") {
		t.Errorf("web lacks a changelog, but the findings are %q", about["packages/web/1.0.0"])
	}
	if about["packages/none/1.0.0"] == "" {
		t.Error("nothing is found in a manifest that is no YAML")
	}
}

func TestRunRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		in   *bytes.Buffer
		args []string
		want string
	}{
		"no archive":  {in: bytes.NewBufferString("text"), want: "standard input: zip"},
		"no packages": {in: archive(t, "README.md", ""), want: "holds no packages/<name>/<version>/"},
		"upwards":     {in: archive(t, "packages/../../x", ""), want: "holds"},
		"argument":    {in: archive(t), args: []string{"."}, want: "takes no arguments"},
	} {
		err := run(c.args, c.in, &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestSplit(t *testing.T) {
	const dir = "packages/web/1.0.0"
	for message, want := range map[string]string{
		`file "packages/web/1.0.0/manifest.yml" is invalid: no`: "manifest.yml",
		`item [x.yml] is not allowed in folder [a]`:             "x.yml",
		`file "../../etc" is invalid`:                           "",
		`something else "a.yml"`:                                "",
	} {
		file, text := split(specerrors.NewStructuredError(errors.New(message), "SVR1"), dir)
		if file != want || text != message {
			t.Errorf("split(%q) = %q, %q; want %q and the message without its code", message, file, text, want)
		}
	}
}
