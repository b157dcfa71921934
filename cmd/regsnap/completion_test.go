package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCompletionFollows: what can follow the words of a call, by the configuration and the bucket
// that the flags, the variables or regsnap.yml name.
func TestCompletionFollows(t *testing.T) {
	w := newTwoBuilds(t)
	if got := speak(t, "tag", "--bucket", w.bucket, "--env", "production", "mine", w.first); got.code != 0 {
		t.Fatal(got)
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "regsnap.yml")
	if err := os.WriteFile(config, []byte("bucket: "+w.bucket+"\nenvironments:\n  production: {branches: [production]}\n  other: {branches: [production, next]}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	in := "--bucket " + w.bucket + " "
	ids := w.second + " " + w.first
	for _, c := range []struct {
		words, bucket, config string // the two are variables
		want                  string
	}{
		{"rollback " + in, "", "", "live previous " + ids + " mine"}, {"rollback " + in + "--env staging", "", "", "live previous"}, {"rollback --env=production " + in, "", "", "live previous " + ids + " mine"},
		{"rollback", w.bucket, "", "live previous " + ids + " mine"}, {"rollback", "", config, "live previous " + ids + " mine"}, {"rollback --config " + config, "", "", "live previous " + ids + " mine"}, {"rollback", "file:///nowhere", config, "live previous"},
		{"rollback " + in, "file:///nowhere", "", "live previous " + ids + " mine"}, {"rollback --config " + dir, "", "", "live previous"}, {"rollback", "", "", "live previous"}, {"diff " + in, "", "", "live previous " + ids + " mine"},
		{"inspect --snapshot", w.bucket, "", "live previous " + ids + " mine"}, {"tag", w.bucket, "", "mine"}, {"tag", "", "", ""}, {"tag --env staging", w.bucket, "", ""},
		{"find", w.bucket, "", "web web-1.0.0 web-1.1.0"}, {"status", w.bucket, "", "web web-1.0.0 web-1.1.0"}, {"board", w.bucket, "", "web"}, {"find --env staging", w.bucket, "", ""}, {"find", "", "", ""},
		{"inspect --why", w.bucket, "", "web"}, {"export --package", w.bucket, "", "web web-1.0.0 web-1.1.0"}, {"import --exclude", w.bucket, "", "web web-1.0.0 web-1.1.0"}, {"promote", w.bucket, "", "web-1.0.0 web-1.1.0 web"},
		{"status --env", "", config, "production other"}, {"status --env", "", "", "production staging snapshot"}, {"lint --branch", "", config, "production next"}, {"promote --from", "", "", "production staging snapshot"}, {"promote --to", "", "", "production staging snapshot"}, {"build --branches", "", config, "production next"},
		{"status --env", "", dir + "/none.yml", ""}, {"lint --spec", "", "", "off warn error strict"}, {"audit --overwrite", "", "", "never if-needed always"}, {"status --color", "", "", "auto always never"}, {"check --level", "", "", "api edge exact"}, {"status --bucket", "", "", ""},
		{"status --env=", "", "", ""}, {"completion", "", "", "bash zsh fish"}, {"pin --d", "", "", "--dry-run"}, {"pin --he", "", "", "--help"}, {"edge", "", "", "cloudflare cloudfront"}, {"nothing", "", "", "*"}, {"version", "", "", ""}, {"serve", "", "", ""},
	} {
		t.Setenv("REGSNAP_BUCKET", c.bucket)
		t.Setenv("REGSNAP_CONFIG", c.config)
		got := speak(t, append(strings.Fields(c.words), completionFlag)...)
		said, want := strings.Fields(got.out), strings.Fields(c.want)
		slices.Sort(said)
		slices.Sort(want)
		if c.want == "*" {
			want = commandNames(newApp(nil, nil).Commands)
			slices.Sort(want)
		}
		if got.code != 0 || got.errors != "" || !slices.Equal(said, want) {
			t.Errorf("%s, %s, %s: %q, want %q %s", c.words, c.bucket, c.config, said, want, got.errors)
		}
	}
	if got := speak(t, "help", completionFlag).out; !strings.HasPrefix(got, "build\n") || !strings.Contains(got, "\nqueries\n") {
		t.Error(got)
	}
}
