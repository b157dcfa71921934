package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/promote"
	"github.com/regsnap/regsnap/index/upstream"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/image"
	"github.com/regsnap/regsnap/publish/store"
)

// TestEveryExitCode: what each error ends the program with, and what it says to programs.
// The codes are those of docs/commands.md.
func TestEveryExitCode(t *testing.T) {
	seen := map[int]bool{0: true}
	for _, c := range []struct {
		err  error
		code int
		kind string
	}{
		{errors.New("the network failed"), 1, "failure"}, {usagef("wrong"), 2, "usage"}, {build.ErrInvalid, 3, "invalid"}, {promote.ErrRefused, 3, "invalid"}, {upstream.ErrUnsigned, 3, "invalid"},
		{publish.ErrOlder, 4, "older"}, {image.ErrOlder, 4, "older"}, {store.ErrConflict, 5, "conflict"}, {publish.ErrPruned, 5, "conflict"}, {promote.ErrConflict, 5, "conflict"},
		{publish.ErrBusy, 6, "busy"}, {errDamaged, 7, "damaged"}, {publish.ErrDamaged, 7, "damaged"}, {damagedError{errors.New("x")}, 7, "damaged"}, {publish.ErrHook, 8, "hook"}, {errIndex, 8, "hook"},
		{errDifferent, 9, "different"}, {publish.ErrDiverged, 10, "diverged"}, {publish.ErrUnordered, 11, "unordered"}, {layout.ErrNewer, 12, "newer"}, {layout.ErrOutdated, 12, "newer"},
		{errUnfit, 13, "unfit"}, {errRender, 14, "render"}, {errLagging, 15, "lagging"},
	} {
		seen[c.code] = true
		for _, err := range []error{c.err, fmt.Errorf("%w: by a day", c.err), errors.Join(errReported, c.err), errors.Join(errors.New("one"), c.err)} {
			f := failureOf(t.Context(), err)
			if got := exitCode(t.Context(), err); got != c.code || f.ExitCode != c.code || f.Kind != c.kind {
				t.Errorf("%v: %d, %+v, want %d %s", err, got, f, c.code, c.kind)
			}
		}
		// What was wrong is said though the program was stopped meanwhile.
		stopped, stop := context.WithCancel(t.Context())
		stop()
		want := c.code
		if want == 1 {
			want = 130
		}
		if got := exitCode(stopped, c.err); got != want {
			t.Errorf("%v, stopped: %d, want %d", c.err, got, want)
		}
	}
	seen[130] = true
	for _, e := range exitCodes {
		if !seen[e.code] || kindOf(e.code) != e.kind || e.meaning == "" {
			t.Errorf("%+v is not tried", e)
		}
	}
	if len(exitCodes) != len(seen) || kindOf(99) != "failure" {
		t.Errorf("%d codes, %d were tried", len(exitCodes), len(seen))
	}
	// The first of several that are joined decides as docs/commands.md orders them.
	for _, c := range []struct {
		errs []error
		code int
	}{{[]error{publish.ErrHook, errDamaged}, 7}, {[]error{errDamaged, layout.ErrNewer}, 12}, {[]error{build.ErrInvalid, usagef("x")}, 2}, {[]error{publish.ErrHook, publish.ErrDiverged}, 10}} {
		if got := exitCode(t.Context(), errors.Join(c.errs...)); got != c.code {
			t.Errorf("%v: %d, want %d", c.errs, got, c.code)
		}
	}
	// Text for people: each line of an error once, stopped or not.
	stopped, stop := context.WithCancel(t.Context())
	stop()
	var out strings.Builder
	if code := report(stopped, context.Canceled, &out, choices{}, screen{}); code != 130 || out.String() != "regsnap: context canceled\nregsnap: stopped; what is live has not changed\n" {
		t.Errorf("%d %q", code, out.String())
	}
	out.Reset()
	if code := report(t.Context(), errors.New("a\nb"), &out, choices{}, screen{colour: true}); code != 1 || out.String() != "\x1b[31mregsnap:\x1b[0m a\n\x1b[31mregsnap:\x1b[0m b\n" {
		t.Errorf("%d %q", code, out.String())
	}
	trouble := &store.Trouble{Place: "s3://b", Kind: "region", Problem: "no region", Advice: "set it", Err: errors.New("SDK\x1b")}
	if f := failureOf(t.Context(), fmt.Errorf("list: %w", trouble)); f.Store == nil || *f.Store != (storeFailure{"s3://b", "region", "no region", "set it", "SDK\uFFFD"}) {
		t.Errorf("%+v", f.Store)
	}
}

// full is an output that takes no more, as /dev/full.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// TestFullOutput: a command whose result cannot be written does not end well, and says so.
func TestFullOutput(t *testing.T) {
	bucket, source := oneSnapshot(t)
	dir := t.TempDir()
	in := []string{"--json", "--bucket", bucket, "--env", "production"}
	on := in[:3]
	for _, c := range []struct{ args, with []string }{
		{[]string{"status"}, on}, {[]string{"status", "web"}, on}, {[]string{"history"}, in}, {[]string{"find", "web"}, on}, {[]string{"diff", "live", "live"}, in}, {[]string{"inspect"}, in}, {[]string{"inspect", "/search"}, in},
		{[]string{"verify"}, in}, {[]string{"verify"}, on}, {[]string{"prune", "--dry-run"}, on}, {[]string{"tag"}, on}, {[]string{"tag", "--dry-run", "mine"}, in}, {[]string{"pin", "--dry-run"}, in}, {[]string{"unpin", "--dry-run"}, in},
		{[]string{"publish", "--dry-run", "live"}, in}, {[]string{"export", "--dry-run", "--at", "/srv", dir + "/a"}, in}, {[]string{"export", "--at", "/srv", dir + "/a"}, in},
		{[]string{"mirror", "--dry-run", bucket, "file://" + dir + "/m"}, in[:1]}, {[]string{"build", "--dry-run", "--source", source}, in}, {[]string{"version"}, in[:1]},
	} {
		var errs strings.Builder
		code := run(t.Context(), append(append([]string{"regsnap", c.args[0]}, c.with...), c.args[1:]...), full{}, &errs)
		if code != 1 || !strings.Contains(errs.String(), "no space left on device") {
			t.Errorf("regsnap %q: exit code %d\n%s", c.args, code, errs.String())
		}
		var out strings.Builder
		if code := run(t.Context(), append(append([]string{"regsnap", c.args[0]}, c.with...), c.args[1:]...), &out, io.Discard); code != 0 || !json.Valid([]byte(out.String())) {
			t.Errorf("regsnap %q: exit code %d\n%s", c.args, code, out.String())
		}
	}
	for _, c := range []struct{ args, with []string }{
		{[]string{"status"}, on[1:]}, {[]string{"history"}, in[1:]}, {[]string{"find", "web"}, on[1:]}, {[]string{"inspect", "--packages"}, in[1:]}, {[]string{"inspect", "/search"}, in[1:]}, {[]string{"status", "web"}, on[1:]},
	} {
		if code := run(t.Context(), append(append([]string{"regsnap", c.args[0]}, c.with...), c.args[1:]...), full{}, io.Discard); code != 1 {
			t.Errorf("regsnap %q, for people: exit code %d", c.args, code)
		}
	}
}
