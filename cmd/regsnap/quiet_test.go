package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/image/imagetest"
	"github.com/regsnap/regsnap/publish/store"
)

// phase is what a command says of a phase that is through, where there is no terminal.
var phase = regexp.MustCompile(`(?m)^\S.* of [0-9,]+ in [0-9.]+ s$`)

// TestQuiet: how far work is is said on standard error, but not with --quiet, nor with --json.
func TestQuiet(t *testing.T) {
	w := newTwoBuilds(t)
	registry := registryOf(t, w.bucket, "production")
	const in = " --bucket gs://b --env production "
	for _, command := range []string{
		"build --source git:$S --bucket gs://c --env production", "import --registry $R --max-rate 100000 --cache $T/cache --bucket gs://b --env staging",
		"verify" + in, "verify --bucket gs://b", "rollback --verify --dry-run" + in, "prune --bucket gs://b --keep-last 0 --keep-within 0s --grace 0s --retire production --config $T/other.yml", "mirror gs://b gs://c", "mirror --latest gs://b gs://c",
		"export --at /srv $T/www" + in, "export --latest --at /srv $T/www" + in, "image --binary linux/amd64=$T/program --layout $T/layout" + in, "check --max-rate 100000 --max-requests 20 --against $R" + in,
	} {
		for _, more := range []string{"", "--quiet", "-q", "--json"} {
			dir := t.TempDir()
			for name, text := range map[string]string{"other.yml": "environments:\n  other: {branches: [production]}\n", "program": string(imagetest.ELF(imagetest.AMD64, ""))} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o777); err != nil {
					t.Fatal(err)
				}
			}
			stores := map[string]store.Store{"gs://b": memoryStore(t, strings.TrimPrefix(w.bucket, "file://")), "gs://c": memoryStore(t, "")}
			line := strings.NewReplacer("$S", w.repo, "$R", registry, "$T", dir).Replace(command + " " + more)
			if got := inStores(t, stores, strings.Fields(line)...); got.code != 0 || phase.MatchString(got.errors) != (more == "") || phase.MatchString(got.out) {
				t.Errorf("%s: exit code %d\n%s", line, got.code, got.errors)
			}
		}
	}
}

// TestFaultyTag: a tag that cannot be read is said to be so, and ends a list of tags with exit
// code 7; it can be taken away, and prune deletes nothing while it is there.
func TestFaultyTag(t *testing.T) {
	w := newTwoBuilds(t)
	if got := speak(t, "tag", "--bucket", w.bucket, "--env", "production", "mine", w.first); got.code != 0 {
		t.Fatal(got)
	}
	s := memoryStore(t, strings.TrimPrefix(w.bucket, "file://"))
	damageIn(t, s, layout.TagsPrefix+"production/mine.json")
	for _, c := range []struct {
		command string
		code    int
		has     string
	}{
		{"tag --bucket gs://b", 7, "faulty, see below"}, {"tag --json --bucket gs://b", 7, `"fault": `}, {"prune --bucket gs://b", 7, "regsnap tag --delete mine --env production"}, {"prune --dry-run --bucket gs://b", 7, "nothing is deleted"},
		{"tag --dry-run --delete --bucket gs://b --env production mine", 0, "production: the tag mine, which cannot be read, would be deleted"}, {"tag --delete --bucket gs://b --env production mine", 0, "production: the tag mine, which cannot be read, is deleted"}, {"tag --bucket gs://b", 0, "no snapshot has a tag; regsnap tag --env NAME TAG makes one\n"},
	} {
		if got := inStores(t, map[string]store.Store{"gs://b": s}, strings.Fields(c.command)...); got.code != c.code || !strings.Contains(got.out+got.errors, c.has) {
			t.Errorf("%s: %+v, want %d, with %q", c.command, got, c.code, c.has)
		}
	}
}

// TestRecoverFlags: what recover does, and leaves, with each of its flags.
func TestRecoverFlags(t *testing.T) {
	w := newTwoBuilds(t)
	const recovers = "recover --bucket gs://b --env production "
	newer := func(t *testing.T, s store.Store) {
		body, token, err := s.Load(t.Context(), layout.PointerKey("production"))
		if err == nil {
			err = s.Swap(t.Context(), layout.PointerKey("production"), []byte(regexp.MustCompile(`"format": *\d+`).ReplaceAllString(string(body), `"format": 99`)), token)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	lost := func(t *testing.T, s store.Store) {
		if err := s.Delete(t.Context(), layout.PointerKey("production")); err != nil {
			t.Fatal(err)
		}
	}
	none := func(t *testing.T, s store.Store) {
		for _, id := range []string{w.first, w.second} {
			damageIn(t, s, layout.ManifestKey("production", id))
		}
		lost(t, s)
	}
	for _, c := range []struct {
		before  func(t *testing.T, s store.Store)
		flags   string
		code    int
		has     string
		changes bool
	}{
		{nil, "", 0, "the pointer is sound, " + w.second + " is live: nothing to recover\n", false}, {nil, "--yes", 0, "nothing to recover\n", false}, {nil, "--yes --start-over", 0, "nothing to recover\n", false}, {nil, "--yes previous", 0, "nothing to recover\n", false},
		{newer, "--yes", 12, "newer", false}, {newer, "--replace-newer", 0, "dry run: --yes makes " + w.second + " live\n", false}, {newer, "--yes --replace-newer", 0, "production " + w.second + " is live\n", true},
		{lost, "", 0, "dry run: --yes makes " + w.second + " live\n", false}, {lost, "--dry-run", 0, "dry run: --yes makes " + w.second + " live\n", false}, {lost, "-y", 0, "production " + w.second + " is live\n", true}, {lost, "--yes --json", 0, `"moved": {`, true}, {lost, "--snapshot " + w.first, 0, "dry run: --yes makes " + w.first + " live\n", false},
		{lost, "--yes " + w.first, 0, "production " + w.first + " is live\n", true}, {lost, "--yes --start-over", 0, "production " + w.second + " is live\n", true}, {lost, "--yes --dry-run", 2, "give one of them", false},
		{none, "--yes", 7, "regsnap", false}, {none, "--start-over", 0, "dry run: --yes gives up the snapshots of this environment\n", false}, {none, "--yes --start-over", 0, "the environment starts over", true}, {none, "--yes --start-over --json", 0, `"started_over": true`, true}, {none, "--start-over --json", 0, `"dry_run": true`, false},
	} {
		s := memoryStore(t, strings.TrimPrefix(w.bucket, "file://"))
		if c.before != nil {
			c.before(t, s)
		}
		before := storeText(t, s)
		got := inStores(t, map[string]store.Store{"gs://b": s}, strings.Fields(recovers+c.flags)...)
		if changes := storeText(t, s) != before; got.code != c.code || !strings.Contains(got.out+got.errors, c.has) || changes != c.changes {
			t.Errorf("%s: %+v, changed %v; want %d, with %q", c.flags, got, changes, c.code, c.has)
		}
	}
}
