package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/internal/released"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
)

// Every command that reads an object says the same of it, whatever is wrong with
// it: damaged, or written by a newer regsnap.
func TestCommandsAgreeAboutDamage(t *testing.T) {
	whole, storage := t.TempDir(), t.TempDir()
	exec := func(args ...string) (int, string) {
		var out bytes.Buffer
		code := run(t.Context(), append([]string{"regsnap"}, args...), &out, &out)
		return code, out.String()
	}
	var published []*layout.Manifest
	for _, version := range []string{"1.0.0", "1.1.0"} {
		manifest := "format_version: 1.0.0\nname: demo\ntitle: Demo\nversion: " + version + "\ndescription: D\nowner.github: acme/demo\n"
		for file, text := range map[string]string{"manifest.yml": manifest, "docs/README.md": "# demo\n"} {
			file = filepath.Join(storage, "packages/demo", version, file)
			if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if code, text := exec("build", "--quiet", "--publish", "--source", "dir:production="+storage, "--env", "production", "--bucket", "file://"+whole); code != 0 {
			t.Fatal(text)
		}
		published = append(published, liveManifest(t, whole))
	}
	old, live := published[0], published[1]
	p := live.Packages[1]
	const of = " --bucket $B --env production "
	var (
		verify, inspect, mirror = "verify --quiet" + of, "inspect" + of, "mirror --quiet --env production $B $T"
		search, file            = "inspect" + of + "/search", "inspect" + of + "/package/demo/1.1.0/docs/README.md"
		status, history         = "status --bucket $B", "history" + of
		prune, dry              = "prune --bucket $B", "prune --dry-run --bucket $B"
		build                   = "build --quiet --publish --source dir:production=" + storage + of
		publishes, rollback     = "publish" + of + old.ID(), "rollback" + of
		diff, pin               = "diff" + of + old.ID() + " " + live.ID(), "pin" + of
		find                    = "find --bucket $B demo-1.1.0"
		findNone                = "find --bucket $B none-1.1.0"
		older                   = "verify --quiet" + of + old.ID()
	)
	for _, object := range []struct {
		key      string
		commands []string
	}{
		{layout.PointerKey("production"), []string{verify, inspect, search, file, mirror, status, history, prune, dry, build, publishes, rollback, pin}},
		{layout.ManifestKey("production", live.ID()), []string{verify, inspect, search, file, mirror, status, history, prune, dry, build, publishes, diff, find, findNone}},
		{layout.ManifestKey("production", old.ID()), []string{older, history, prune, dry, publishes, rollback, diff}},
		{layout.RoutesKey("production", live.ID()), []string{verify, search, file, mirror, build, diff}},
		{layout.RoutesKey("production", old.ID()), []string{older, publishes, rollback, diff}},
		{layout.Revision{Name: p.Name, Version: p.Version, ID: p.Revision}.ContentsKey(), []string{verify, file, mirror, diff}},
	} {
		body, err := os.ReadFile(filepath.Join(whole, object.key))
		if err != nil {
			t.Fatal(err)
		}
		for what, damaged := range damages(object.key, string(body)) {
			want := exitDamaged
			if strings.HasPrefix(what, "newer") {
				want = exitNewer
			}
			commands := object.commands
			if what == "oversize" && len(damaged) > 1<<20 { // writing it takes long
				commands = commands[:1]
			}
			for i, command := range commands {
				t.Run(fmt.Sprintf("%s/%s/%s %d", object.key, what, strings.Fields(command)[0], i), func(t *testing.T) {
					dir := copyOf(t, whole)
					if err := os.WriteFile(filepath.Join(dir, object.key), []byte(damaged), 0o666); err != nil {
						t.Fatal(err)
					}
					line := strings.NewReplacer("$B", "file://"+dir, "$T", "file://"+t.TempDir()).Replace(command)
					if code, text := exec(strings.Fields(line)...); code != want {
						t.Errorf("%s: exit code %d, want %d: %s", line, code, want, text)
					}
				})
			}
		}
	}
}

// damages are the ways in which an object that has a format can be wrong.
func damages(key, text string) map[string]string {
	format := text[strings.Index(text, `"format":`):strings.Index(text, ",")]
	return map[string]string{
		"a flipped byte":   text[:len(text)/2] + string(text[len(text)/2]^1) + text[len(text)/2+1:],
		"a space":          strings.Replace(text, ",", ", ", 1),
		"cut short":        text[:len(text)/2],
		"longer":           text + "x",
		"empty":            "",
		"another's":        strings.ReplaceAll(strings.ReplaceAll(text, `"production"`, `"staging"`), `"demo"`, `"other"`),
		"an unknown field": strings.Replace(text, format, format+`,"extra":1`, 1),
		"oversize":         text + strings.Repeat(" ", int(min(layout.MaxSize(key), 65<<20))),
		"newer":            strings.Replace(text, format, `"format":9`, 1),
		"newer, cut short": strings.Replace(text, format, `"format":9`, 1)[:len(text)/2],
	}
}

// So it is with the lists of a manifest, where these are objects of their own.
func TestCommandsAgreeAboutLists(t *testing.T) {
	whole, storage, config := released.Bucket(t, "2"), released.Storage(t), filepath.Join(t.TempDir(), "regsnap.yml")
	if err := os.WriteFile(config, []byte(releasedConfig), 0o666); err != nil {
		t.Fatal(err)
	}
	live := liveManifest(t, whole)
	if len(live.Lists) != 2 {
		t.Fatalf("%d lists, want one of packages and one of searches", len(live.Lists))
	}
	const of = " --bucket $B --env production"
	for i, l := range live.Lists {
		key := l.Keys()[0]
		body, err := os.ReadFile(filepath.Join(whole, key))
		if err != nil {
			t.Fatal(err)
		}
		other, err := os.ReadFile(filepath.Join(whole, live.Lists[1-i].Keys()[0]))
		if err != nil {
			t.Fatal(err)
		}
		flipped := bytes.Clone(body)
		flipped[len(flipped)/2] ^= 1
		for what, damaged := range map[string][]byte{
			"missing": nil, "empty": {}, "cut short": body[:len(body)-1], "longer": append(bytes.Clone(body), 0), "a flipped bit": flipped, "another list": other,
		} {
			for n, command := range []string{
				"verify --quiet" + of, "inspect" + of, "diff live previous" + of, "mirror --quiet --env production $B $T", "prune --bucket $B", "prune --dry-run --bucket $B",
				"build --quiet --config $C --source git:$S --bucket $B", "export --quiet $D" + of,
			} {
				t.Run(fmt.Sprintf("%d/%s/%s %d", i, what, strings.Fields(command)[0], n), func(t *testing.T) {
					dir := copyOf(t, whole)
					file := filepath.Join(dir, key)
					err := os.WriteFile(file, damaged, 0o666)
					if damaged == nil {
						err = os.Remove(file)
					}
					if err != nil {
						t.Fatal(err)
					}
					line := strings.NewReplacer("$B", "file://"+dir, "$C", config, "$S", storage, "$T", "file://"+t.TempDir(), "$D", t.TempDir()).Replace(command)
					var out bytes.Buffer
					if code := run(t.Context(), append([]string{"regsnap"}, strings.Fields(line)...), &out, &out); code != exitDamaged || !strings.Contains(out.String(), key) {
						t.Errorf("%s: exit code %d, want %d and %s named: %s", line, code, exitDamaged, key, &out)
					}
				})
			}
		}
	}
}

// Lists that are lost are made again from the source, with what else was damaged.
func TestRepairLists(t *testing.T) {
	dir, storage, config := released.Bucket(t, "2"), released.Storage(t), filepath.Join(t.TempDir(), "regsnap.yml")
	if err := os.WriteFile(config, []byte(releasedConfig), 0o666); err != nil {
		t.Fatal(err)
	}
	live := liveManifest(t, dir)
	lost := []string{live.Lists[0].Keys()[0], live.Responses[0].Keys()[0], layout.RoutesKey("production", live.ID())}
	for _, key := range lost {
		if err := os.Remove(filepath.Join(dir, key)); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	code := run(t.Context(), []string{"regsnap", "verify", "--env", "production", "--repair", "--quiet", "--config", config, "--source", "git:" + storage, "--bucket", "file://" + dir}, &out, &out)
	if code != 0 || !strings.Contains(out.String(), "sound") {
		t.Errorf("exit code %d: %s", code, &out)
	}
	for _, key := range lost {
		if _, err := os.Stat(filepath.Join(dir, key)); err != nil {
			t.Error(err)
		}
	}
}

// A lease says that a writer is at work, whatever it looks like.
func TestDamagedLease(t *testing.T) {
	for what, text := range damages(layout.PruneLockKey, string(layout.Lease{Format: layout.LeaseFormat, Purpose: "build"}.Encode())) {
		for _, key := range []string{layout.PruneLockKey, layout.LeaseKey("0123456789abcdef")} {
			dir := t.TempDir()
			if err := os.MkdirAll(filepath.Join(dir, layout.LeasesPrefix), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, key), []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if code := run(t.Context(), []string{"regsnap", "prune", "--bucket", "file://" + dir}, &out, &out); code != exitBusy {
				t.Errorf("%s, %s: exit code %d, want %d: %s", key, what, code, exitBusy, &out)
			}
		}
	}
}

// Status shows the environments that are whole beside one that is not.
func TestStatusOfDamage(t *testing.T) {
	dir := released.Bucket(t, released.Formats(t)[0])
	if err := os.WriteFile(filepath.Join(dir, layout.PointerKey("production")), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"regsnap", "status", "--bucket", "file://" + dir}, &stdout, &stderr)
	live := liveOf(t, dir, "staging").Snapshot
	if code != exitDamaged || !strings.Contains(stdout.String(), live) || !strings.Contains(stderr.String(), "production") {
		t.Errorf("exit code %d: %s%s", code, &stdout, &stderr)
	}
}

func liveManifest(t *testing.T, dir string) *layout.Manifest {
	t.Helper()
	b, err := publish.Open(t.Context(), "file://"+dir)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	m, err := b.Live(t.Context(), "production")
	if err != nil {
		t.Fatal(err)
	}
	return m
}
