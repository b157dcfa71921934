package main

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/internal/testtools"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/image/imagetest"
	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/publish/store/storetest"
)

// inStores runs a command whose buckets are in stores, by their URLs.
func inStores(t *testing.T, stores map[string]store.Store, args ...string) spoken {
	t.Helper()
	ctx := context.WithValue(t.Context(), opening{}, func(url string) (*publish.Bucket, error) {
		if stores[url] == nil {
			return publish.Open(t.Context(), url)
		}
		return publish.In(unclosed{stores[url]}), nil
	})
	var out, errs bytes.Buffer
	code := run(ctx, append([]string{"regsnap"}, args...), &out, &errs)
	return spoken{code, out.String(), errs.String()}
}

// unclosed is a store that several commands use, one after the other.
type unclosed struct{ store.Store }

func (unclosed) Close() error { return nil }

func (s unclosed) Capabilities() store.Capabilities { return store.CapabilitiesOf(s.Store) }

// memoryStore is a store in memory; it has what is in a folder, if one is given.
func memoryStore(t *testing.T, dir string) store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), "mem://", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if dir == "" {
		return s
	}
	err = fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(name, "~") {
			return err
		}
		body, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		return s.Swap(t.Context(), name, body, "")
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// failing is a command that is run with each call of a store failing.
type failing struct {
	command string
	code    int    // when nothing fails
	damaged string // the object of the live snapshot that is damaged, if one is
}

