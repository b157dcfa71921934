package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// twoBuilds is a repository with two commits of its production branch, and a bucket with the
// snapshot of each.
type twoBuilds struct {
	t             *testing.T
	repo, bucket  string
	first, second string
}

func newTwoBuilds(t *testing.T) *twoBuilds {
	t.Helper()
	w := &twoBuilds{t: t, repo: filepath.Join(t.TempDir(), "repo"), bucket: "file://" + filepath.ToSlash(t.TempDir())}
	if err := os.Mkdir(w.repo, 0o777); err != nil {
		t.Fatal(err)
	}
	w.git("init", "--quiet", "--initial-branch", "production")
	w.add("web", "1.0.0", "2024-05-06T07:08:09Z")
	w.first = w.build()
	w.add("web", "1.1.0", "2024-05-07T07:08:09Z")
	w.second = w.build()
	return w
}

func (w *twoBuilds) git(args ...string) {
	w.t.Helper()
	if out, err := gitCommand(w.repo, args...).CombinedOutput(); err != nil {
		w.t.Fatalf("git %q: %v\n%s", args, err, out)
	}
}

// add commits a package version.
func (w *twoBuilds) add(name, version, date string) {
	w.t.Helper()
	dir := filepath.Join(w.repo, "packages", name, version)
	manifest := "{format_version: 1.0.0, name: " + name + ", title: Web, version: " + version + ", description: " + strings.Repeat("serves ", 200) + ", type: integration, owner: {github: acme/web}}\n"
	if err := os.MkdirAll(filepath.Join(dir, "docs"), 0o777); err != nil {
		w.t.Fatal(err)
	}
	for file, text := range map[string]string{"manifest.yml": manifest, "docs/README.md": "# Web\n"} {
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(file)), []byte(text), 0o666); err != nil {
			w.t.Fatal(err)
		}
	}
	w.git("add", "--all")
	cmd := gitCommand(w.repo, "commit", "--quiet", "-m", "add "+version)
	cmd.Env = append(cmd.Env, "GIT_AUTHOR_DATE="+date, "GIT_COMMITTER_DATE="+date)
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Fatalf("%v\n%s", err, out)
	}
}

// build publishes what the branch has, and gives the snapshot's id.
func (w *twoBuilds) build() string {
	w.t.Helper()
	got := speak(w.t, "build", "--quiet", "--source", "git:"+w.repo, "--bucket", w.bucket, "--env", "production", "--publish", "--by", "Ada")
	if got.code != 0 {
		w.t.Fatal(got)
	}
	return strings.TrimSpace(strings.TrimPrefix(got.out, "production "))
}

var (
	moment = regexp.MustCompile(`20\d\d-\d\d-\d\d \d\d:\d\d(?: UTC|:\d\d)`)
	amount = regexp.MustCompile(`\d+ objects, [0-9.]+ k?B|[0-9.]+ k?B|\d+ bytes, want \d+|\d+ (?:classes|like it|distinct|responses)`)
	hash   = regexp.MustCompile(`\b(?:[0-9a-f]{12}|[0-9a-f]{20}|[0-9a-f]{32})\b`)
)

// says runs a command on the bucket's production, and compares what it says, on both
// outputs, with its snapshots by name.
func (w *twoBuilds) says(code int, want string, args ...string) {
	w.t.Helper()
	got := speak(w.t, append([]string{args[0], "--quiet", "--bucket", w.bucket, "--env", "production"}, args[1:]...)...)
	text := strings.NewReplacer(w.first, "FIRST", w.second, "SECOND", "git:"+w.repo, "git:REPO").Replace(got.out + got.errors)
	text = hash.ReplaceAllString(amount.ReplaceAllString(moment.ReplaceAllString(text, "TIME"), "N"), "HASH")
	if got.code != code || text != strings.TrimPrefix(want, "\n") {
		w.t.Errorf("regsnap %q: exit code %d, want %d\n%s\nwant\n%s", args, got.code, code, text, want)
	}
}

