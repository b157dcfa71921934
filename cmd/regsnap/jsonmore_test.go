package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/image/imagetest"
	"github.com/regsnap/regsnap/publish/store"
)

// unsaid are the properties that none of the results of TestJSON has, or only as 0 or false.
// Those of other packages are tested there.
const unsaid = `
add.from add.kept add.older add.pull_request audit-finding.merged_from audit.shallow branch-behind.commits branch-behind.why built-snapshot.diverged
check.late copied.present diff.pages difference.way environment-status.fault environment-status.waiting error.store event.previous
explained-entry.kept_policy_templates fault.missing image.pushed import.error import.errors import.read import.settings import.shard import.warnings
lint.specification lint.uncommitted live-in.earlier live-in.ended live-in.later live-in.until manifest-branch.hidden manifest-catalogue.render
manifest-catalogue.site manifest-package.hides manifest-package.page manifest-package.signed_by manifest-response.page manifest.catalogue
manifest.lists moved.diverged moved.held moved.unrecorded named-snapshot.before named-snapshot.fault next-branch.errors next-branch.warnings
period.earlier period.later pin.diverged pin.held pin.unrecorded pointer.previous preview.read preview.settings preview.shard promote.kept
promote.older prune-environment.expired prune.unknown prune.unknown_names publish.diverged publish.unrecorded pull-request.url read-branch.behind
recorded.fault recorded.late recorded.more recover.pinned slice-of.packages slice-query.versions state.cursor state.empty state.fault
store-failure.advice store-failure.detail store-failure.kind store-failure.place store-failure.problem unpin.diverged unpin.held unpin.unrecorded
version.commit
`

