package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/internal/testtools"
)

// orderConfig has an environment that lets no rewritten branch go live, and one
// that does.
const orderConfig = `environments:
  strict:
    branches: [production]
  loose:
    branches: [production]
    overwrite: always
`

// orderDates are the dates of the commits, in the order in which they are made.
var orderDates = map[string][]int{
	"normal":   {1_700_000_000, 1_700_000_060, 1_700_000_120, 1_700_000_180, 1_700_000_240, 1_700_000_300},
	"equal":    {1_700_000_000, 1_700_000_000, 1_700_000_000, 1_700_000_000, 1_700_000_000, 1_700_000_000},
	"reversed": {1_700_000_300, 1_700_000_240, 1_700_000_180, 1_700_000_120, 1_700_000_060, 1_700_000_000},
	"1970":     {1_700_000_000, 1_700_000_060, 0, 1, 2, 3},
	"2042":     {1_700_000_000, 2_272_147_200, 1_700_000_120, 1_700_000_180, 1_700_000_240, 1_700_000_300},
}

// orderClones are the kinds of clones: each is a script that makes the folder
// clone of origin ($O is its address) and, where it says "move", has the branch
// moved on in between.
var orderClones = map[string]string{
	"full":     `move; git clone -q $O clone`,
	"depth 1":  `move; git clone -q --depth=1 --branch production $O clone`,
	"blobless": `move; git clone -q --no-checkout --filter=blob:none $O clone`,
	"treeless": `move; git clone -q --no-checkout --filter=tree:0 $O clone`,
	"bare":     `move; git clone -q --bare $O clone`,
	"reused":   `git clone -q $O clone; move; git -C clone fetch -q`,
	"several remotes": `git clone -q $O clone; git -C clone remote rename origin old; git -C clone remote set-url old file:///nowhere; move
git -C clone remote add canonical $O; git -C clone fetch -q canonical`,
	"checkout action": `move; git init -q clone; git -C clone remote add origin $O
git -C clone fetch -q --no-tags --depth=1 --filter=blob:none origin +refs/heads/production:refs/remotes/origin/production
git -C clone checkout -q --detach refs/remotes/origin/production`,
	"shallow and treeless": `move; git clone -q --no-checkout --depth=1 --filter=tree:0 $O clone`,
}

var everyOrder = flag.Bool("every-order", false, "TestOrder: all cases with all clones and dates; without it a selection that has every case with each of them")

// orderCases is what follows the live commit, and whether it goes live.
var orderCases = []struct {
	next   string
	env    string
	code   int
	goes   bool
	stderr string
}{
	{"live", "strict", 0, false, ""},
	{"child", "strict", 0, true, ""},
	{"merge", "strict", 0, true, ""},
	{"base", "strict", exitOlder, false, "comes from"},
	{"base", "loose", exitOlder, false, "regsnap rollback --env loose"},
	{"other", "strict", exitDiverged, false, "neither of the live commit"},
	{"other", "loose", 0, true, "leaves the history"},
}

// orderSelected reports whether a case is tried with a kind of clone and dates, so
// that each is tried with every kind and with all dates: with every kind once in a
// quick run, and otherwise with two or three dates.
func orderSelected(test, kind, dates int) bool {
	quick := (test+kind)%len(orderDates) == dates
	return *everyOrder || testtools.Choose(quick, (test+kind+3*dates)%len(orderCases) < 3)
}

// The selection leaves out no pair of a case and a kind of clone, or of a case
// and dates.
func TestOrderSelectsEveryPair(t *testing.T) {
	kinds, dates := map[[2]int]bool{}, map[[2]int]bool{}
	for test := range orderCases {
		for kind := range len(orderClones) {
			for date := range len(orderDates) {
				if orderSelected(test, kind, date) {
					kinds[[2]int{test, kind}], dates[[2]int{test, date}] = true, true
				}
			}
		}
	}
	if len(kinds) != len(orderCases)*len(orderClones) || len(dates) != len(orderCases)*len(orderDates) {
		t.Errorf("%d of %d pairs with clones, %d of %d with dates", len(kinds), len(orderCases)*len(orderClones), len(dates), len(orderCases)*len(orderDates))
	}
}