// damage adds a byte to an object of a snapshot.
func (w *twoBuilds) damage(name, id string) {
	w.t.Helper()
	file := filepath.Join(filepath.FromSlash(strings.TrimPrefix(w.bucket, "file://")), "snapshots", "production", id, name)
	body, err := os.ReadFile(file)
	if err == nil {
		err = os.Remove(file) // which may have other names
	}
	if err == nil {
		err = os.WriteFile(file, append(body, '\n'), 0o666)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestOperating follows an environment through what operators do with it.
func TestOperating(t *testing.T) {
	w := newTwoBuilds(t)
	w.says(0, `
production SECOND (live), built by regsnap main
branch production  HASH          2 packages
                   TIME  Ada Author  add 1.1.0
2 package versions, N (N, N encoded), routes N
N of queries have N answers, all rendered ahead
`, "inspect")
	w.says(0, `
snapshot       SECOND
status         200 OK
content type   application/json
cache control  max-age=600, public
object         responses/HASH.json.gz (rendered ahead)
entries        1 package version
  + web  1.1.0
`, "inspect", "/search")
	w.says(0, `
snapshot       SECOND
status         200 OK
content type   application/json
cache control  max-age=600, public
entries        0 package versions
  - web  1.0.0  another package
  - web  1.1.0  another package
`, "inspect", "--why", "web", "/search?kibana.version=8.0.0&package=none")
	w.says(0, `
production SECOND (live), built by regsnap main
branch production  HASH          2 packages
                   TIME  Ada Author  add 1.1.0
2 package versions, N (N, N encoded), routes N
N of queries have N answers, all rendered ahead

PACKAGE  VERSION  BRANCH      REVISION
web      1.0.0    production  HASH
web      1.1.0    production  HASH
`, "inspect", "--packages")
	w.says(0, `
from production FIRST to production SECOND
packages: 1 added, 0 removed, 0 changed
  + web-1.1.0
searches and categories: 4 kinds of change
  /search?prerelease=true and N
    +web-1.1.0, -web-1.0.0
  /search?package=web&prerelease=true and N
    +web-1.1.0, -web-1.0.0
  /search?package=web&prerelease=true&all=true and N
    +web-1.1.0
  /search?prerelease=true&all=true and N
    +web-1.1.0
documents: 1
  /package/web/1.1.0/
archives: 2
  /artifacts/packages/web-1.1.0.zip
  /epr/web/web-1.1.0.zip
files: 4
  /artifacts/static/web-1.1.0/docs/README.md
  /artifacts/static/web-1.1.0/manifest.yml
  /package/web/1.1.0/docs/README.md
  /package/web/1.1.0/manifest.yml
pages: 0
`, "diff", "previous", "live")
	w.says(0, `
production: from SECOND back to FIRST
  - web-1.1.0
dry run: nothing was changed
`, "rollback", "--dry-run")
	w.says(0, `
production: from SECOND back to FIRST
  - web-1.1.0
production FIRST is live (was SECOND)
the next publish goes live again; regsnap pin holds the environment
`, "rollback", "--by", "Bob", "--reason", "it is slow")
	w.says(0, `
production would be pinned to FIRST
dry run: nothing was changed
`, "pin", "--dry-run", "--by", "Bob")
	w.says(0, `
production is pinned to FIRST
`, "pin", "--by", "Bob")
	w.says(0, `
production was pinned already, to FIRST, by Bob at TIME
`, "pin", "--by", "Eve")
	w.says(0, `
production SECOND is not live: production is pinned to FIRST, by Bob at TIME
`, "publish", "--source", "git:"+w.repo, w.second)
	w.says(0, `
production would no longer be pinned, as it is by Bob at TIME
dry run: nothing was changed
`, "unpin", "--dry-run")
	w.says(0, `
production is no longer pinned, as it was by Bob at TIME
SECOND came later and is not live: regsnap publish --source git:PATH --env production SECOND
`, "unpin")
	w.says(0, `
production was not pinned
`, "unpin")
	w.says(0, `
production: SECOND would be live (is FIRST)
dry run: nothing was changed
`, "publish", "--dry-run", "--source", "git:"+w.repo, w.second)
	w.says(11, `
regsnap: it cannot be determined which snapshot is newer: FIRST stays live, SECOND does not go live: production: commit HASH is live, HASH is to go live, and there is no clone to look into: name one with --source git:PATH; if that is meant, regsnap rollback --env production SECOND goes there
`, "publish", w.second)
	w.says(0, `
production SECOND is live (was FIRST)
`, "publish", "--by", "Ada", "--source", "git:"+w.repo, w.second)
	w.says(0, `
production SECOND was live already
`, "publish", "--source", "git:"+w.repo, w.second)
	w.says(4, `
regsnap: the live snapshot is newer: SECOND is live, not FIRST: production: the live commit HASH comes from HASH; if that is meant, regsnap rollback --env production FIRST goes there
`, "publish", "--source", "git:"+w.repo, w.first)
	w.says(0, `
production: the tag mine names FIRST
prune keeps it now; go back to it with:
  regsnap rollback --env production mine
`, "tag", "mine", "previous")
	w.says(0, `
production: the tag mine names FIRST already
`, "tag", "mine", "previous")
	w.says(2, `
regsnap: the tag is taken: mine of production names FIRST since TIME: --force moves it
`, "tag", "mine", "live")
	w.says(0, `
production: the tag mine names SECOND (was FIRST)
prune keeps it now; go back to it with:
  regsnap rollback --env production mine
`, "tag", "--force", "mine", "live")
	w.says(0, `
production: the tag mine, which names SECOND, would be deleted
dry run: nothing was changed
`, "tag", "--dry-run", "--delete", "mine")
	w.says(0, `
production: the tag mine, which names SECOND, is deleted
`, "tag", "--delete", "mine")
	w.says(0, `
production SECOND: N rendered from the source are the same in the bucket
production SECOND: N read: sound
`, "verify", "--deep", "--source", "git:"+w.repo)
	w.says(0, `
production: the pointer is sound, SECOND is live: nothing to recover
`, "recover", "--dry-run")
	w.says(0, `
production: 2 snapshots, SECOND is live

   SNAPSHOT                       BUILT                 PACKAGES  CHANGES   BRANCH      COMMIT        AUTHOR      SUBJECT
*  SECOND  TIME         2  +1 -0 ~0  production  HASH  Ada Author  add 1.1.0
… and 1 snapshot before (--limit 0 shows all)

WHEN                  MOVE     SNAPSHOT                       BY
TIME  publish  SECOND  Ada
`, "history", "--limit", "1")
	w.says(0, `
web
VERSION  ENVIRONMENT  LIVE SINCE            UNTIL                            SNAPSHOTS  FIRST SNAPSHOT                 BRANCH      COMMIT        AUTHOR      SUBJECT
1.1.0    production   TIME  live                                     1  SECOND  production  HASH  Ada Author  add 1.1.0
1.1.0    production   TIME  TIME (rollback)          1  SECOND  production  HASH  Ada Author  add 1.1.0
1.0.0    production   TIME  live                                     2  FIRST  production  HASH  Ada Author  add 1.0.0
`, "find", "--source", "git:"+w.repo, "web")
	w.says(0, `
web
VERSION  BRANCHES    LIVE IN     SINCE                 COMMIT        AUTHOR      SUBJECT
1.1.0    production  production  TIME  HASH  Ada Author  add 1.1.0
`, "status", "--source", "git:"+w.repo, "web-1.1.0")
	w.says(0, `
web
VERSION  LIVE IN     SINCE                 COMMIT        AUTHOR      SUBJECT
1.1.0    production  TIME  HASH  Ada Author  add 1.1.0
1.0.0    production  TIME  HASH  Ada Author  add 1.0.0

--source git:PATH also says what each branch holds, and what is missing to move on
`, "status", "web")
	w.says(2, `
regsnap: "20240507x" is not the name of a snapshot: production has no such tag, and it is no id, live, previous, @{N} or BRANCH@COMMIT
`, "rollback", w.second[:8]+"x")
	w.says(0, `
production: from SECOND back to FIRST
  - web-1.1.0
production FIRST is live (was SECOND)
`, "rollback", "--by", "Bob", "--verify", "--pin")
	w.says(0, `
production: from FIRST back to FIRST
dry run: nothing was changed
`, "rollback", "--dry-run", w.first)

	// What is damaged is named, and made again from the source.
	w.damage("routes.json", w.first)
	w.says(7, `
snapshots/production/FIRST/routes.json: N
production FIRST: N read: 1 fault
`, "verify")
	w.says(7, `
snapshots/production/FIRST/routes.json: N
production FIRST: N read: 1 fault
dry run: nothing was changed
`, "verify", "--repair", "--dry-run", "--source", "git:"+w.repo)
	w.says(0, `
snapshots/production/FIRST/routes.json: N (repaired)
production FIRST: N read: sound again, 1 object repaired
`, "verify", "--repair", "--source", "git:"+w.repo)
	w.says(0, `
production FIRST: N read: sound
`, "verify")
	w.damage("manifest.json", w.first)
	w.says(7, `
snapshots/production/FIRST/manifest.json: manifest: damaged: its content has the id 20240506T070809Z-HASH; regsnap verify --env production --repair mends it from its source, regsnap recover --env production goes back to the newest snapshot that is whole
production FIRST: N read: 1 fault
`, "verify")
	w.says(0, `
production FIRST: N read: sound
`, "verify", "--repair", "--source", "git:"+w.repo)
	w.damage("routes.json", w.second)
	w.says(7, `
regsnap: snapshots/production/SECOND/routes.json: damaged: N
`, "rollback", "--verify", w.second)
	w.says(7, `
regsnap: snapshots/production/SECOND/routes.json: damaged: N
`, "publish", "--source", "git:"+w.repo, "--dry-run", w.second)
}

// TestSums: the sizes that inspect tells are those of the manifest, and verify without an
// environment reads every snapshot.
func TestSums(t *testing.T) {
	w := newTwoBuilds(t)
	var inspected struct {
		Manifest struct {
			Responses []struct{ Size, Gzip int64 }
			Packages  []any
			Routes    struct{ Size int64 }
		}
	}
	got := speak(t, "inspect", "--json", "--bucket", w.bucket, "--env", "production")
	if err := json.Unmarshal([]byte(got.out), &inspected); err != nil {
		t.Fatal(err, got)
	}
	m := inspected.Manifest
	var plain, packed int64
	for _, r := range m.Responses {
		plain, packed = plain+r.Size, packed+r.Gzip
	}
	want := fmt.Sprintf("%d package versions, %d responses (%s, %s encoded), routes %s\n", len(m.Packages), len(m.Responses), size(plain), size(packed), size(m.Routes.Size))
	if got := speak(t, "inspect", "--bucket", w.bucket, "--env", "production"); plain == 0 || packed == 0 || !strings.Contains(got.out, want) {
		t.Errorf("%s\nwant %s", got.out, want)
	}
	all := func() (out struct {
		Snapshots []struct {
			Snapshot string
			Faults   []any
		}
		Sound bool
	}, code int) {
		got := speak(t, "verify", "--json", "--bucket", w.bucket)
		if err := json.Unmarshal([]byte(got.out), &out); err != nil {
			t.Fatal(err, got)
		}
		return out, got.code
	}
	if out, code := all(); code != 0 || !out.Sound || len(out.Snapshots) != 2 || len(out.Snapshots[0].Faults)+len(out.Snapshots[1].Faults) != 0 || out.Snapshots[0].Snapshot == out.Snapshots[1].Snapshot {
		t.Errorf("%d %+v", code, out)
	}
	for _, id := range []string{w.first, w.second} { // one of two, and both
		w.damage("routes.json", id)
		out, code := all()
		faults := 0
		for _, s := range out.Snapshots {
			faults += len(s.Faults)
		}
		if want := map[string]int{w.first: 1, w.second: 2}[id]; code != 7 || out.Sound || faults != want {
			t.Errorf("%d, %d faults, want %d: %+v", code, faults, want, out)
		}
	}
}