// moreJSON are calls whose results say what those of jsonCalls do not: what was refused,
// held, damaged, or done before. The bucket gs://b has two snapshots at first, and gs://c
// nothing.
func moreJSON(t *testing.T, hold func(call, what, text string)) {
	t.Helper()
	w := newTwoBuilds(t)
	w.git("config", "receive.denyCurrentBranch", "ignore")
	dir, demo := t.TempDir(), demoRepo(t)
	config := `
environments:
  production: {branches: [production], package_storage: v2, hostname: p.example}
  loose: {branches: [production], overwrite: always}
previews: {hostname: "*.pr.example", ttl: 1h}
`
	if err := os.WriteFile(filepath.Join(w.repo, "regsnap.yml"), []byte(config), 0o666); err != nil {
		t.Fatal(err)
	}
	w.git("add", "regsnap.yml")
	w.git("commit", "--quiet", "-m", "settings")
	w.git("branch", "settings")
	w.git("reset", "--quiet", "--hard", "HEAD~")
	for name, content := range map[string]string{"regsnap.yml": config, "few.yml": "responses: {max: 0}\nenvironments:\n  production: {branches: [production]}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "program"), imagetest.ELF(imagetest.AMD64, ""), 0o755); err != nil {
		t.Fatal(err)
	}
	stores := map[string]store.Store{"gs://b": memoryStore(t, strings.TrimPrefix(w.bucket, "file://")), "gs://c": memoryStore(t, ""), "gs://d": memoryStore(t, ""), "gs://e": memoryStore(t, "")}
	registry := registryOf(t, w.bucket, "production")
	const in = " --bucket gs://b --env production"
	damage := func(id, name string) {
		damageIn(t, stores["gs://b"], layout.SnapshotsPrefix+"production/"+id+"/"+name)
	}
	for _, c := range []struct {
		result string
		code   int
		args   string
		before func()
	}{
		{"build", 0, "build --source git:REPO --shard 1/1" + in, nil},
		{"build", 0, "build --config git:settings:regsnap.yml --source git:REPO" + in, nil},
		{"build", 0, "build --config DIR/regsnap.yml --source git:REPO --publish --env pr-7 --branches production --bucket gs://b", nil},
		{"build", 0, "build --config DIR/regsnap.yml --source git:REPO --publish --env loose --bucket gs://b", nil},
		{"status", 0, "status --config DIR/regsnap.yml --bucket gs://b", nil},
		{"history", 0, "history --config DIR/regsnap.yml --bucket gs://b --env pr-7", nil},
		{"", 8, "publish --v2 --config DIR/regsnap.yml" + in, func() { stores["gs://b"] = failingPuts{stores["gs://b"]} }},
		{"publish", 0, "publish --source git:REPO" + in + " live", func() { stores["gs://b"] = stores["gs://b"].(failingPuts).Store }},
		{"mirror", 0, "mirror --history 2 gs://b gs://c --env production", nil},
		{"mirror", 0, "mirror --latest gs://b gs://d --env production", nil},
		{"mirror", 0, "mirror --latest --dry-run gs://b gs://c --env production", nil},
		{"tag", 0, "tag --bucket gs://c --env production mine FIRST", nil},
		{"tag", 0, "tag" + in + " mine live", nil},
		{"mirror", 0, "mirror gs://b gs://c --env production", nil},
		{"inspect", 0, "inspect --bucket gs://d --env production", nil},
		{"export", 0, "export --at /srv DIR/www" + in, nil},
		{"export", 0, "export --at /srv DIR/www" + in, nil},
		{"export", 0, "export --at /srv --snapshot previous DIR/www" + in, nil},
		{"export", 0, "export --at /srv --latest DIR/www" + in, nil},
		{"image", 0, "image --binary linux/amd64=DIR/program --layout DIR/layout --latest" + in, nil},
		{"image", 0, "image --binary linux/amd64=DIR/program --layout DIR/layout --dry-run" + in, nil},
		{"edge", 0, "edge cloudflare --env production --r2 packages --out DIR/edge --dry-run", nil},
		{"init", 0, "init --dir DIR/init --bucket file:///b --domain example.org --ci none", nil},
		{"init", 0, "init --dir DIR/init --bucket file:///b --domain example.org --ci none", nil},
		{"import", 0, "import --registry REGISTRY --cache DIR/cache --max-rate 100000 --dry-run" + in, nil},
		{"check", 0, "check --against REGISTRY --host p.example --level exact --max-rate 100000 --max-requests 100 --resume DIR/state" + in, nil},
		{"check", 0, "check --against REGISTRY --host p.example --level exact --max-rate 100000 --max-requests 100 --resume DIR/state" + in, nil},
		{"status-watch", 0, "status --watch --max-rate 100000 --edge REGISTRY --host p.example" + in, nil},
		{"build", 0, "build --config DIR/few.yml --source git:DEMO --publish --bucket gs://e --env production", nil},
		{"check", 9, "check --against REGISTRY --level api --max-rate 100000 --max-requests 100 --bucket gs://e --env production", nil},
		{"inspect-request", 0, "inspect --bucket gs://e --env production /search?kibana.version=8.5.0&agent.version=8.5.0&all=true&prerelease=true", nil},
		{"inspect-request", 0, "inspect" + in + " /package/web/1.1.0", nil},
		{"preview", 0, "preview pr-9 --over production --path REPO/packages/web/1.1.0 --bucket gs://b --dry-run", nil},
		{"rollback", 0, "rollback --pin" + in, nil},
		{"publish", 0, "publish --source git:REPO" + in + " SECOND", nil},
		{"rollback", 0, "rollback" + in + " live", nil},
		{"unpin", 0, "unpin --dry-run" + in, nil},
		{"unpin", 0, "unpin" + in, nil},
		{"prune", 0, "prune --dry-run --retire pr-7 --bucket gs://b", func() {
			if err := stores["gs://b"].Swap(t.Context(), "foreign.txt", []byte("x"), ""); err != nil {
				t.Fatal(err)
			}
		}},
		{"verify", 7, "verify --dry-run --repair --source git:REPO" + in, func() { damage(w.first, "routes.json") }},
		{"verify", 0, "verify --repair --source git:REPO" + in, nil},
		{"history", 7, "history" + in, func() { damage(w.first, "manifest.json") }},
		{"recover", 0, "recover" + in, nil},
		{"recover", 0, "recover --yes" + in, nil},
		{"recover", 0, "recover --start-over" + in, func() { damage(w.second, "manifest.json") }},
		{"recover", 0, "recover --yes --start-over" + in, nil},
		{"promote", 0, "promote --source git:DEMO --from snapshot --to staging --latest --remove-older tcp_listener", nil},
		{"promote", 3, "promote --source git:DEMO --from staging --to production broken-1.0.0", func() {
			addToBranch(t, demo, t.TempDir(), "staging", map[string]string{"packages/broken/1.0.0/manifest.yml": "name: other\n"})
		}},
		{"add", 3, "add REPO/broken-1.0.0.zip --spec off --source git:DEMO --to staging", func() {
			if err := os.WriteFile(filepath.Join(w.repo, "broken-1.0.0.zip"), []byte("x"), 0o666); err != nil {
				t.Fatal(err)
			}
		}},
		{"lint", 3, "lint --spec off --source git:DEMO --branch staging --base snapshot --head staging", nil},
		{"build", 3, "build --dry-run --source git:DEMO --bucket gs://e --env staging", nil},
		{"preview", 3, "preview pr-9 --over production --path DIR/bad --bucket gs://e", func() {
			if err := os.MkdirAll(filepath.Join(dir, "bad/packages/bad/1.0.0"), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "bad/packages/bad/1.0.0/manifest.yml"), []byte("name: other\n"), 0o666); err != nil {
				t.Fatal(err)
			}
		}},
		{"lint", 0, "lint REPO/packages/web", nil},
	} {
		if c.before != nil {
			c.before()
		}
		args := strings.NewReplacer("REPO", w.repo, "DEMO", demo, "DIR", dir, "REGISTRY", registry, "SECOND", w.second, "FIRST", w.first).Replace(c.args)
		said := inStores(t, stores, append(strings.Fields(args), "--json")...)
		if said.code != c.code {
			t.Errorf("%s: exit code %d, want %d: %s%s", c.args, said.code, c.code, said.out, said.errors)
		} else if c.result != "" {
			hold(c.args, c.result, said.out)
		}
		if said.code != 0 {
			hold(c.args, "failure", said.errors[strings.Index(said.errors, "{"):]) // behind what was noticed on the way
		}
	}
}

// failingPuts is a store that takes nothing new.
type failingPuts struct{ store.Store }

func (f failingPuts) Capabilities() store.Capabilities { return store.CapabilitiesOf(f.Store) }

func (f failingPuts) Put(ctx context.Context, o layout.Object) error { return errors.New("no space") }