// What goes live is a matter of history alone, whatever clone it is seen from and
// whatever the dates say.
func TestOrder(t *testing.T) {
	for i, dates := range slices.Sorted(maps.Keys(orderDates)) {
		t.Run(dates, func(t *testing.T) {
			t.Parallel()
			origin := newOrderOrigin(t, orderDates[dates])
			for j, kind := range slices.Sorted(maps.Keys(orderClones)) {
				script := orderClones[kind]
				clones := map[string]string{}
				for k, c := range orderCases {
					if !orderSelected(k, j, i) {
						continue
					}
					if clones[c.next] == "" {
						clones[c.next] = origin.clone(t, script, c.next)
					}
					name := fmt.Sprintf("%s, %s after live, %s", kind, c.next, c.env)
					bucket := filepath.Join(t.TempDir(), "bucket")
					if err := os.CopyFS(bucket, os.DirFS(origin.bucket)); err != nil {
						t.Fatal(err)
					}
					var stdout, stderr bytes.Buffer
					code := run(t.Context(), origin.args(c.env, clones[c.next], bucket), &stdout, &stderr)
					if code != c.code || !strings.Contains(stderr.String(), c.stderr) {
						t.Errorf("%s: exit code %d, want %d and %q: %s", name, code, c.code, c.stderr, &stderr)
					}
					want := origin.commits["live"]
					if c.goes {
						want = origin.commits[c.next]
					}
					if got := liveCommit(t, bucket, c.env); got != want {
						t.Errorf("%s: %s is live, want %s", name, origin.name(got), origin.name(want))
					}
				}
			}
		})
	}
}

// orderOrigin is a repository with a few commits, and a bucket where one is live.
type orderOrigin struct {
	dir, config, bucket string
	commits             map[string]string
}

func newOrderOrigin(t *testing.T, dates []int) *orderOrigin {
	t.Helper()
	folder := t.TempDir()
	o := &orderOrigin{dir: filepath.Join(folder, "origin"), config: filepath.Join(folder, "regsnap.yml"), bucket: filepath.Join(folder, "bucket"), commits: map[string]string{}}
	if err := os.WriteFile(o.config, []byte(orderConfig), 0o666); err != nil {
		t.Fatal(err)
	}
	o.sh(t, folder, `git init -q --bare origin; git -C origin config uploadpack.allowFilter true`)
	for i, c := range []struct{ name, parents string }{
		{"root", ""}, {"base", "root"}, {"live", "base"}, {"other", "base"}, {"child", "live"}, {"merge", "other child"},
	} {
		parents := ""
		for _, p := range strings.Fields(c.parents) {
			parents += " -p " + o.commits[p]
		}
		o.commits[c.name] = o.sh(t, o.dir, fmt.Sprintf(`export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@x GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@x GIT_AUTHOR_DATE="@%d +0000" GIT_COMMITTER_DATE="@%[1]d +0000"
blob=$(printf 'format_version: 1.0.0\nname: web\ntitle: web\nversion: 1.0.0\ndescription: %[2]s\nowner.github: acme/web\n' | git hash-object -w --stdin)
readme=$(echo %[2]s | git hash-object -w --stdin)
docs=$(printf '100644 blob %%s\tREADME.md\n' $readme | git mktree)
tree=$(printf '100644 blob %%s\tmanifest.yml\n040000 tree %%s\tdocs\n' $blob $docs | git mktree)
for name in 1.0.0 web packages; do tree=$(printf '040000 tree %%s\t%%s\n' $tree $name | git mktree); done
git commit-tree -m %[2]s%[3]s $tree`, dates[i], c.name, parents))
	}
	o.point(t, "live")
	for _, env := range []string{"strict", "loose"} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), o.args(env, o.dir, o.bucket), &stdout, &stderr); code != 0 {
			t.Fatal(stderr.String())
		}
	}
	return o
}

func (o *orderOrigin) args(env, source, bucket string) []string {
	return []string{"regsnap", "build", "--quiet", "--config", o.config, "--source", "git:" + source, "--bucket", "file://" + filepath.ToSlash(bucket), "--env", env, "--publish"}
}

// point moves the branch of the origin.
func (o *orderOrigin) point(t *testing.T, commit string) {
	t.Helper()
	o.sh(t, o.dir, "git update-ref refs/heads/production "+o.commits[commit]+"; git symbolic-ref HEAD refs/heads/production")
}

// clone runs a script of orderClones; the branch moves from root to a commit.
func (o *orderOrigin) clone(t *testing.T, script, to string) string {
	t.Helper()
	folder := t.TempDir()
	o.point(t, "root")
	o.sh(t, folder, fmt.Sprintf("move() { git -C %s update-ref refs/heads/production %s; }; O=file://%[1]s\n%[3]s", o.dir, o.commits[to], script))
	return filepath.Join(folder, "clone")
}

func (o *orderOrigin) sh(t *testing.T, dir, script string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-ec", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", script, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (o *orderOrigin) name(commit string) string {
	for name, id := range o.commits {
		if id == commit {
			return name
		}
	}
	return commit
}

// liveCommit is what the live snapshot was built from.
func liveCommit(t *testing.T, bucket, env string) string {
	t.Helper()
	var pointer struct{ Snapshot string }
	var manifest struct{ Branches []struct{ Commit string } }
	read := func(path string, into any) {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(bucket, path))
		if err == nil {
			err = json.Unmarshal(data, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	read("environments/"+env+".json", &pointer)
	read("snapshots/"+env+"/"+pointer.Snapshot+"/manifest.json", &manifest)
	return manifest.Branches[0].Commit
}
