package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/regsnap/regsnap/publish/store"
)

// How often a line says that a store is tried again, and that it is waited for.
const (
	retryEvery  = time.Second
	silentEvery = 10 * time.Second
)

// teller says what happens between this program and a store.
type teller struct {
	w       io.Writer
	verbose bool

	mu            sync.Mutex
	retried, mute time.Time
}

func (t *teller) tell(n store.Notice) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	switch {
	case n.Attempt > 0:
		if !t.verbose && now.Sub(t.retried) < retryEvery {
			return
		}
		t.retried = now
		t.line(fmt.Sprintf("%s: %s; trying again in %.1f s (%d of %d)", n.Place, n.Reason(), n.Pause.Seconds(), n.Attempt+1, n.Of))
	case n.Silent > 0:
		if now.Sub(t.mute) < silentEvery {
			return
		}
		t.mute = now
		t.line(fmt.Sprintf("%s: no answer to %s yet, still waiting", n.Place, n.Request))
	case t.verbose && n.Err != nil:
		t.line(fmt.Sprintf("%s: %s: %.0f ms: %v", n.Place, n.Request, float64(n.Took.Microseconds())/1e3, n.Err))
	case t.verbose:
		t.line(fmt.Sprintf("%s: %s: %.0f ms", n.Place, n.Request, float64(n.Took.Microseconds())/1e3))
	}
}

// line prints a line, where a bar may be drawn.
func (t *teller) line(text string) {
	if f, ok := unwrapped(t.w).(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(f, "\r\x1b[K")
	}
	fmt.Fprintln(t.w, clean(text))
}
