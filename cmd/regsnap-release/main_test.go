package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"debug/elf"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/build/sign"
)

const keys = "../../build/sign/testdata/"

// standIn is a small program in place of regsnap, which takes minutes to build for
// a platform that it was not built for before.
const standIn = "./cmd/regsnap-release/testdata/program"

// made is a signed release for one platform.
func made(t *testing.T, out string) map[string][]byte {
	t.Helper()
	t.Setenv("RELEASE_KEY", keys+"ed25519.key")
	t.Setenv(passphraseVariable, "open sesame")
	var log bytes.Buffer
	if err := run(t.Context(), []string{"-version", "v1.2.3", "-module", "../..", "-package", standIn, "-out", out, "-platforms", "linux/amd64"}, &log); err != nil {
		t.Fatalf("%v\n%s", err, log.Bytes())
	}
	entries, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(out, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// TestRelease makes the same release twice, in different folders, and uses it.
func TestRelease(t *testing.T) {
	out := filepath.Join(t.TempDir(), "first")
	files := made(t, out)
	again := made(t, filepath.Join(t.TempDir(), "a", "second"))
	for name, content := range files {
		if !bytes.Equal(content, again[name]) {
			t.Errorf("%s has other bytes the second time", name)
		}
	}
	want := []string{
		"SHA256SUMS", "SHA256SUMS.asc", "regsnap_1.2.3_image.tar", "regsnap_1.2.3_linux_amd64.cdx.json",
		"regsnap_1.2.3_linux_amd64.deb", "regsnap_1.2.3_linux_amd64.rpm", "regsnap_1.2.3_linux_amd64.tar.gz",
	}
	if got := sortedNames(files); !slices.Equal(got, want) || len(again) != len(files) {
		t.Errorf("the release has %q, want %q", got, want)
	}
	check := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
	check.Dir = out
	if text, err := check.CombinedOutput(); err != nil || strings.Count(string(text), ": OK") != len(want)-2 {
		t.Errorf("sha256sum: %v\n%s", err, text)
	}
	checkSignature(t, files["SHA256SUMS"], files["SHA256SUMS.asc"])
	checkMaterials(t, files["regsnap_1.2.3_linux_amd64.cdx.json"])
	checkArchive(t, files["regsnap_1.2.3_linux_amd64.tar.gz"])
	checkDebian(t, filepath.Join(out, "regsnap_1.2.3_linux_amd64.deb"))
	checkImage(t, files["regsnap_1.2.3_image.tar"])
}

func sortedNames(files map[string][]byte) (names []string) {
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func checkSignature(t *testing.T, sums, signature []byte) {
	t.Helper()
	public, err := os.ReadFile(keys + "ed25519.pub")
	if err != nil {
		t.Fatal(err)
	}
	ring, err := sign.LoadRing(public)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ring.Verify(bytes.NewReader(sums), signature); err != nil {
		t.Errorf("the signature: %v", err)
	}
}

// checkMaterials holds the list to what go list says is linked.
func checkMaterials(t *testing.T, text []byte) {
	t.Helper()
	var list bill
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	out, err := output(t.Context(), "../..", []string{"CGO_ENABLED=0"}, "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}@{{.Version}}{{end}}{{end}}", standIn)
	if err != nil {
		t.Fatal(err)
	}
	linked := strings.Fields(string(out))
	slices.Sort(linked)
	linked = slices.Compact(linked)
	var listed []string
	for _, c := range list.Components {
		if c.Type == "library" {
			listed = append(listed, c.Name+"@"+c.Version)
			if len(c.Hashes) != 1 || len(c.Hashes[0].Content) != 64 {
				t.Errorf("%s has the hashes %v", c.Name, c.Hashes)
			}
		}
	}
	slices.Sort(listed)
	if !slices.Equal(listed, linked) || list.Metadata.Component.Version != "v1.2.3" || list.Format != "CycloneDX" {
		t.Errorf("the bill of materials lists %d modules of %s, %d are linked", len(listed), list.Metadata.Component.Version, len(linked))
	}
}

// checkArchive unpacks the archive and runs what is in it.
func checkArchive(t *testing.T, archive []byte) {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	files := untar(t, z)
	const root = "regsnap_1.2.3_linux_amd64/"
	for _, name := range []string{"LICENSE", "NOTICE", "README.md", "CHANGELOG.md", "man/man1/regsnap.1", "man/man1/regsnap-build.1", "completions/regsnap.bash", "completions/_regsnap", "completions/regsnap.fish"} {
		if len(files[root+name]) == 0 {
			t.Errorf("the archive has no %s", name)
		}
	}
	program := filepath.Join(t.TempDir(), "regsnap")
	if err := os.WriteFile(program, files[root+"regsnap"], 0o755); err != nil {
		t.Fatal(err)
	}
	says, err := exec.Command(program, "version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(says), "regsnap v1.2.3") {
		t.Errorf("version: %v\n%s", err, says)
	}
	f, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if libraries, err := f.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("the program needs %v (%v)", libraries, err)
	}
}

func untar(t *testing.T, r io.Reader) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[h.Name], err = io.ReadAll(tr); err != nil {
			t.Fatal(err)
		}
	}
}

// checkDebian lets dpkg unpack the package, where it is: a release is made on any system.
func checkDebian(t *testing.T, file string) {
	t.Helper()
	dpkg, err := exec.LookPath("dpkg-deb")
	if err != nil {
		return
	}
	root := t.TempDir()
	if out, err := exec.Command(dpkg, "--extract", file, root).CombinedOutput(); err != nil {
		t.Fatalf("dpkg-deb: %v\n%s", err, out)
	}
	for _, name := range []string{"usr/share/man/man1/regsnap.1", "usr/share/doc/regsnap/copyright", "usr/share/bash-completion/completions/regsnap"} {
		if _, err := os.Stat(filepath.Join(root, name)); err != nil {
			t.Error(err)
		}
	}
	says, err := exec.Command(filepath.Join(root, "usr/bin/regsnap"), "version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(says), "regsnap v1.2.3") {
		t.Errorf("version: %v\n%s", err, says)
	}
}

func checkImage(t *testing.T, archive []byte) {
	t.Helper()
	files := untar(t, bytes.NewReader(archive))
	var index struct {
		Manifests []struct {
			Digest      string            `json:"digest"`
			Annotations map[string]string `json:"annotations"`
		} `json:"manifests"`
	}
	if err := json.Unmarshal(files["index.json"], &index); err != nil || len(index.Manifests) != 1 {
		t.Fatalf("index.json: %v\n%s", err, files["index.json"])
	}
	m := index.Manifests[0]
	if m.Annotations["org.opencontainers.image.ref.name"] != "v1.2.3" || files["blobs/sha256/"+strings.TrimPrefix(m.Digest, "sha256:")] == nil {
		t.Errorf("index.json: %s", files["index.json"])
	}
	if string(files["oci-layout"]) == "" {
		t.Error("there is no oci-layout")
	}
}

func TestReleaseRefuses(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "kept"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{}, {"-version", "1.2.3"}, {"-version", "v1.2"}, {"-version", "v1.2.3; rm"}, {"-version", "v1.2.3", "-out", full},
		{"-version", "v1.2.3", "-module", "../..", "-package", standIn, "-out", filepath.Join(t.TempDir(), "new"), "-platforms", "plan9"},
	} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
}
