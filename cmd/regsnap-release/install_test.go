//go:build conformance

package main

import (
	"archive/zip"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// TestConformanceInstalled installs the program as users do, by go install of a version. The
// module comes from a proxy that is a folder, what it needs from the machine's cache.
func TestConformanceInstalled(t *testing.T) {
	const module = "github.com/regsnap/regsnap"
	cache := strings.TrimSpace(goEnv(t, "GOMODCACHE"))
	own, proxy, bin := t.TempDir(), t.TempDir(), t.TempDir()
	linkAllBut(t, cache, own, module, filepath.Join("cache", "download", module))
	versions := filepath.Join(proxy, module, "@v")
	if err := os.MkdirAll(versions, 0o777); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"v1.2.3.mod": string(mod), "v1.2.3.info": `{"Version": "v1.2.3"}`, "list": "v1.2.3\n"} {
		if err := os.WriteFile(filepath.Join(versions, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	packModule(t, filepath.Join(versions, "v1.2.3.zip"), module+"@v1.2.3")
	env := []string{
		"GOPROXY=file://" + proxy + ",file://" + filepath.Join(cache, "cache", "download"), "GOSUMDB=off", "GOFLAGS=-modcacherw -trimpath",
		"GOMODCACHE=" + own, "GOBIN=" + bin, "CGO_ENABLED=0",
	}
	if _, err := output(t.Context(), t.TempDir(), env, "go", "install", module+"/cmd/regsnap@v1.2.3"); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(bin, "regsnap")
	says, err := exec.Command(program, "version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(says), "regsnap v1.2.3\n") {
		t.Errorf("version: %v\n%s", err, says)
	}
	for pin, works := range map[string]bool{"v1.2.3": true, "v1.2.4": false, "main": false} {
		config := filepath.Join(t.TempDir(), "regsnap.yml")
		text := "environments:\n  production:\n    branches: [production]\n    regsnap: " + pin + "\n"
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(program, "build", "--config", config, "--source", "dir:../../testdata/storage", "--bucket", "file://"+t.TempDir()).CombinedOutput()
		if (err == nil) != works || !works && !strings.Contains(string(out), "pinned to regsnap "+pin+", this is v1.2.3") {
			t.Errorf("an environment that is pinned to %s: %v\n%s", pin, err, out)
		}
	}
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// linkAllBut makes a module cache of links to what another one has, without some
// folders. The go command reads what is linked and writes what is not there.
func linkAllBut(t *testing.T, from, to string, without ...string) {
	t.Helper()
	open := map[string]bool{"": true} // folders that are made, not linked
	for _, folder := range without {
		for parent := filepath.Dir(folder); parent != "."; parent = filepath.Dir(parent) {
			open[parent] = true
		}
		open[folder] = true
	}
	for folder := range open {
		if err := os.MkdirAll(filepath.Join(to, folder), 0o777); err != nil {
			t.Fatal(err)
		}
		entries, err := os.ReadDir(filepath.Join(from, folder))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			name := filepath.Join(folder, e.Name())
			hidden := false
			for _, w := range without {
				hidden = hidden || strings.HasPrefix(name, w)
			}
			if open[name] || hidden || e.Name() == "lock" {
				continue
			}
			if err := os.Symlink(filepath.Join(from, name), filepath.Join(to, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// packModule writes the module as a proxy serves it: what git has or would add,
// without folders that are modules of their own.
// Source: https://go.dev/ref/mod#zip-files
func packModule(t *testing.T, to, prefix string) {
	t.Helper()
	list, err := output(t.Context(), "../..", nil, "git", "ls-files", "--cached", "--others", "--exclude-standard")
	if err != nil {
		t.Fatal(err)
	}
	names := strings.Split(strings.TrimSpace(string(list)), "\n")
	nested := map[string]bool{}
	for _, name := range names {
		if path.Base(name) == "go.mod" && name != "go.mod" {
			nested[path.Dir(name)] = true
		}
	}
	f, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	for _, name := range names {
		inNested := false
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			inNested = inNested || nested[dir]
		}
		from, err := os.Open(filepath.Join("../..", name))
		if inNested || os.IsNotExist(err) { // removed, and not yet committed
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		w, err := z.Create(prefix + "/" + name)
		if err == nil {
			_, err = io.Copy(w, from)
		}
		from.Close()
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
