package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/serve/check"
)

// watchFlags are those of status that go with --watch.
func watchFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "watch", Aliases: []string{"w"}, Usage: "follow what is live through the hosts that answer, until all show it"},
		&cli.StringSliceFlag{Name: "edge", Usage: "ask the edge at `URL` (repeat for several; default: the hostname of each environment)"},
		hostFlag(), lookEveryFlag(5*time.Second, ""), timeoutFlag(10*time.Minute, "if a host does not show what is live; 0 asks once"), rateFlag(check.DefaultFollowRate),
	}
}

// checkWatch holds --watch and what goes with it together.
func checkWatch(c *cli.Context) error {
	if c.Bool("watch") {
		if c.Args().Present() {
			return usagef("--watch follows environments, not the package %q", c.Args().First())
		}
		return nil
	}
	for _, name := range []string{"edge", "host", "look-every", "timeout", "max-rate"} {
		if c.IsSet(name) {
			return usagef("--%s goes with --watch", name)
		}
	}
	return nil
}

// errLagging: a host does not show what is live.
var errLagging = errors.New("not every host shows what is live")

// watchedHost is a line of `regsnap status --watch --json`.
type watchedHost struct {
	check.Shown
	// At is when the host was seen to show this.
	At time.Time `json:"at"`
}

// runWatch asks the hosts again and again until all show what is live.
func runWatch(c *cli.Context, cfg config, bucket *publish.Bucket) error {
	places, err := watchedPlaces(c, cfg, bucket)
	if err != nil {
		return err
	}
	f, err := check.NewFollower(check.FollowOptions{Bucket: bucket, Places: places, Rate: c.Float64("max-rate"), UserAgent: "regsnap-status/" + version()})
	if err != nil {
		return usageError{err}
	}
	every := timeOf(c, "look-every")
	if every <= 0 {
		return usagef("--look-every %s: want a time above 0", timeText(every))
	}
	w := newWatchView(c)
	end := time.Now().Add(timeOf(c, "timeout"))
	for {
		shown, err := f.Look(c.Context)
		if err != nil {
			return err
		}
		behind, err := w.show(shown, time.Now())
		if err != nil || behind == 0 {
			return err
		}
		if rest := time.Until(end); rest <= 0 {
			return fmt.Errorf("%w: %d of %s", errLagging, behind, plural(len(shown), "host"))
		} else if err := pause(c.Context, min(every, rest)); err != nil {
			return err
		}
	}
}

// pause waits, unless ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// watchedPlaces are those of --edge, or the hostnames of environments.
func watchedPlaces(c *cli.Context, cfg config, bucket *publish.Bucket) ([]check.Place, error) {
	var out []check.Place
	if edges := c.StringSlice("edge"); len(edges) > 0 {
		env, err := oneEnv(c)
		if err != nil {
			return nil, err
		}
		for _, url := range edges {
			p := check.Place{Environment: env, URL: url, Host: c.String("host")}
			if p.Environment == "" {
				p.Environment = cfg.environmentAt(url, p.Host)
			}
			if p.Environment == "" {
				return nil, usagef("which environment does the edge show? Give --env NAME")
			}
			out = append(out, p)
		}
		return out, nil
	}
	if c.IsSet("host") {
		return nil, usagef("--host goes with --edge URL: a hostname is asked as it is")
	}
	live, err := bucket.Environments(c.Context)
	if err != nil {
		return nil, err
	}
	only := c.StringSlice("env")
	for _, name := range live {
		if len(only) > 0 && !slices.Contains(only, name) {
			continue
		}
		p, err := bucket.Pointer(c.Context, name)
		if err != nil {
			return nil, err
		}
		host := cfg.hostOf(&publish.Status{Environment: name, Preview: p.Preview})
		if host != "" {
			out = append(out, check.Place{Environment: name, URL: "https://" + host})
		} else if len(only) > 0 {
			return nil, usagef("%s has no hostname in regsnap.yml: give --edge URL", name)
		}
	}
	for _, name := range only {
		if !slices.Contains(live, name) {
			return nil, errNoEnvironment(name, live)
		}
	}
	if len(out) == 0 {
		return nil, usagef("no environment that is live has a hostname in regsnap.yml: give --edge URL")
	}
	return out, nil
}