// TestFails: whatever call of a store fails, a command says so, or what it says is the same.
// The first bucket of a command has two snapshots, and "gs://c" is empty; of mirror the calls
// of either fail.
func TestFails(t *testing.T) {
	w := newTwoBuilds(t)
	for _, args := range [][]string{{"tag", "--by", "Ada", "mine", w.first}, {"pin", "--by", "Ada"}} {
		if got := speak(t, append([]string{args[0], "--bucket", w.bucket, "--env", "production"}, args[1:]...)...); got.code != 0 {
			t.Fatal(got)
		}
	}
	config := filepath.Join(t.TempDir(), "regsnap.yml")
	if err := os.WriteFile(config, []byte("environments:\n  production:\n    branches: [production]\n    package_storage: v2\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	registry := registryOf(t, w.bucket, "production")
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, imagetest.ELF(imagetest.AMD64, ""), 0o755); err != nil {
		t.Fatal(err)
	}
	const in = " --bucket gs://b --env production"
	for i, c := range []failing{
		{"status --bucket gs://b", 0, ""}, {"status --json --config $C --bucket gs://b", 0, ""}, {"status --bucket gs://b web", 0, ""}, {"history" + in, 0, ""}, {"history --json" + in, 0, ""},
		{"find --bucket gs://b web", 0, ""}, {"find --json --bucket gs://b web-1.0.0", 0, ""}, {"find --bucket gs://b none", 2, ""},
		{"diff" + in + " previous live", 0, ""}, {"diff" + in + " mine production", 0, ""}, {"diff --urls" + in + " previous live", 0, ""},
		{"inspect" + in, 0, ""}, {"inspect" + in + " /search", 0, ""}, {"inspect --json" + in + " --snapshot mine", 0, ""}, {"inspect" + in + " --snapshot mine /package/web/1.0.0/docs/README.md", 0, ""},
		{"verify --quiet" + in, 0, ""}, {"verify --json --bucket gs://b", 0, ""}, {"verify --quiet --deep --source git:$S" + in, 0, ""}, {"verify --quiet --repair --source git:$S" + in, 0, "routes.json"}, {"verify --quiet --repair --source git:$S" + in, 0, "manifest.json"}, {"verify --quiet --repair --source git:$S --bucket gs://b", 0, "routes.json"},
		{"tag --bucket gs://b", 0, ""}, {"tag --dry-run" + in + " --force mine live", 0, ""}, {"tag" + in + " other previous", 0, ""}, {"tag --delete --json" + in + " mine", 0, ""}, {"tag --delete" + in + " nine", 2, ""},
		{"publish --dry-run" + in + " live", 0, ""}, {"publish --json" + in + " live", 0, ""}, {"publish --v2 --config $C" + in, 0, ""}, {"publish --allow-older" + in + " previous", 0, ""},
		{"rollback" + in, 0, ""}, {"rollback --json --config $C" + in, 0, ""}, {"rollback --verify --dry-run" + in, 0, ""}, {"pin --json" + in, 0, ""}, {"unpin --by Ada" + in, 0, ""}, {"unpin --dry-run" + in, 0, ""},
		{"recover" + in, 0, ""}, {"recover --yes" + in + " previous", 0, ""}, {"recover --yes --json --start-over" + in, 0, "manifest.json"},
		{"prune --quiet --bucket gs://b --keep-last 0 --keep-within 0s --grace 0s", 0, ""}, {"prune --dry-run --bucket gs://b", 0, ""}, {"prune --json --bucket gs://b", 0, ""},
		{"build --quiet --publish --source git:$S" + in, 0, ""}, {"build --json --source git:$S --bucket gs://b --env pr --branches production", 0, ""}, {"build --quiet --dry-run --source git:$S" + in, 0, ""}, {"build --quiet --source git:$S --shard 1/1" + in, 0, ""},
		{"mirror --quiet --history 1 gs://b gs://c", 0, ""}, {"mirror --json --v2 gs://b gs://c", 0, ""}, {"mirror --quiet --dry-run gs://b gs://c", 0, ""}, {"mirror --quiet --latest gs://b gs://c", 0, ""}, {"mirror --quiet --history 1 gs://c gs://b", 0, ""},
		{"export --quiet --at /srv $T/e" + in, 0, ""}, {"export --json --dry-run --at /srv $T/e" + in, 0, ""}, {"preview pr --over production --quiet --path $S/packages/web/1.1.0 --bucket gs://b", 0, ""},
		{"image --quiet --binary linux/amd64=$P --tarball $T/i.tar" + in, 0, ""}, {"check --quiet --max-rate 100000 --max-requests 20 --against $R" + in, 0, ""}, {"status --watch --timeout 0s --max-rate 100000 --edge $R" + in, 0, ""},
		{"import --quiet --registry $R --max-rate 100000 --cache $T --bucket gs://b --env production", 0, ""},
	} {
		t.Run(strings.Fields(c.command)[0], func(t *testing.T) {
			every := 1
			if strings.ContainsAny(c.command, "SPRT") { // these take longer
				every = testtools.Choose(6, 1)
			}
			var whole spoken
			for at := 0; ; at += every {
				if at == every && every > 1 {
					at -= i % every
				}
				temp := t.TempDir()
				f := storetest.FailAt(memoryStore(t, strings.TrimPrefix(w.bucket, "file://")), at)
				stores := map[string]store.Store{"gs://b": f, "gs://c": memoryStore(t, "")}
				if strings.HasSuffix(c.command, " gs://c gs://b") {
					f.Store, stores["gs://c"] = stores["gs://c"], f.Store
				}
				if c.damaged != "" {
					damageIn(t, f.Store, layout.SnapshotsPrefix+"production/"+w.second+"/"+c.damaged)
					if c.code = 0; strings.Contains(c.command, "--start-over") {
						damageIn(t, f.Store, layout.SnapshotsPrefix+"production/"+w.first+"/"+c.damaged)
					}
				}
				words := strings.NewReplacer("$S", w.repo, "$T", temp, "$C", config, "$P", program, "$R", registry).Replace(c.command)
				got := inStores(t, stores, strings.Fields(words)...)
				for _, text := range []*string{&got.out, &got.errors} {
					*text = amount.ReplaceAllString(timeOfDay.ReplaceAllString(moment.ReplaceAllString(strings.ReplaceAll(*text, temp, "TEMP"), "TIME"), "TIME"), "N")
				}
				if at == 0 {
					if whole = got; got.code != c.code {
						t.Fatalf("%s: %+v", c.command, got)
					}
					continue
				}
				if f.Failed() == "" {
					break
				}
				if strings.HasPrefix(f.Failed(), "delete "+layout.LeasesPrefix) && got.code == c.code {
					t.Errorf("%s: %s: exit code %d", c.command, f.Failed(), got.code) // the next one would have to wait
				}
				if got != whole && !strings.Contains(got.out+got.errors, storetest.ErrFailed.Error()) && !strings.Contains(got.out, "cannot be compared: ") {
					t.Errorf("%s: %s: %+v\nwant %+v", c.command, f.Failed(), got, whole)
				}
			}
		})
	}
}

// timeOfDay is the time of day in what a command says.
var timeOfDay = regexp.MustCompile(`\d\d:\d\d:\d\d UTC`)

// damageIn cuts an object short.
func damageIn(t *testing.T, s store.Store, key string) {
	t.Helper()
	body, token, err := s.Load(t.Context(), key)
	if err == nil {
		err = s.Swap(t.Context(), key, body[:len(body)/2], token)
	}
	if err != nil {
		t.Fatal(err)
	}
}
