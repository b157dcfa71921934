package main

import (
	"math"
	"time"
)

// estimate says when work will be done, from how fast it went lately. What it says stays
// the same until that is clearly wrong: an estimate that jumps is of no use to anyone.
type estimate struct {
	started, sampled time.Time
	first            int // how much was done when it began
	done, total      int
	rate             float64   // units a second; 0 until it is known
	end              time.Time // what is shown; zero until something is
}

const (
	// estimateAfter is how long work goes on before its pace says anything.
	estimateAfter = 2 * time.Second
	// estimateEvery is how far apart looks at the pace are: in less time a few large
	// units make all the difference.
	estimateEvery = 500 * time.Millisecond
	// estimateWindow is how far back the pace is looked at, as the time constant of an
	// exponential average.
	estimateWindow = 20 * time.Second
	// estimateShare is how wrong what is shown may be, as a share of what is left.
	estimateShare = 0.2
)

// update notes how much is done at a time. A total that is not known is 0.
func (e *estimate) update(done, total int, now time.Time) {
	switch {
	case e.started.IsZero():
		*e = estimate{started: now, sampled: now, first: done, done: done, total: total}
		return
	case total != e.total: // it is known only now, or there is more to do
		e.total, e.end = total, time.Time{}
	}
	since := now.Sub(e.sampled)
	if since < estimateEvery || done < e.done {
		return
	}
	if pace := float64(done-e.done) / since.Seconds(); e.rate == 0 {
		e.rate = float64(done-e.first) / now.Sub(e.started).Seconds()
	} else {
		e.rate += (1 - math.Exp(-since.Seconds()/estimateWindow.Seconds())) * (pace - e.rate)
	}
	e.sampled, e.done = now, done
	if now.Sub(e.started) < estimateAfter || e.rate <= 0 || total <= 0 {
		return
	}
	rest := float64(total-done) / e.rate
	if rest > maxEstimate.Seconds() {
		e.end = time.Time{}
		return
	}
	end := now.Add(time.Duration(rest * float64(time.Second)))
	if off := end.Sub(e.end).Abs(); e.end.IsZero() || off > time.Duration(estimateShare*rest*float64(time.Second))+time.Second {
		e.end = end
	}
}

// maxEstimate is the longest time that is worth saying.
const maxEstimate = 100 * time.Hour

// left is ", about 12s left"; "" while that cannot be said.
func (e *estimate) left(done, total int, now time.Time) string {
	if e.end.IsZero() || total <= 0 || done >= total {
		return ""
	}
	rest := max(e.end.Sub(now), time.Second)
	unit := time.Second
	switch {
	case rest > time.Hour:
		unit = 5 * time.Minute
	case rest > 10*time.Minute:
		unit = time.Minute
	case rest > time.Minute:
		unit = 10 * time.Second
	}
	return ", about " + timeText(rest.Round(unit)) + " left"
}