// watchView shows what hosts show: a table that is drawn again on a terminal, a line for
// each change elsewhere.
type watchView struct {
	out    io.Writer
	screen screen
	json   bool
	// height is how many lines the terminal has; 0 without one to draw on.
	height  int
	drawn   int
	began   time.Time
	now     []check.Shown
	changed []time.Time
}

func newWatchView(c *cli.Context) *watchView {
	w := &watchView{out: c.App.Writer, screen: screenOf(c), json: c.Bool("json")}
	if f, ok := unwrapped(c.App.Writer).(*os.File); ok && !w.json && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" {
		if _, height, err := term.GetSize(int(f.Fd())); err == nil {
			w.out, w.height = f, height
		}
	}
	return w
}

// show shows what has changed, and returns how many hosts do not show what is live.
func (w *watchView) show(shown []check.Shown, at time.Time) (behind int, err error) {
	if w.now == nil {
		w.began, w.now, w.changed = at, make([]check.Shown, len(shown)), make([]time.Time, len(shown))
	}
	for i, s := range shown {
		if s.Shows != check.ShowsLive {
			behind++
		}
		if s != w.now[i] {
			w.now[i], w.changed[i] = s, at
			err = errors.Join(err, w.line(s, at))
		}
	}
	if w.height > 0 {
		err = errors.Join(err, w.draw(at))
	}
	if behind == 0 && !w.json && err == nil {
		_, err = fmt.Fprintf(w.out, "%s what is live, after %s\n", everyHost(len(shown)), timeText(at.Sub(w.began).Round(time.Second)))
	}
	return behind, err
}

func everyHost(n int) string {
	if n == 1 {
		return "the host shows"
	}
	return fmt.Sprintf("all %d hosts show", n)
}

// line says what a host shows, where no table is drawn.
func (w *watchView) line(s check.Shown, at time.Time) error {
	switch {
	case w.json:
		e := json.NewEncoder(w.out)
		e.SetEscapeHTML(false)
		return e.Encode(watchedHost{s, at.UTC()})
	case w.height > 0:
		return nil
	}
	text, _ := showsText(s)
	for _, more := range []string{s.Snapshot, s.Detail} {
		if more != "" {
			text += ", " + more
		}
	}
	_, err := fmt.Fprintf(w.out, "%s %s %s: %s\n", at.UTC().Format("15:04:05 UTC"), s.Environment, clean(hostText(s)), clean(text))
	return err
}

// draw draws the table over the one before.
func (w *watchView) draw(at time.Time) error {
	t := table{columns: []column{{title: "ENVIRONMENT", drop: 1}, {title: "HOST", least: 12}, {title: "SHOWS"}, {title: "SNAPSHOT"}, {title: "FOR", right: true, drop: 2}, {title: "DETAIL", least: 12, drop: 3}}}
	for i, s := range w.now {
		text, colour := showsText(s)
		t.row(cell{text: s.Environment}, cell{text: clean(hostText(s))}, cell{text: text, colour: colour}, idCell(s.Snapshot),
			cell{text: timeText(at.Sub(w.changed[i]).Round(time.Second))}, cell{text: clean(s.Detail)})
	}
	var b strings.Builder
	if w.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\x1b[J", w.drawn) // up, and clear to the end of the screen
	}
	if err := t.write(&b, w.screen); err != nil {
		return err
	}
	// What has scrolled out of the terminal cannot be drawn over.
	w.drawn = min(len(w.now)+1, max(w.height-1, 1))
	_, err := io.WriteString(w.out, b.String())
	return err
}

// hostText is where a host is.
func hostText(s check.Shown) string {
	where := strings.TrimPrefix(s.URL, "https://")
	if s.Host != "" {
		where += " as " + s.Host
	}
	return where
}

// showsText says in words what a host shows, in its colour.
func showsText(s check.Shown) (text, colour string) {
	switch s.Shows {
	case check.ShowsLive:
		return "live", green
	case check.ShowsFormer:
		if s.Snapshot == s.Previous {
			return "previous", yellow
		}
		return "older", yellow
	case check.ShowsMixed:
		return "several snapshots", yellow
	case check.ShowsOther:
		return "another answer", red
	}
	return "no answer", red
}
