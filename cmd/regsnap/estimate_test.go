package main

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"
)

// paces are how work goes: how much is done after a time, of 1000.
var paces = map[string]func(seconds float64, rnd *rand.Rand) float64{
	"steady":    func(s float64, _ *rand.Rand) float64 { return 10 * s },
	"in bursts": func(s float64, _ *rand.Rand) float64 { return 10 * (s - float64(int(s*10)%30)/10) },
	"jittery":   func(s float64, rnd *rand.Rand) float64 { return 10*s - 5*rnd.Float64() },
	"slow":      func(s float64, _ *rand.Rand) float64 { return s },
}

// TestEstimateIsSteady: at a pace that does not change, what is said to be left is right,
// and it goes down as a clock does, but for a few corrections.
func TestEstimateIsSteady(t *testing.T) {
	start := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	for name, pace := range paces {
		rnd := rand.New(rand.NewPCG(1, 2))
		var e estimate
		corrections, said := 0, 0
		most := 0.0
		var end time.Time
		whole := 100.0
		if name == "slow" {
			whole = 1000
		}
		for at := 0.0; at < whole; at += 0.1 {
			now := start.Add(time.Duration(at * float64(time.Second)))
			most = max(most, pace(at, rnd))
			e.update(int(most), 1000, now)
			text := e.left(int(most), 1000, now)
			if at < estimateAfter.Seconds() && text != "" {
				t.Fatalf("%s: after %.1f s it says %q", name, at, text)
			}
			if text == "" {
				continue
			}
			said++
			if !e.end.Equal(end) {
				end = e.end
				corrections++
			}
			rest := whole - at
			if off := e.end.Sub(now).Seconds() - rest; at > 30 && (off > 0.35*rest+5 || -off > 0.35*rest+5) {
				t.Errorf("%s: after %.1f s it says %q, %.1f s are left", name, at, text, rest)
			}
		}
		if corrections > 25 || said < int(whole*9) {
			t.Errorf("%s: corrected %d times, said %d times", name, corrections, said)
		}
	}
}

// TestEstimateFollows: where the pace changes for good, what is said follows within a
// minute.
func TestEstimateFollows(t *testing.T) {
	start := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	var e estimate
	done := 0.0
	for at := 0; at < 120; at++ {
		if at < 60 {
			done += 100
		} else {
			done += 10
		}
		e.update(int(done), 10_000, start.Add(time.Duration(at)*time.Second))
	}
	now := start.Add(119 * time.Second)
	if rest := e.end.Sub(now).Seconds(); rest < 150 || rest > 400 {
		t.Errorf("%.0f s are said to be left, of about %.0f", rest, (10_000-done)/10)
	}
}

// TestEstimateUnknown: without a total, at its end, or before anything is done nothing is
// said.
func TestEstimateUnknown(t *testing.T) {
	start := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	for name, c := range map[string]struct{ step, total int }{"no total": {1, 0}, "nothing done": {0, 10}, "more than all": {10, 20}} {
		var e estimate
		for at := range 60 {
			now := start.Add(time.Duration(at) * time.Second)
			e.update(c.step*at, c.total, now)
			text := e.left(c.step*at, c.total, now)
			if text != "" && (c.total == 0 || c.step*at >= c.total || c.step == 0) {
				t.Errorf("%s: says %q at %d of %d", name, text, c.step*at, c.total)
			}
		}
	}
	// A total that is known only later.
	var e estimate
	for at := range 20 {
		total := 0
		if at >= 10 {
			total = 40
		}
		now := start.Add(time.Duration(at) * time.Second)
		e.update(at, total, now)
		if text := e.left(at, total, now); (text != "") != (at >= 10) {
			t.Errorf("after %d s, %d of %d: %q", at, at, total, text)
		}
	}
}

// TestBarFits: no bar is wider than the terminal, whatever there is to say, and it says how
// much is done wherever there is room.
func TestBarFits(t *testing.T) {
	shape := regexp.MustCompile(`^\S.* (\[=* *\] )? *\d+%  [\d,]+ of [\d,]+(, about \S+ left)?$`)
	for width := 10; width <= 200; width++ {
		for _, left := range []string{"", ", about 12s left", ", about 1h25m left"} {
			for _, n := range [][2]int{{0, 1}, {1, 1}, {5, 9}, {120, 240}, {999_999, 1_041_579}, {3, 0}, {12, 7}} {
				line := barLine(width, "render production", n[0], n[1], left)
				if columns(line) >= width {
					t.Errorf("%d columns: %q", width, line)
				}
				if width >= 60 && n[1] > 0 && !shape.MatchString(line) {
					t.Errorf("%d columns: %q", width, line)
				}
				if width >= 80 && n[1] > 0 && (!strings.Contains(line, "[") || !strings.HasSuffix(line, left)) {
					t.Errorf("%d columns: %q", width, line)
				}
			}
		}
	}
}
