package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/publish"
)

// drawEvery is how often a bar is drawn at most.
const drawEvery = 65 * time.Millisecond

// plainEvery is how often a long phase says where it is, where there is no
// terminal to draw a bar on.
const plainEvery = 5 * time.Second

// progress shows how far a build is: a bar on a terminal, lines elsewhere.
type progress struct {
	w        io.Writer
	quiet    bool
	terminal bool
	width    int

	mu      sync.Mutex
	phase   string
	started time.Time
	said    time.Time // when what is shown was
	last    build.Progress
	pace    estimate
}

func newProgress(w io.Writer, quiet bool) *progress {
	f, ok := unwrapped(w).(*os.File)
	p := &progress{w: w, quiet: quiet, terminal: ok && term.IsTerminal(int(f.Fd()))}
	if p.terminal {
		p.w, p.width = f, screenFor(f, "never").width
	}
	return p
}

func (p *progress) update(now build.Progress) {
	if p.quiet {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Phase != p.phase {
		p.endPhase()
		p.phase, p.started, p.said, p.pace = now.Phase, time.Now(), time.Now(), estimate{}
	}
	if now.Done < p.last.Done && now.Phase == p.last.Phase {
		return // a report that was overtaken
	}
	p.last = now
	p.pace.update(now.Done, now.Total, time.Now())
	left := p.pace.left(now.Done, now.Total, time.Now())
	switch {
	case p.terminal && time.Since(p.said) > drawEvery:
		p.said = time.Now()
		fmt.Fprintf(p.w, "\r%s\x1b[K", barLine(p.width, now.Phase, now.Done, now.Total, left))
	case p.terminal:
	case time.Since(p.said) > plainEvery:
		p.said = time.Now()
		stored := ""
		if now.Bytes > 0 {
			stored = fmt.Sprintf(", %s stored", size(now.Bytes))
		}
		fmt.Fprintf(p.w, "%s: %s of %s%s%s\n", now.Phase, grouped(now.Done), grouped(now.Total), stored, left)
	}
}

// finish ends the last phase.
func (p *progress) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endPhase()
}

func (p *progress) endPhase() {
	if p.phase == "" {
		return
	}
	if p.terminal {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
	fmt.Fprintf(p.w, "%-17s %5s of %s in %.1f s\n", p.phase, grouped(p.last.Done), grouped(p.last.Total), time.Since(p.started).Seconds())
	p.phase, p.last = "", build.Progress{}
}

// step is update for work that stores nothing.
func (p *progress) step(phase string, done, total int) {
	p.update(build.Progress{Phase: phase, Done: done, Total: total})
}

// copied is update for a copy.
func (p *progress) copied(phase string, n publish.Copied) {
	p.update(build.Progress{Phase: phase, Done: n.Units, Total: n.Total, Bytes: n.Bytes})
}
