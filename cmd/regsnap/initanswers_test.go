package main

import (
	"errors"
	"strings"
	"testing"
)

// TestInitAsks: what is missing is asked for, in turn, and nothing else; without a
// terminal it is a mistake.
func TestInitAsks(t *testing.T) {
	given := initAnswers{bucket: "file:///b", domain: "d.example", system: "gitlab"}
	for name, c := range map[string]struct {
		given   initAnswers
		in      string
		screen  bool
		want    initAnswers
		refused string
		asked   int
	}{
		"all given":            {given, "", false, given, "", 0},
		"all asked":            {initAnswers{}, " file:///b \nd.example\ngitlab\n", true, given, "", 3},
		"one asked":            {initAnswers{bucket: "file:///b", system: "gitlab"}, "d.example", true, given, "", 1},
		"no CI system":         {initAnswers{bucket: "file:///b", domain: "d.example"}, "\n", true, initAnswers{bucket: "file:///b", domain: "d.example", system: "none"}, "", 1},
		"no bucket":            {initAnswers{}, "\n", true, initAnswers{}, "no answer; --bucket URL gives it", 1},
		"the end of the input": {initAnswers{bucket: "file:///b"}, "", true, initAnswers{bucket: "file:///b"}, "no answer; --domain DOMAIN gives it", 1},
		"no terminal":          {initAnswers{}, "file:///b\n", false, initAnswers{}, "--bucket URL is required", 0},
		"no terminal for CI":   {initAnswers{bucket: "file:///b", domain: "d.example"}, "\n", false, initAnswers{bucket: "file:///b", domain: "d.example"}, "--ci SYSTEM is required", 0},
	} {
		var out strings.Builder
		got := c.given
		err := got.complete(strings.NewReader(c.in), &out, c.screen)
		var usage usageError
		if (err == nil) != (c.refused == "") || err != nil && (!errors.As(err, &usage) || !strings.Contains(err.Error(), c.refused)) {
			t.Errorf("%s: %v", name, err)
		}
		if got.bucket != c.want.bucket || got.domain != c.want.domain || got.system != c.want.system || strings.Count(out.String(), "> ") != c.asked {
			t.Errorf("%s: %+v, asked\n%s", name, got, out.String())
		}
	}
	if isTerminal(strings.NewReader("")) {
		t.Error("a text is a terminal")
	}
}

// TestInitAnswers: which answers are taken, and what follows from them.
func TestInitAnswers(t *testing.T) {
	for bucket, ok := range map[string]bool{
		"file:///b": true, "file:///": true, "file://b": false, "s3://n?region=x": true, "s3://": false, "s3:///x": false, "s3://?x": false, "gs://n": true, "gs://": false, "mem://": false, "": false, "file:///b\nx": false, "file:///b\rx": false, "xfile:///b": false,
	} {
		if err := (&initAnswers{bucket: bucket, domain: "d.example", system: "none"}).check(); (err == nil) != ok {
			t.Errorf("%q: %v", bucket, err)
		}
	}
	for domain, ok := range map[string]bool{"example.org": true, "localhost": true, "a-b.c9": true, "Example.org": false, "-a.b": false, "a-.b": false, "a..b": false, ".a": false, "a.": false, "a b": false, "": false, "a/b": false} {
		if err := (&initAnswers{bucket: "file:///b", domain: domain, system: "none"}).check(); (err == nil) != ok {
			t.Errorf("%q: %v", domain, err)
		}
	}
	for _, system := range append(ciSystems(), "none", "", "GitLab", "other") {
		ok := system == "none" || strings.Contains(" "+strings.Join(ciSystems(), " ")+" ", " "+system+" ") && system != ""
		if err := (&initAnswers{bucket: "file:///b", domain: "d", system: system}).check(); (err == nil) != ok {
			t.Errorf("%q: %v", system, err)
		}
	}
	a := &initAnswers{bucket: `file:///a"b\c`, domain: "d.example", source: "git:.", branches: []string{"x", "y", "z"}}
	for i, want := range []string{"epr.d.example never", "epr-y.d.example if-needed", "epr-z.d.example always"} {
		if rule, why := a.overwrite(i); a.hostname(i)+" "+rule != want || why == "" {
			t.Errorf("%s %s", a.hostname(i), rule)
		}
	}
	if rule, _ := (&initAnswers{branches: []string{"x"}}).overwrite(0); rule != "never" {
		t.Errorf("one branch alone: %s", rule)
	}
	cfg, err := parseConfig(a.configuration())
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Bucket != a.bucket || cfg.Source != "git:." || len(cfg.Environments) != 3 || strings.Join(cfg.Environments["z"].Branches, " ") != "x y z" || strings.Join(cfg.Environments["x"].Branches, " ") != "x" || cfg.Environments["y"].Hostname != "epr-y.d.example" || cfg.Environments["y"].Overwrite != "if-needed" {
		t.Errorf("%+v", cfg)
	}
}
