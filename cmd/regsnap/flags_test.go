package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/publish/image/imagetest"
	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/serve/check"
)

// writing are calls of every command that has --dry-run, but for what starts with a pin or
// damage (see TestOperating): of a bucket gs://b with two snapshots, the repository $S that
// they are of, the registry $R that answers for the newer one, and the folder $T.
var writing = map[string]string{
	"build":           "--quiet --source git:$S --bucket gs://b --env pr-1 --branches production --publish",
	"publish":         "--bucket gs://b --env production --source git:$S --allow-older previous",
	"tag":             "--bucket gs://b --env production mine",
	"rollback":        "--bucket gs://b --env production",
	"pin":             "--bucket gs://b --env production",
	"prune":           "--quiet --bucket gs://b --keep-last 0 --keep-within 0s --grace 0s --retire production --config $T/other.yml",
	"preview":         "pr-2 --quiet --over production --path $S/packages/web/1.0.0 --bucket gs://b",
	"edge cloudflare": "--bucket s3://b?region=x --env production --out $T/edge",
	"edge cloudfront": "--bucket s3://b?region=x --env production --out $T/edge",
	"image":           "--quiet --bucket gs://b --env production --binary linux/amd64=$T/program --layout $T/layout",
	"export":          "--quiet --bucket gs://b --env production --at /srv $T/www",
	"mirror":          "--quiet gs://b gs://c --env production",
	"import":          "--quiet --registry $R --max-rate 100000 --cache $C --bucket gs://b --env staging --publish",
	"init":            "--bucket file:///b --domain example.org --ci none --dir $T/init",
	"add":             "--source git:$S --to staging --spec off ../../testdata/storage/production/packages/sealed/sealed-1.0.0.zip",
	"promote":         "--source git:$S --from snapshot --to staging --spec off web-1.1.0",
}

// TestDryRuns: with --dry-run a command changes nothing and says so, and without it it does
// something. By whom and why is recorded with each move.
func TestDryRuns(t *testing.T) {
	w := newTwoBuilds(t)
	registry := registryOf(t, w.bucket, "production")
	cache := filepath.Join(t.TempDir(), "cache")
	for _, l := range leaves(newApp(nil, nil).Commands, nil) {
		command := strings.Join(l.path, " ")
		call, ok := writing[command]
		if !hasFlag(l.command, "dry-run") || !ok {
			if hasFlag(l.command, "dry-run") != ok && command != "unpin" && command != "verify" && command != "recover" {
				t.Errorf("%s has no call", command)
			}
			continue
		}
		for _, more := range []string{"--dry-run", "-n --json", "--json", "", "--by " + strings.Repeat("x", 5000)} {
			if strings.HasPrefix(more, "--by") && !hasFlag(l.command, "by") {
				continue
			}
			dir := t.TempDir()
			for name, text := range map[string]string{"other.yml": "environments:\n  other: {branches: [production]}\n", "program": string(imagetest.ELF(imagetest.AMD64, ""))} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o777); err != nil {
					t.Fatal(err)
				}
			}
			w.git("branch", "--force", "snapshot", "production")
			w.git("branch", "--force", "staging", "production~")
			stores := map[string]store.Store{"gs://b": memoryStore(t, strings.TrimPrefix(w.bucket, "file://")), "gs://c": memoryStore(t, "")}
			state := func() string {
				out, err := gitCommand(w.repo, "for-each-ref", "--format=%(refname) %(objectname)").Output()
				if err != nil {
					t.Fatal(err)
				}
				return storeText(t, stores["gs://b"]) + storeText(t, stores["gs://c"]) + strings.Join(namesBelow(t, dir), "\n") + string(out)
			}
			before := state()
			line := strings.NewReplacer("$S", w.repo, "$R", registry, "$T", dir, "$C", cache).Replace(command + " " + call + " " + more)
			noted := more == "" && hasFlag(l.command, "reason")
			words := strings.Fields(line)
			if noted {
				words = append(words, "--by", "Ada L.", "--reason", "so it is")
			}
			got := inStores(t, stores, words...)
			after := state()
			if strings.HasPrefix(more, "--by") {
				if got.code != 2 || after != before || got.out != "" {
					t.Errorf("%.100s, with a name that is too long: exit code %d, changed %v\n%s", line, got.code, before != after, got.out)
				}
				continue
			}
			dry := strings.Contains(more, "-n") || more == "--dry-run"
			says := strings.Contains(got.out, dryRunText) || strings.Contains(got.out, `"dry_run": true`) || command == "init" && strings.Contains(got.out, "would write")
			if got.code != 0 || (before == after) != dry || says != dry || more == "--json" && !strings.Contains(got.out, `"dry_run": false`) && command != "preview" {
				t.Errorf("%s: exit code %d, changed %v\n%s%s", line, got.code, before != after, got.out, got.errors)
			}
			if noted && command != "prune" && (!strings.Contains(after, `"Ada L."`) || !strings.Contains(after, `"so it is"`)) {
				t.Errorf("%s: who did it, and why, is not recorded", line)
			}
		}
	}
}

