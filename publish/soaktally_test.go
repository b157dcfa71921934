package publish

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/regsnap/regsnap/internal/retry"
	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/publish/store/storetest/faultproxy"
)

// ingredient is something that happens in randomised runs.
type ingredient int

const (
	ranThrough ingredient = iota
	twoPublishers
	threePublishers
	fourPublishers
	kills
	killsWriting
	killsPruning
	published
	heldByPin
	olderThanLive
	toldToRunAgain
	gaveUp
	waitedForPrune
	prunes
	keptAway
	objectsPruned
	leftoversSwept
	rollbacks
	rollbacksAmid
	pins
	unpins
	reads
	readsOfOver
	reruns
	verified
	violations
	ingredients // how many there are
)

// ingredientNames are what a tally calls them. Those in need must have happened.
var ingredientNames = [ingredients]struct {
	name string
	need bool
}{
	ranThrough:      {"runs", true},
	twoPublishers:   {"with 2 publishers", true},
	threePublishers: {"with 3", true},
	fourPublishers:  {"with 4", true},
	kills:           {"kills", true},
	killsWriting:    {"while writing", true},
	killsPruning:    {"while pruning", true},
	published:       {"publishes", true},
	heldByPin:       {"held by a pin", true},
	olderThanLive:   {"older than live", true},
	toldToRunAgain:  {"told to run again", false},
	gaveUp:          {"gave up", false},
	waitedForPrune:  {"waits for prune", true},
	prunes:          {"prunes", true},
	keptAway:        {"prunes kept away by writers", true},
	objectsPruned:   {"objects pruned", true},
	leftoversSwept:  {"leftovers swept", false},
	rollbacks:       {"rollbacks", true},
	rollbacksAmid:   {"during a publish", true},
	pins:            {"pins", true},
	unpins:          {"unpins", true},
	reads:           {"reads", true},
	readsOfOver:     {"of snapshots that were over", false},
	reruns:          {"runs again that completed", true},
	verified:        {"snapshots verified in full", true},
	violations:      {"violations", false},
}

// enoughRuns is how many runs on a store are enough for every ingredient.
const enoughRuns = 50

// tally counts what happened on one store.
type tally struct {
	kind string

	mu     sync.Mutex
	counts [ingredients]int
	faults map[faultproxy.Fault]int
}

func newTally(kind string) *tally { return &tally{kind: kind, faults: map[faultproxy.Fault]int{}} }

func (c *tally) add(i ingredient, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[i] += n
}

func (c *tally) of(i ingredient) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts[i]
}

func (c *tally) addFaults(counts map[faultproxy.Fault]int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for f, n := range counts {
		c.faults[f] += n
	}
}

// addAll adds another tally, which nobody writes any more.
func (c *tally) addAll(o *tally) {
	for i, n := range o.counts {
		c.add(ingredient(i), n)
	}
	c.addFaults(o.faults)
}

// missing names what should have happened and did not.
func (c *tally) missing() (out []string) {
	for i, n := range c.counts {
		if n == 0 && ingredientNames[i].need {
			out = append(out, ingredientNames[i].name)
		}
	}
	if c.kind == "file" {
		return out // there is no network to fail
	}
	for _, f := range faultproxy.All {
		if c.faults[f] == 0 {
			out = append(out, "fault: "+string(f))
		}
	}
	return out
}

// report prints a tally. It fails if there were enough runs and yet something is
// missing.
func (c *tally) report(t *testing.T) {
	t.Log(c)
	if c.of(ranThrough) < enoughRuns {
		return
	}
	for _, what := range c.missing() {
		t.Errorf("%s: %s never happened", c.kind, what)
	}
}

func (c *tally) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var parts, kinds []string
	sum := 0
	for _, f := range faultproxy.All {
		kinds = append(kinds, fmt.Sprintf("%d %s", c.faults[f], f))
		sum += c.faults[f]
	}
	for i, n := range c.counts {
		if ingredient(i) == published {
			parts = append(parts, fmt.Sprintf("%d faults (%s)", sum, strings.Join(kinds, ", ")))
		}
		parts = append(parts, fmt.Sprintf("%d %s", n, ingredientNames[i].name))
	}
	return c.kind + ": " + strings.Join(parts, ", ")
}

func (c *tally) violation(t testing.TB, format string, args ...any) {
	t.Helper()
	c.add(violations, 1)
	t.Errorf("violation: "+format, args...)
}

// outcome sorts what became of a publish. ok is false when nothing explains it.
func outcome(m *Moved, err error) (_ ingredient, ok bool) {
	switch {
	case errors.Is(err, ErrOlder):
		return olderThanLive, true
	case errors.Is(err, ErrPruned), errors.Is(err, store.ErrConflict):
		return toldToRunAgain, true
	case errors.Is(err, fs.ErrNotExist):
		// The live snapshot that the build began from was over before it had
		// read all of it.
		return toldToRunAgain, true
	case errors.Is(err, retry.ErrGaveUp):
		return gaveUp, true
	case err != nil:
		return violations, false
	case m.Held:
		return heldByPin, true
	}
	return published, true
}

// TestTally: a tally tells what is missing.
func TestTally(t *testing.T) {
	for _, kind := range []string{"file", "s3"} {
		c := newTally(kind)
		for i := range ingredients {
			c.add(i, int(i)+1)
		}
		for _, f := range faultproxy.All {
			c.addFaults(map[faultproxy.Fault]int{f: 2})
		}
		if got := c.missing(); len(got) > 0 {
			t.Errorf("%s: %q is missing, but all has happened", kind, got)
		}
		if text := c.String(); !strings.Contains(text, "16 faults (2 reset before, ") || !strings.Contains(text, "1 runs, 2 with 2 publishers, ") {
			t.Error(text)
		}
		total := newTally("total")
		total.addAll(c)
		total.addAll(c)
		if total.of(rollbacks) != 2*c.of(rollbacks) || total.faults[faultproxy.Late] != 4 {
			t.Errorf("twice %v is not %v", c, total)
		}
		c.counts[rollbacks] = 0
		delete(c.faults, faultproxy.LostResponse)
		want := []string{"rollbacks"}
		if kind != "file" {
			want = append(want, "fault: lost response")
		}
		if got := c.missing(); !slices.Equal(got, want) {
			t.Errorf("%s: %q is missing, want %q", kind, got, want)
		}
	}
}
