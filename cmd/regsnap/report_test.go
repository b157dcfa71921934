package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/image"
	"github.com/regsnap/regsnap/publish/store"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain, “quoted” 手册": "plain, “quoted” 手册",
		"\x1b[31mred":        "\uFFFD[31mred",
		"a\nb\r\tc\x00\x7f":  "a\uFFFDb\uFFFD\uFFFDc\uFFFD\uFFFD",
		"c1 \u009b2J":        "c1 \uFFFD2J",
		"turned \u202egpj":   "turned \uFFFDgpj",
		"not UTF-8 \xff":     "not UTF-8 \uFFFD",
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
}

// hostile has in every field what could end a line or a property.
var hostile = index.Problem{
	Branch: "production", Package: "nginx", Version: "1.0.0", File: "packages/nginx/1.0.0/a:b,c\n::error::x.md", Line: 7,
	Rule: "some-rule", Detail: "100% wrong\r\n::error::injected", Owner: "acme/web",
	Commit: &index.Commit{
		Hash: "0123456789abcdef0123456789abcdef01234567", Author: "Mallory\x1b[2J", Subject: strings.Repeat("x", 200) + "\n::error::x",
		Time: time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC),
	},
}

func TestAnnotationsEscape(t *testing.T) {
	var out strings.Builder
	printAnnotations(&out, findings([]index.Problem{hostile}), nil)
	want := "::error file=packages/nginx/1.0.0/a%3Ab%2Cc%0A%3A%3Aerror%3A%3Ax.md,line=7,title=production%3A nginx-1.0.0" +
		"::100%25 wrong\uFFFD\uFFFD::error::injected [some-rule]" +
		"%0Aping @acme/web; last changed by Mallory\uFFFD[2J in 01234567 on 2024-05-06: " + strings.Repeat("x", 100) + "…\n"
	if out.String() != want {
		t.Errorf("got  %q\nwant %q", out.String(), want)
	}
}

func TestFindingsAreLines(t *testing.T) {
	var out strings.Builder
	printFindings(&out, screen{}, findings([]index.Problem{hostile}), nil)
	want := "error: production: nginx-1.0.0: packages/nginx/1.0.0/a:b,c\uFFFD::error::x.md:7: 100% wrong\uFFFD\uFFFD::error::injected [some-rule]\n" +
		"       ping @acme/web; last changed by Mallory\uFFFD[2J in 01234567 on 2024-05-06: " + strings.Repeat("x", 100) + "…\n"
	if out.String() != want {
		t.Errorf("got  %q\nwant %q", out.String(), want)
	}
}

func TestPing(t *testing.T) {
	for _, test := range []struct {
		p    index.Problem
		want string
	}{
		{index.Problem{}, ""},
		{index.Problem{Owner: "acme/web"}, "@acme/web"},
		{index.Problem{Owner: "@acme"}, "@acme"},
		{index.Problem{Owner: "acme", Commit: &index.Commit{Author: "Ada"}}, "@acme Ada"},
	} {
		if got := strings.Join(findings([]index.Problem{test.p})[0].Ping, " "); got != test.want {
			t.Errorf("ping %q, want %q", got, test.want)
		}
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1_000: "1.0 kB", 999_949: "999.9 kB", 1_500_000: "1.5 MB", 2_340_000_000: "2.34 GB",
	} {
		if got := size(n); got != want {
			t.Errorf("size(%d) = %s, want %s", n, got, want)
		}
	}
}

func TestExitCodes(t *testing.T) {
	ctx := context.Background()
	stopped, stop := context.WithCancel(ctx)
	stop()
	for _, test := range []struct {
		ctx  context.Context
		err  error
		want int
	}{
		{ctx, errors.New("the network failed"), 1},
		{ctx, fmt.Errorf("a flag: %w", usagef("is wrong")), 2},
		{ctx, errors.Join(errReported, build.ErrInvalid), 3},
		{ctx, fmt.Errorf("%w: by a day", publish.ErrOlder), 4},
		{ctx, fmt.Errorf("%w: by a day", image.ErrOlder), 4},
		{ctx, fmt.Errorf("pointer: %w", store.ErrConflict), 5},
		{stopped, fmt.Errorf("read: %w", context.Canceled), 130},
		{stopped, build.ErrInvalid, 3},
	} {
		if got := exitCode(test.ctx, test.err); got != test.want {
			t.Errorf("exit code %d for %v, want %d", got, test.err, test.want)
		}
	}
}
