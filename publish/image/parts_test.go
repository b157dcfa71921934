package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/regsnap/regsnap/internal/retry"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/image/imagetest"
)

// TestLayer: a layer has its files and the folders above them, each once, and says of
// itself what it is.
func TestLayer(t *testing.T) {
	dir := t.TempDir()
	file := func(name, body string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	l, err := writeLayer(dir, "what", packLevel, layerFile{"a/b/one", file("1", "first"), 0o644}, layerFile{"a/two", file("2", ""), 0o755}, layerFile{"top", file("3", "x"), 0o644})
	if err != nil {
		t.Fatal(err)
	}
	body, err := os.ReadFile(l.file)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if l.digest.String() != fmt.Sprintf("sha256:%x", sha256.Sum256(body)) || l.diff.String() != fmt.Sprintf("sha256:%x", sha256.Sum256(plain)) || l.size != int64(len(body)) || l.what != "what" {
		t.Errorf("%+v", l)
	}
	r, err := l.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for entries := tar.NewReader(r); ; {
		h, err := entries.Next()
		if err == io.EOF {
			break
		}
		content, e := io.ReadAll(entries)
		if err = errors.Join(err, e); err != nil {
			t.Fatal(err)
		}
		if h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.ModTime.Unix() != 0 {
			t.Errorf("%s: %+v", h.Name, h)
		}
		got = append(got, fmt.Sprintf("%c %s %o %s", h.Typeflag, h.Name, h.Mode, content))
	}
	if want := []string{"5 a/ 755 ", "5 a/b/ 755 ", "0 a/b/one 644 first", "0 a/two 755 ", "0 top 644 x"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	for what, c := range map[string]struct {
		dir   string
		level int
		from  string
	}{
		"no folder": {filepath.Join(dir, "none"), packLevel, l.file}, "no such effort": {dir, 10, l.file}, "no file": {dir, packLevel, filepath.Join(dir, "none")}, "a folder": {dir, packLevel, dir},
	} {
		if l, err := writeLayer(c.dir, "", c.level, layerFile{"x", c.from, 0o644}); err == nil || l != nil {
			t.Errorf("%s: %v", what, l)
		}
	}
	for _, path := range []string{"a\x00b", "a\x00b/c", "a/b\x00c/d"} { // no entry of an archive can be called so
		if l, err := writeLayer(dir, "", packLevel, layerFile{path, filepath.Join(dir, "1"), 0o644}); err == nil || l != nil {
			t.Errorf("%q: %v", path, l)
		}
	}
	if r, err := openGzip(filepath.Join(dir, "1")); err == nil || r != nil {
		t.Errorf("no gzip file: %v", r)
	}
	if r, err := openGzip(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) || r != nil {
		t.Errorf("no file: %v", err)
	}
}

// TestConfiguration: how images run, as docs/images.md has it, and which of their labels
// depend on what.
func TestConfiguration(t *testing.T) {
	at := time.Date(2024, 5, 6, 7, 8, 9, 0, time.FixedZone("", 3600))
	m := &layout.Manifest{
		Environment: "staging", Regsnap: "1.2", Render: 4, Packages: make([]layout.ManifestPackage, 7),
		Branches: []layout.ManifestBranch{{Name: "production", Commit: "c1", Time: at.Add(-time.Hour)}, {Name: "staging", Commit: "c2", Time: at}, {Name: "snapshot", Commit: "c3", Time: at.Add(-time.Minute)}, {Name: "folder"}},
	}
	p := Program{Arch: "arm64", Path: filepath.Join(t.TempDir(), "none")}
	want := map[string]string{
		"org.opencontainers.image.title": "Package registry, staging", "org.opencontainers.image.version": m.ID(),
		"org.opencontainers.image.description": "Snapshot " + m.ID() + " of the staging environment: 7 package versions, served by regsnap",
		"org.opencontainers.image.created":     "2024-05-06T06:08:09Z", "org.opencontainers.image.revision": "c2",
		"regsnap.environment": "staging", "regsnap.snapshot": m.ID(), "regsnap.version": "1.2", "regsnap.render": "4", "regsnap.packages": "7",
		"regsnap.commit.production": "c1", "regsnap.commit.staging": "c2", "regsnap.commit.snapshot": "c3",
	}
	c := configFile(m, p)
	if !maps.Equal(c.Config.Labels, want) {
		t.Errorf("labels %v, want %v", c.Config.Labels, want)
	}
	h := c.Config.Healthcheck
	if h.Interval != 10*time.Second || h.Timeout != 3*time.Second || h.StartPeriod != 5*time.Second || h.Retries != 3 {
		t.Errorf("health check %+v", h)
	}
	if c.Config.WorkingDir != "/" || c.Config.StopSignal != "SIGTERM" || c.RootFS.Type != "layers" || !c.Created.Time.Equal(at) || c.Created.Location() != time.UTC || c.Architecture != "arm64" {
		t.Errorf("%+v", c)
	}
	m.Branches, m.Slice = nil, &layout.SliceOf{Snapshot: "whole"}
	labels := configFile(m, p).Config.Labels
	for _, gone := range []string{"org.opencontainers.image.created", "org.opencontainers.image.revision", "regsnap.program"} {
		if value, there := labels[gone]; there {
			t.Errorf("without commits %s is %q", gone, value)
		}
	}
	if labels["regsnap.slice-of"] != "whole" {
		t.Errorf("labels of a slice: %v", labels)
	}
}

// TestProgramIsKnown: an image says which commit its program is of, if that does.
func TestProgramIsKnown(t *testing.T) {
	dir := t.TempDir()
	for name, body := range map[string]string{"go.mod": "module x\n\ngo 1.24\n", "main.go": "package main\n\nfunc main() {}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(body), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) string {
		c := exec.Command(args[0], args[1:]...)
		c.Dir = dir
		c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOFLAGS=", "GIT_CONFIG_GLOBAL="+os.DevNull)
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	run("git", "init", "-q")
	run("git", "add", ".")
	run("git", "-c", "user.name=a", "-c", "user.email=a@b.example", "commit", "-qm", "x")
	run("go", "build", "-buildvcs=true", "-ldflags=-s -w", "-o", "program")
	labels := configFile(&layout.Manifest{}, Program{Path: filepath.Join(dir, "program")}).Config.Labels
	if want := run("git", "rev-parse", "HEAD")[:12]; labels["regsnap.program"] != want {
		t.Errorf("it is of %q, want %q", labels["regsnap.program"], want)
	}
}

// TestPlatforms: what images are made for.
func TestPlatforms(t *testing.T) {
	for text, want := range map[string]string{"linux/amd64": "amd64", "linux/arm64": "arm64", "linux/386": "", "windows/amd64": "", "linux": "", "": "", "linux/": "", "/amd64": "", "linux/amd64/v2": ""} {
		arch, err := ParsePlatform(text)
		if arch != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", text, arch, err)
		}
	}
	dir := t.TempDir()
	for kind, want := range map[uint16]bool{1: false, 2: true, 3: true, 4: false} { // System V ABI, e_type
		body := imagetest.ELF(imagetest.AMD64, "")
		binary.LittleEndian.PutUint16(body[16:], kind)
		file := filepath.Join(dir, fmt.Sprint(kind))
		if err := os.WriteFile(file, body, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := (Program{"amd64", file}).check(); (err == nil) != want || err != nil && !strings.Contains(err.Error(), "is not a program;") {
			t.Errorf("an ELF file of type %d: %v", kind, err)
		}
	}
}

// TestCheckTags: which tags can be given by hand.
func TestCheckTags(t *testing.T) {
	for _, c := range []struct {
		tags []string
		want string
	}{
		{nil, ""}, {[]string{"v1.2.3", "latest", "_x"}, ""}, {[]string{strings.Repeat("a", 128)}, ""}, {[]string{strings.Repeat("a", 129)}, "want up to 128"},
		{[]string{"a", ""}, "want up to 128"}, {[]string{".a"}, "want up to 128"}, {[]string{"a/b"}, "want up to 128"}, {[]string{"a", "production"}, "gets the environment's tag by itself"},
		{[]string{"productions"}, ""}, {[]string{"a", "a"}, `"a" is given twice`}, {[]string{"a", "b", "a"}, `"a" is given twice`}, {[]string{"a", "A"}, ""},
	} {
		err := CheckTags("production", c.tags)
		if (err == nil) != (c.want == "") || err != nil && (!errors.Is(err, errName) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%q: %v, want %q", c.tags, err, c.want)
		}
	}
	for repository, want := range map[string]bool{
		"hub.example/registry": true, "registry": true, "hub.example:5000/a/b": true, "https://hub.example/x": false, "hub.example/x@sha256:0": false, "ada@hub.example/x": false,
		"hub.example/x?y": false, "hub.example/X": false, "hub.example/x:tag": false, "": false,
	} {
		if err := CheckRepository(repository); (err == nil) != want || err != nil && !errors.Is(err, errName) {
			t.Errorf("%q: %v", repository, err)
		}
	}
}

// TestMayTake: whose tag is refused, and that a bucket which gives no answer refuses it.
func TestMayTake(t *testing.T) {
	m := &layout.Manifest{Environment: "production"}
	broken := errors.New("broken")
	for _, c := range []struct {
		what, tag, live string
		fails           error
		back, tool      bool
		want            error
	}{
		{"live", "production", m.ID(), nil, false, false, nil}, {"older", "production", "other", nil, false, false, ErrOlder}, {"older, and wanted", "production", "other", nil, true, false, nil},
		{"another tag", "v1", "other", nil, false, false, nil}, {"the program alone", "production", "other", nil, false, true, nil}, {"no answer", "production", m.ID(), broken, false, false, broken},
	} {
		i := &Image{Manifest: m, back: c.back, live: func(context.Context) (string, error) { return c.live, c.fails }}
		if c.tool {
			i.Manifest = nil
		}
		if err := i.mayTake(t.Context(), c.tag); !errors.Is(err, c.want) || err != nil && c.want == nil {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

// TestPolicy: how patient a push is.
func TestPolicy(t *testing.T) {
	if pushRetries.Attempts != 6 || pushRetries.Pause != time.Second || pushRetries.MaxPause != 20*time.Second || pushRetries.Asked != time.Minute || pushJobs != 4 {
		t.Errorf("%+v, %d at once", pushRetries, pushJobs)
	}
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	if err := os.WriteFile(filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	repo, err := name.NewRepository("hub.example/x")
	if err != nil {
		t.Fatal(err)
	}
	h := &target{repo: repo, retries: retry.Policy{Attempts: 1}}
	if err := h.connect(t.Context(), nil, "test"); err == nil || !strings.Contains(err.Error(), "the login for hub.example could not be read") {
		t.Errorf("a login that cannot be read: %v", err)
	}
}
