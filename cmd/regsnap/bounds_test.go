package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index/indextest"
)

// oneSnapshot is a bucket whose environment production has one snapshot of two packages.
func oneSnapshot(t *testing.T) (bucket, source string) {
	t.Helper()
	source = "dir:" + indextest.Folders(t, `
-- production/packages/web/1.0.0/manifest.yml --
{format_version: 1.0.0, name: web, title: Web, version: 1.0.0, description: d, type: integration, owner: {github: acme/web}}
-- production/packages/web/1.0.0/docs/README.md --
# Web
-- production/packages/web/1.1.0/manifest.yml --
{format_version: 1.0.0, name: web, title: Web, version: 1.1.0, description: d, type: integration, owner: {github: acme/web}}
-- production/packages/web/1.1.0/docs/README.md --
# Web
`)
	bucket = "file://" + filepath.ToSlash(t.TempDir())
	if got := speak(t, "build", "--quiet", "--source", source, "--bucket", bucket, "--env", "production", "--publish"); got.code != 0 {
		t.Fatal(got)
	}
	return bucket, source
}

// TestBounds holds each number, share, time and choice of a flag to what it may be: the
// last value that is taken, and the first that is refused (exit code 2).
func TestBounds(t *testing.T) {
	bucket, source := oneSnapshot(t)
	dir := t.TempDir()
	on := []string{"--bucket", bucket}
	in := []string{"--bucket", bucket, "--env", "production"}
	from := []string{"--source", source}
	for _, c := range []struct {
		args []string
		with []string
		code int
		text string // of what is said
	}{
		{[]string{"history", "--limit", "1"}, in, 0, "1 snapshot"},
		{[]string{"history", "--limit", "0"}, in, 0, "1 snapshot"},
		{[]string{"history", "--limit", "-1"}, in, 2, "--limit -1: want"},
		{[]string{"verify", "--sample", "100%"}, in, 0, ": sound"},
		{[]string{"verify", "--sample", "101%"}, in, 2, "want a share"},
		{[]string{"verify", "--sample", "0"}, in, 2, "want a share"},
		{[]string{"verify", "--deep"}, on, 2, "give --env"},
		{[]string{"verify", "live"}, on, 2, "of which environment"},
		{[]string{"prune", "--dry-run", "--keep-last", "1"}, on, 0, "1 kept"},
		{[]string{"prune", "--dry-run", "--keep-last", "0"}, on, 0, "1 kept"},
		{[]string{"prune", "--dry-run", "--keep-last", "-1"}, on, 2, ""},
		{[]string{"prune", "--dry-run", "--keep-daily", "-1"}, on, 2, ""},
		{[]string{"prune", "--dry-run", "--keep-weekly", "-1"}, on, 2, ""},
		{[]string{"prune", "--dry-run", "--keep-monthly", "-1"}, on, 2, ""},
		{[]string{"prune", "--dry-run", "--keep-within", "-1s"}, on, 2, "negative"},
		{[]string{"prune", "--dry-run", "--grace", "-1s"}, on, 2, "negative"},
		{[]string{"prune", "--dry-run", "--grace", "0s"}, on, 0, "1 kept"},
		{[]string{"prune", "--dry-run", "--retire", "production"}, on, 2, "is configured"},
		{[]string{"prune", "--dry-run", "--retire", "A"}, on, 2, "no name of an environment"},
		{[]string{"prune", "x"}, on, 2, "takes no argument"},
		{[]string{"export", "--parallel", "-1", dir + "/a"}, in, 2, "--parallel -1"},
		{[]string{"export", "--parallel", "0", "--at", "/srv", dir + "/b"}, in, 0, "is in"},
		{[]string{"export", "--parallel", "1", "--at", "/srv", dir + "/b"}, in, 0, "is in"},
		{[]string{"export", "--at", "srv", dir + "/b"}, in, 2, "not a path for"},
		{[]string{"export"}, in, 2, "one DIR"},
		{[]string{"export", dir + "/b", dir + "/c"}, in, 2, "one DIR"},
		{[]string{"export", "--at", "/srv", dir}, in, 2, "no export"},
		{[]string{"export", "--dry-run", "--at", "/srv", dir}, in, 2, "no export"},
		{[]string{"mirror", "--parallel", "-1", bucket, "file://" + dir + "/m"}, nil, 2, "--parallel -1"},
		{[]string{"mirror", "--history", "-1", bucket, "file://" + dir + "/m"}, nil, 2, ""},
		{[]string{"mirror", bucket}, nil, 2, ""},
		{[]string{"build", "--dry-run", "--parallel", "-1"}, append(in, from...), 2, "--parallel -1"},
		{[]string{"check", "--against", "http://localhost:1", "--sample", "0"}, in, 2, "want a share"},
		{[]string{"check", "--against", "http://localhost:1", "--max-requests", "-1"}, in, 2, "must be above 0"},
		{[]string{"check", "--against", "http://localhost:1", "--max-rate", "-1"}, in, 2, "must be above 0"},
		{[]string{"check", "--against", "http://localhost:1", "--parallel", "-1"}, in, 2, "must be above 0"},
		{[]string{"check", "--against", "http://localhost:1", "--level", "strict"}, in, 2, "level"},
		{[]string{"check", "--against", "http://localhost:1", "--lag", "-1s"}, in, 2, "negative"},
		{[]string{"check", "--against", "localhost:1"}, in, 2, "no URL of a registry"},
		{[]string{"check"}, in, 2, "--against"},
		{[]string{"check", "--against", "http://localhost:1"}, on, 2, "--env is required"},
		{[]string{"status", "--watch", "--look-every", "0s", "--edge", "http://localhost:1"}, in, 2, "--look-every 0s"},
		{[]string{"status", "--watch", "--max-rate", "-1", "--edge", "http://localhost:1"}, in, 2, "above 0"},
		{[]string{"status", "--watch", "web"}, on, 2, "follows environments"},
		{[]string{"status", "--edge", "http://localhost:1"}, on, 2, "goes with --watch"},
		{[]string{"status", "--host", "x"}, on, 2, "goes with --watch"},
		{[]string{"status", "--timeout", "1s"}, on, 2, "goes with --watch"},
		{[]string{"status", "--look-every", "1s"}, on, 2, "goes with --watch"},
		{[]string{"status", "--max-rate", "1"}, on, 2, "goes with --watch"},
		{[]string{"status", "--watch", "--host", "x"}, on, 2, "goes with --edge"},
		{[]string{"status", "--watch", "--env", "none"}, on, 2, "none"},
		{[]string{"status", "web", "web"}, on, 2, "one package, not 2"},
		{[]string{"status", "--env", "none"}, on, 2, "none"},
		{[]string{"serve", "--max-cache-bytes", "-1"}, in, 1, "negative"},
		{[]string{"serve", "--max-concurrent", "-1"}, in, 1, "negative"},
		{[]string{"serve", "--prefix", "x"}, in, 1, "path prefix"},
		{[]string{"find"}, on, 2, "which package"},
		{[]string{"find", "web", "web"}, on, 2, "which package"},
		{[]string{"find", "web-2.0.0"}, on, 2, "there are 1.0.0, 1.1.0"},
		{[]string{"find", "wep"}, on, 2, "no snapshot has a package"},
		{[]string{"find", "/"}, on, 2, "is not a package"},
		{[]string{"find", "web-1.1.0"}, on, 0, "production"},
		{[]string{"diff", "live"}, in, 2, "compares two"},
		{[]string{"diff", "live", "live", "live"}, in, 2, "compares two"},
		{[]string{"tag", "a", "live", "live"}, in, 2, "not 3 arguments"},
		{[]string{"tag", "--delete"}, in, 2, "which tag"},
		{[]string{"tag", "--force"}, in, 2, "which tag"},
		{[]string{"tag", "--snapshot", "live"}, in, 2, "which tag"},
		{[]string{"tag", "--delete", "a", "live"}, in, 2, "neither a snapshot nor --force"},
		{[]string{"tag", "--delete", "--force", "a"}, in, 2, "neither a snapshot nor --force"},
		{[]string{"tag", "--snapshot", "live", "a", "previous"}, in, 2, "takes one snapshot"},
		{[]string{"tag", "A"}, in, 2, ""},
		{[]string{"tag", "--delete", "a"}, in, 2, ""},
		{[]string{"tag", "mine"}, on, 2, "--env is required"},
		{[]string{"rollback", "none"}, in, 2, ""},
		{[]string{"rollback"}, in, 1, ""},
		{[]string{"rollback", "--by", strings.Repeat("x", 5000)}, in, 2, ""},
		{[]string{"pin", "--reason", strings.Repeat("x", 5000)}, in, 2, ""},
		{[]string{"inspect", "--why", "none", "/search"}, in, 2, "has no package of that name"},
		{[]string{"inspect", "/search", "/search"}, in, 2, ""},
		{[]string{"image", "--parallel", "-1"}, in, 2, ""},
		{[]string{"health", "--listen", "8080"}, nil, 2, "want HOST:PORT"},
		{[]string{"health", "x"}, nil, 2, "takes no argument"},
		{[]string{"health", "--url", "http://127.0.0.1:1"}, nil, 1, ""},
		{[]string{"promote"}, nil, 2, "where to"},
		{[]string{"promote", "--to", "staging"}, nil, 2, "where from"},
		{[]string{"promote", "--to", "staging", "--from", "staging", "a-1.0.0"}, nil, 2, "where from"},
		{[]string{"promote", "--to", "staging", "--from", "a", "--from", "b", "a-1.0.0"}, nil, 2, "where from"},
		{[]string{"promote", "--to", "staging", "--remote", "-x"}, nil, 2, "is not a remote"},
		{[]string{"promote", "--clean", "--to", "staging", "--latest"}, nil, 2, "versions or none"},
		{[]string{"promote", "--clean", "--to", "staging", "--all-newer"}, nil, 2, "versions or none"},
		{[]string{"promote", "--from", "staging", "--to", "production", "--remove-older", "a-1.0.0"}, nil, 2, "--remove-older"},
		{[]string{"promote", "--from", "staging", "--to", "production", "--open", "a-1.0.0"}, nil, 2, "needs --remote"},
		{[]string{"promote", "--from", "snapshot", "--to", "staging", "--open", "--remote", "origin", "a-1.0.0"}, nil, 2, "needs --remote"},
		{[]string{"promote", "--source", "dir:x", "--to", "staging"}, nil, 2, "needs a git repository"},
		{[]string{"build", "--source", "x"}, in, 2, "want git:PATH or dir:PATH"},
		{[]string{"build", "--source", "dir:"}, in, 2, "want git:PATH or dir:PATH"},
		{[]string{"build", "--source", "zip:x"}, in, 2, "is not a kind of source"},
		{[]string{"build", "--source", "dir:a=b,c"}, in, 2, "want dir:BRANCH=PATH"},
		{[]string{"build", "--source", "dir:=b"}, in, 2, "want dir:BRANCH=PATH"},
		{[]string{"build", "--source", "dir:a="}, in, 2, "want dir:BRANCH=PATH"},
		{[]string{"build", "--source", "git:https://u:p@h/x"}, in, 2, "git clone"},
		{[]string{"build", "--source", "git:git@h:x"}, in, 2, "git clone"},
		{[]string{"build"}, in, 2, "which package storage"},
		{[]string{"history", "--env", "production"}, nil, 2, "which bucket"},
		{[]string{"history"}, on, 2, "--env is required"},
		{[]string{"history", "--env", "prodution"}, on, 2, "production"},
		{[]string{"history", "--env", "production", "--bucket", "ftp://x"}, nil, 2, ""},
		{[]string{"import"}, in, 2, "from which registry"},
		{[]string{"import", "--registry", "http://127.0.0.1:1", "--max-rate", "0"}, in, 2, "want numbers above 0"},
		{[]string{"import", "--registry", "http://127.0.0.1:1", "--max-connections", "0"}, in, 2, "want numbers above 0"},
		{[]string{"import", "--registry", "http://127.0.0.1:1", "--verify-key", dir + "/none"}, in, 2, "no such file"},
		{[]string{"import", "--registry", "ftp://h"}, in, 2, ""},
		{[]string{"image", "--tag", "a b"}, in, 2, "--tag"},
		{[]string{"add"}, nil, 2, "which archives"},
		{[]string{"add", "--to", "snapshot", "--sig", "x", "a-1.0.0.zip", "b-1.0.0.zip"}, nil, 2, "signature of one archive"},
		{[]string{"add", "a-1.0.0.zip"}, nil, 2, "where to"},
		{[]string{"lint", "--report", "xml"}, nil, 2, ""},
		{[]string{"lint", "--report", "none=file"}, nil, 2, ""},
		{[]string{"export", "--query", "kibana.version=x", dir + "/q"}, in, 2, ""},
		{[]string{"export", "--latest", "--at", "/srv", dir + "/q"}, in, 0, "a slice of"},
		{[]string{"edge"}, in, 2, ""},
		{[]string{"edge", "cloud"}, in, 2, ""},
		{[]string{"preview"}, on, 2, "Give a NAME"},
		{[]string{"preview", "a"}, on, 2, "Give --path"},
		{[]string{"preview", "production", "--path", "x", "--over", "production"}, on, 2, "cannot lie over itself"},
		{[]string{"publish"}, in, 2, "give one snapshot"},
		{[]string{"publish", "live", "live"}, in, 2, ""},
		{[]string{"publish", "zzz"}, in, 2, ""},
		{[]string{"build", "--publish", "--shard", "1/2"}, append(in, from...), 2, "makes no snapshot"},
		{[]string{"build", "--shard", "0/2"}, append(in, from...), 2, "--shard"},
		{[]string{"build", "--shard", "3/2"}, append(in, from...), 2, "--shard"},
		{[]string{"build", "--dry-run", "--shard", "2/2"}, append(in, from...), 0, "shard 2/2"},
		{[]string{"build", "--branches", "a"}, append(in, from...), 2, "is configured"},
		{[]string{"verify", "--repair"}, in, 0, ": sound"},
		{[]string{"verify", "--deep"}, in, 2, "which package storage"},
		{[]string{"init", "x"}, nil, 2, ""},
		{[]string{"completion"}, nil, 2, ""},
		{[]string{"completion", "csh"}, nil, 2, ""},
		{[]string{"nothing"}, nil, 2, "there is no command"},
		{[]string{"statsu"}, nil, 2, "status"},
		{[]string{"status", "--nothing"}, nil, 2, "there is no flag --nothing"},
		{[]string{"doctor", "x"}, on, 2, ""},
		{[]string{"mirror", bucket, bucket}, nil, 2, "are the same bucket"},
		{[]string{"mirror", "--snapshot", "live", bucket, "file://" + dir + "/m"}, nil, 2, "of one environment"},
		{[]string{"mirror", "--snapshot", "live", "--env", "a", "--env", "b", bucket, "file://" + dir + "/m"}, nil, 2, "of one environment"},
		{[]string{"mirror", "--history", "1", "--latest", bucket, "file://" + dir + "/m"}, nil, 2, "no slice of them"},
		{[]string{"mirror", "--env", "A", bucket, "file://" + dir + "/m"}, nil, 2, "a name has small letters"},
		{[]string{"mirror", "--v2", bucket, "file://" + dir + "/m"}, nil, 2, "--v2: "},
		{[]string{"mirror", "--env", "none", bucket, "file://" + dir + "/m"}, nil, 1, "no snapshot is live"},
		{[]string{"mirror", "--dry-run", bucket, "file://" + dir + "/m"}, nil, 0, "production: would copy "},
		{[]string{"doctor", "--role", "owner"}, on, 2, "want publisher, pruner or reader"},
		{[]string{"doctor", "--role", "reader"}, in, 2, "and --role publisher"},
		{[]string{"doctor", "--env", "A"}, on, 2, "want the name of an environment"},
		{[]string{"recover", "x"}, in, 2, ""},
	} {
		there := func() string {
			return strings.Join(append(namesBelow(t, dir), namesBelow(t, strings.TrimPrefix(bucket, "file://"))...), "\n")
		}
		before := there()
		got := speak(t, append(append([]string{c.args[0]}, c.with...), c.args[1:]...)...)
		if c.code == 2 && there() != before {
			t.Errorf("regsnap %.100q: was refused, and has changed something", c.args)
		}
		if got.code != c.code || !strings.Contains(got.out+got.errors, c.text) {
			t.Errorf("regsnap %.100q: exit code %d, want %d, with %q\n%s%s", c.args, got.code, c.code, c.text, got.out, got.errors)
		}
		if c.code != 0 && (got.out != "" || got.errors == "") {
			t.Errorf("regsnap %.100q: %q on standard output, %q on the other", c.args, got.out, got.errors)
		}
	}
}

// TestCheckFindsEnvironment: without --env the one whose hostname is asked.
func TestCheckFindsEnvironment(t *testing.T) {
	bucket, _ := oneSnapshot(t)
	url := registryOf(t, bucket, "production")
	for host, code := range map[string]int{"production.registry.example": 0, "PRODUCTION.registry.example:443": 0, "staging.registry.example": 1, "other.example": 2} {
		got := speak(t, "check", "--bucket", bucket, "--against", url, "--host", host, "--max-rate", "1000000", "--max-requests", "40")
		if got.code != code || code == 0 && !strings.Contains(got.out, ": no difference") {
			t.Errorf("%s: %+v", host, got)
		}
	}
}