// namesBelow are the files below a folder.
func namesBelow(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, _ os.DirEntry, err error) error {
		names = append(names, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestFlagsOfOthers: flags that no other test gives.
func TestFlagsOfOthers(t *testing.T) {
	w := newTwoBuilds(t)
	registry := registryOf(t, w.bucket, "production")
	old := filepath.Join(t.TempDir(), "old")
	if out, err := gitCommand(".", "clone", "--quiet", w.repo, old).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := gitCommand(old, "reset", "--quiet", "--hard", "HEAD~").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := gitCommand(old, "remote", "remove", "origin").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	bad := filepath.Join(t.TempDir(), "bad", "1.0.0")
	if err := os.MkdirAll(bad, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bad, "manifest.yml"), []byte("name: other\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	const in = " --bucket gs://b --env production"
	imported := "import --quiet --registry " + registry + " --max-rate 100000 --bucket gs://b --env staging --cache $T"
	for _, c := range []struct {
		call string
		code int
		has  string
		not  string
	}{
		{"build --quiet --publish --source git:" + old + in, 4, "the live snapshot is newer", "is live (was"},
		{"build --quiet --publish --allow-older --source git:" + old + in, 0, "live (was " + w.second + ")", ""},
		{"lint --annotations --spec off " + bad, 3, "::error file=", ""}, {"lint --annotations=false --spec off " + bad, 3, "error: ", "::error"},
		{"preview pr --quiet --annotations --over production --bucket gs://b --path " + bad, 3, "::error file=", ""}, {"preview pr --quiet --annotations=false --over production --bucket gs://b --path " + bad, 3, "error: ", "::error"},
		{"preview pr --quiet --publish=false --over production --bucket gs://b --path " + filepath.Join(w.repo, "packages"), 0, "built, not live", "regsnap serve"},
		{"preview pr --quiet --over production --bucket gs://b --path " + filepath.Join(w.repo, "packages"), 0, "regsnap serve --env pr answers for it; regsnap prune --retire pr ends it", "not live"},
		{"preview pr --parallel -1 --over production --bucket gs://b --path " + bad, 2, "--parallel -1", ""},
		{imported, 0, "2 packages: 2 archives", "left out"}, {imported + " --exclude web-1.0.0", 0, "left out, as --exclude says: web-1.0.0\n", "no such package"}, {imported + " --exclude web", 1, "but for those that are excluded", "no such package"},
		{imported + " --exclude we", 0, "--exclude we: no such package is offered\n", "left out"}, {imported + " --exclude none", 0, "--exclude none: no such package is offered\n", "left out"}, {imported + " --query all=true", 0, "2 packages: ", ""}, {imported + " --query package=web", 0, "1 package: ", ""},
		{imported + " --package web@1.0.0", 0, "1 package: ", ""}, {imported + " --latest", 0, "1 package: ", ""}, {imported + " --parallel -1", 2, "--parallel -1", ""}, {imported + " --refresh", 2, "belong to --from-v2", ""}, {imported + " --endpoint http://h", 2, "belong to --from-v2", ""},
		{imported + " --sign-passphrase-file x", 2, "of no use without --sign-key", ""}, {imported + " --sign-key /none", 2, "/none", ""}, {imported + " --publish", 0, "live", "not live"},
		{"import --from-v2 gs://v --registry " + registry + in, 2, "are two sources", ""}, {"import --from-v2 gs://v --latest" + in, 2, "reads an index", ""}, {"import --from-v2 ftp://v" + in, 2, "want gs://BUCKET", ""}, {"import --from-v2 gs:" + in, 2, "want gs://BUCKET", ""}, {"import --from-v2 gs://v/f?prefix=p" + in, 2, "a folder and a prefix", ""},
		{"check --quiet --against " + registry + " --max-rate 100000 --max-requests 50 --seed 7 --json" + in, 0, "\"seed\": 7", ""}, {"check --quiet --against " + registry + " --max-rate 100000 --json --ignore search --ignore categories --ignore document --ignore spelling --ignore error" + in, 0, "\"complete\": true", ""},
		{"verify --quiet --snapshot previous" + in, 0, w.first, w.second}, {"verify --quiet --seed 7 --sample 50%" + in, 0, "a sample of 50% (--seed 7)", ""},
		{"recover --snapshot previous" + in, 0, "is sound", ""}, {"inspect --snapshot previous" + in, 0, w.first, w.second},
		{"edge cloudfront --bucket ftp://b --env production --out $T/e", 2, "", ""}, {"edge cloudfront --bucket s3://b?region=x --env production --out $T/e --pointer 1x", 2, "length of time", ""}, {"edge cloudflare --bucket s3://b?region=x --env production --out $T/e --fallback a/b", 2, "want the name of a host", ""}, {"edge cloudflare --r2 b --origin http://o --env production --out $T/e", 2, "reads one bucket", ""},
		{"audit --files --source git:" + w.repo + " --branch production", 0, "0 changes", ""}, {"audit --since 2024-13-01 --source git:" + w.repo + " --branch production", 2, "want a day", ""}, {"audit --overwrite no --source git:" + w.repo + " --branch production", 2, "is not a rule", ""},
	} {
		got := inStores(t, map[string]store.Store{"gs://b": memoryStore(t, strings.TrimPrefix(w.bucket, "file://"))}, strings.Fields(strings.ReplaceAll(c.call, "$T", filepath.Join(t.TempDir(), "t")))...)
		text := got.out + got.errors
		if got.code != c.code || !strings.Contains(text, c.has) || c.not != "" && strings.Contains(text, c.not) {
			t.Errorf("%s: exit code %d, want %d, with %q and not %q\n%s", c.call, got.code, c.code, c.has, c.not, text)
		}
	}
}

// TestFlagsOfCopies: flags of export, image and mirror that change what is written.
func TestFlagsOfCopies(t *testing.T) {
	w := newTwoBuilds(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "program"), imagetest.ELF(imagetest.AMD64, ""), 0o755); err != nil {
		t.Fatal(err)
	}
	var linked [2]int
	for i, more := range []string{"", "--copy"} {
		www := filepath.Join(dir, "www"+more)
		got := speak(t, append([]string{"export", "--json", "--bucket", w.bucket, "--env", "production", "--at", "/srv/x", www}, strings.Fields(more)...)...)
		var r struct{ Linked, Files int }
		if err := json.Unmarshal([]byte(got.out), &r); err != nil || r.Files == 0 {
			t.Fatal(err, got)
		}
		linked[i] = r.Linked
		site, err := os.ReadFile(filepath.Join(www, "current/nginx/site.conf"))
		if err != nil || !strings.Contains(string(site), "server_name production.registry.example;") || !strings.Contains(string(site), "/srv/x/") {
			t.Errorf("%v\n%s", err, site)
		}
	}
	if linked[1] >= linked[0] {
		t.Errorf("%d links, and %d where files are copied", linked[0], linked[1])
	}
	for flags, want := range map[string]string{
		"": "tags " + w.second + " and production\n", "--no-env-tag": "tag " + w.second + "; production stays where it is\n", "--tag mine": "tags mine and production\n", "--tag mine --tag yours --no-env-tag": "tags mine and yours; production stays where it is\n", "--snapshot previous": "tag " + w.first + "; production stays where it is\n",
	} {
		got := speak(t, append([]string{"image", "--quiet", "--bucket", w.bucket, "--env", "production", "--binary", "linux/amd64=" + dir + "/program", "--layout", filepath.Join(dir, "layout")}, strings.Fields(flags)...)...)
		if got.code != 0 || !strings.Contains(got.errors, "   "+want) {
			t.Errorf("image %s: %+v, want %q", flags, got, want)
		}
	}
	for flags, want := range map[string]string{"": "production " + w.second + " is live\n", "--publish=false": "production " + w.second + " is stored, not live\n", "--no-publish": "is stored, not live\n", "--history 2": "is live, with 1 older snapshot\n", "--snapshot previous": "production " + w.first + " is live\n"} {
		stores := map[string]store.Store{"gs://b": memoryStore(t, strings.TrimPrefix(w.bucket, "file://")), "gs://c": memoryStore(t, "")}
		if got := inStores(t, stores, strings.Fields("mirror --quiet --env production "+flags+" gs://b gs://c")...); got.code != 0 || !strings.HasSuffix(got.out, want) {
			t.Errorf("mirror %s: %+v, want %q", flags, got, want)
		}
	}
	for flags, has := range map[string]bool{"--v2": true, "": false, "--v2 --publish=false": false, "--v2 --dry-run": false} {
		stores := map[string]store.Store{"gs://b": memoryStore(t, strings.TrimPrefix(w.bucket, "file://")), "gs://c": memoryStore(t, "")}
		got := inStores(t, stores, strings.Fields("mirror --quiet --env production "+flags+" gs://b gs://c")...)
		if got.code != 0 || strings.Contains(storeText(t, stores["gs://c"]), "storage/production/v2/metadata/cursor.json") != has || strings.Contains(got.errors, "production: index of package storage v2 ") != has {
			t.Errorf("mirror %s: %+v", flags, got)
		}
	}
}

// TestFlagsOfCheck: what counts as late, and what is not compared.
func TestFlagsOfCheck(t *testing.T) {
	w := newTwoBuilds(t)
	w.git("branch", "old", "HEAD~")
	dir := t.TempDir()
	for _, branch := range []string{"old", "production"} {
		if err := os.WriteFile(filepath.Join(dir, branch), []byte("environments:\n  p: {branches: ["+branch+"], cache: {index: 0s, content: 0s}}\n"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	build := func(url, branch string) {
		if got := speak(t, "build", "--quiet", "--publish", "--allow-older", "--config", filepath.Join(dir, branch), "--source", "git:"+w.repo, "--bucket", url, "--env", "p"); got.code != 0 {
			t.Fatal(got)
		}
	}
	both, old := "file://"+dir+"/both", "file://"+dir+"/old-bucket"
	build(both, "old")
	build(both, "production")
	build(old, "old")
	registry := registryOf(t, old, "p")
	for _, c := range []struct {
		flags string
		code  int
		has   string
	}{
		{"--lag 1h", 0, "answers of a snapshot that caches may still have: no difference"}, {"--lag 0s", 9, "the answer of an older snapshot"}, {"--lag 0s --all", 9, "the answer of an older snapshot"},
		{"--lag 0s --ignore " + strings.Join(check.Kinds, " --ignore "), 0, ": nothing was compared\n"}, {"--lag 1h --max-requests 12", 0, " possible requests (--max-requests)"},
	} {
		got := speak(t, strings.Fields("check --quiet --max-rate 100000 --bucket "+both+" --env p --config "+filepath.Join(dir, "production")+" --against "+registry+" "+c.flags)...)
		if got.code != c.code || !strings.Contains(got.out, c.has) || strings.Contains(got.out, "    …\n") != (c.flags == "--lag 0s") {
			t.Errorf("check %s: %+v", c.flags, got)
		}
	}
}

// TestSettingsAreRead: every command that has --config, --bucket, --source or --env refuses what
// cannot be read, or does not exist.
func TestSettingsAreRead(t *testing.T) {
	w := newTwoBuilds(t)
	s := memoryStore(t, strings.TrimPrefix(w.bucket, "file://"))
	calls := map[string]string{
		"inspect": "--env production", "diff": "live live --env production", "history": "--env production", "find": "web", "recover": "--env production", "unpin": "--env production", "verify": "--env production --deep", "dev": "/nowhere",
		"check": "--env production --against http://localhost:1", "lint": "", "audit": "--branch production", "board": "", "serve": "--env production --listen nowhere", "status": "", "doctor": "", "init": "--domain d --ci none --bucket file:///b --dir /nowhere",
	}
	for _, l := range leaves(newApp(nil, nil).Commands, nil) {
		command := strings.Join(l.path, " ")
		call, ok := calls[command]
		if !ok {
			call = writing[command]
		}
		call = strings.NewReplacer("--retire production --config $T/other.yml", "", "$S", w.repo, "$T", "/nowhere", "$R", "http://localhost:1", "$C", filepath.Join(t.TempDir(), "cache")).Replace(call)
		for flag, wrong := range map[string]string{"config": "/nowhere/settings.yml", "bucket": "ftp://wrong", "source": "zip:wrong", "env": "Wrong"} {
			if !hasFlag(l.command, flag) || flag == "env" && (command == "serve" || command == "mirror") || flag == "source" && (command == "recover" || command == "init") || flag == "env" && (command == "build" || command == "diff") || flag == "bucket" && (command == "dev" || command == "import" || command == "edge cloudfront" || command == "edge cloudflare") {
				continue
			}
			words := append(strings.Fields(command+" "+call), "--"+flag, wrong)
			if hasFlag(l.command, "bucket") && !strings.Contains(call, "--bucket") && flag != "bucket" {
				words = append(words, "--bucket", "gs://b")
			}
			if flag == "env" { // in place of the one that is right
				if at := slices.Index(words, "production"); at > 0 && words[at-1] == "--env" {
					words = slices.Delete(words, at-1, at+1)
				}
			}
			if hasFlag(l.command, "source") && !strings.Contains(call, "--source") && flag != "source" {
				words = append(words, "--source", "git:"+w.repo)
			}
			got := inStores(t, map[string]store.Store{"gs://b": s, "gs://c": memoryStore(t, "")}, words...)
			if got.code != 2 || !strings.Contains(got.errors, strings.Split(wrong, ":")[0]) || got.out != "" {
				t.Errorf("%q: exit code %d, want 2, with %s\n%s%s", words, got.code, wrong, got.out, got.errors)
			}
		}
	}
}
