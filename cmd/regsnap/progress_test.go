package main

import (
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regsnap/regsnap/build"
)

// Where there is no terminal a phase is one line at its end, and one each
// plainEvery while it lasts.
func TestProgressIsLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		p := newProgress(&out, false)
		p.update(build.Progress{Phase: "read packages", Done: 1, Total: 2})
		p.update(build.Progress{Phase: "read packages", Done: 2, Total: 2})
		p.update(build.Progress{Phase: "write packages", Done: 1, Total: 9, Bytes: 10})
		time.Sleep(plainEvery + time.Second)
		p.update(build.Progress{Phase: "write packages", Done: 5, Total: 9, Bytes: 1_500_000})
		p.update(build.Progress{Phase: "write packages", Done: 4, Total: 9, Bytes: 1_500_000}) // overtaken
		p.update(build.Progress{Phase: "write packages", Done: 9, Total: 9, Bytes: 2_000_000})
		p.step("compress layers", 1, 9)
		time.Sleep(plainEvery + time.Second)
		p.step("compress layers", 9, 9)
		p.finish()
		p.finish()
		want := `read packages         2 of 2 in 0.0 s
write packages: 5 of 9, 1.5 MB stored, about 6s left
write packages        9 of 9 in 6.0 s
compress layers: 9 of 9
compress layers       9 of 9 in 6.0 s
`
		if out.String() != want {
			t.Errorf("got\n%swant\n%s", out.String(), want)
		}
	})
}

func TestProgressQuiet(t *testing.T) {
	var out strings.Builder
	p := newProgress(&out, true)
	p.update(build.Progress{Phase: "read packages", Done: 1, Total: 1})
	p.finish()
	if out.Len() > 0 {
		t.Errorf("says %q", out.String())
	}
}

// Updates come from any goroutine, in any order.
func TestProgressConcurrently(t *testing.T) {
	var out strings.Builder
	p := newProgress(&out, false)
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() { p.update(build.Progress{Phase: "write packages", Done: i + 1, Total: 100}) })
	}
	wg.Wait()
	p.finish()
	if !regexp.MustCompile(`^write packages +100 of 100 in \d+\.\d s\n$`).MatchString(out.String()) {
		t.Errorf("says %q", out.String())
	}
}
