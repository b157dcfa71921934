package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/publish"
)

// plainEvery is how often a long phase says where it is, where there is no
// terminal to draw a bar on.
const plainEvery = 5 * time.Second

// progress shows how far a build is: a bar on a terminal, lines elsewhere.
type progress struct {
	w        io.Writer
	quiet    bool
	terminal bool

	mu      sync.Mutex
	phase   string
	started time.Time
	said    time.Time
	last    build.Progress
	bar     *progressbar.ProgressBar
}

func newProgress(w io.Writer, quiet bool) *progress {
	f, ok := unwrapped(w).(*os.File)
	return &progress{w: w, quiet: quiet, terminal: ok && term.IsTerminal(int(f.Fd()))}
}

func (p *progress) update(now build.Progress) {
	if p.quiet {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Phase != p.phase {
		p.endPhase()
		p.phase, p.started, p.said = now.Phase, time.Now(), time.Now()
		if p.terminal {
			p.bar = progressbar.NewOptions(now.Total,
				progressbar.OptionSetWriter(unwrapped(p.w)), progressbar.OptionSetDescription(fmt.Sprintf("%-17s", now.Phase)),
				progressbar.OptionShowCount(), progressbar.OptionThrottle(65*time.Millisecond),
				progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish(), progressbar.OptionSetPredictTime(true))
		}
	}
	if now.Done < p.last.Done && now.Phase == p.last.Phase {
		return // a report that was overtaken
	}
	p.last = now
	switch {
	case p.bar != nil:
		if p.bar.GetMax() != now.Total {
			p.bar.ChangeMax(now.Total) // it is known only now
		}
		// A bar that cannot be drawn is no reason to stop.
		_ = p.bar.Set(now.Done)
	case time.Since(p.said) > plainEvery:
		p.said = time.Now()
		stored := ""
		if now.Bytes > 0 {
			stored = fmt.Sprintf(", %s stored", size(now.Bytes))
		}
		fmt.Fprintf(p.w, "%s: %s of %s%s%s\n", now.Phase, grouped(now.Done), grouped(now.Total), stored, left(now.Done, now.Total, time.Since(p.started)))
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
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
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

// left says how long a phase will still take, if it goes on as it went so far.
func left(done, total int, since time.Duration) string {
	if done <= 0 || done >= total {
		return ""
	}
	rest := time.Duration(float64(since) / float64(done) * float64(total-done))
	return ", about " + timeText(max(rest.Round(time.Second), time.Second)) + " left"
}
