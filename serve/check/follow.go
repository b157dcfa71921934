package check

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
)

// Place is where an edge is that is to show what is live in an environment.
type Place struct {
	Environment string
	// URL and Host are as those of Options.
	URL, Host string
}

// FollowOptions say whom a Follower asks. Bucket and Places are needed.
type FollowOptions struct {
	Bucket *publish.Bucket
	Places []Place
	// Rate is how many requests are sent in a second, to all edges together;
	// DefaultFollowRate if 0.
	Rate float64
	// Timeout is for one request to its last byte; DefaultFollowTimeout if 0.
	Timeout time.Duration
	// UserAgent is as that of Options.
	UserAgent string
}

// Values of FollowOptions that are not given.
const (
	DefaultFollowRate    = 10
	DefaultFollowTimeout = 10 * time.Second
)

// Shows is of which snapshot an edge's answers are.
type Shows string

// What an edge can show.
const (
	// ShowsLive: every answer is that of the live snapshot.
	ShowsLive Shows = "live"
	// ShowsFormer: every answer is that of one snapshot that was live before.
	ShowsFormer Shows = "former"
	// ShowsMixed: the answers are those of several snapshots.
	ShowsMixed Shows = "mixed"
	// ShowsOther: an answer is that of no snapshot that was live lately.
	ShowsOther Shows = "other"
	// ShowsNothing: a request was not answered.
	ShowsNothing Shows = "nothing"
)

// Shown is what an edge shows.
type Shown struct {
	Environment string `json:"environment"`
	URL         string `json:"url"`
	Host        string `json:"host,omitempty"`
	// Live is the snapshot that is to be shown, Previous the one that was before it,
	// if that is known.
	Live     string `json:"live_snapshot"`
	Previous string `json:"previous_snapshot,omitempty"`
	Shows    Shows  `json:"shows"`
	// Snapshot is the one that gives all of the answers; empty if no snapshot does.
	Snapshot string `json:"snapshot,omitempty"`
	// Detail says more where the edge does not show what is live, or where nothing
	// can tell that it does.
	Detail string `json:"detail,omitempty"`
}

// Follower finds out which snapshot edges show. No edge names its snapshot: a Follower
// asks for what the live snapshot and the one before answer differently.
type Follower struct {
	o     FollowOptions
	edges []followed

	mu     sync.Mutex
	loaded map[loadedKey]loaded
	plans  map[string]*followPlan
}

// followed is an edge, and how it is asked.
type followed struct {
	Place
	options Options
	remote  *remote
}

type loadedKey struct{ environment, id, prefix string }

// NewFollower checks the options. The error is ErrOptions.
func NewFollower(o FollowOptions) (*Follower, error) {
	o.Rate, o.Timeout = orElse(o.Rate, DefaultFollowRate), orElse(o.Timeout, DefaultFollowTimeout)
	if len(o.Places) == 0 || !(o.Rate > 0) || o.Timeout < 0 {
		return nil, fmt.Errorf("%w: want an edge, and a rate and a time above 0", ErrOptions)
	}
	f := &Follower{o: o, loaded: map[loadedKey]loaded{}, plans: map[string]*followPlan{}}
	limiter := rate.NewLimiter(rate.Limit(o.Rate), 1)
	for _, e := range o.Places {
		each, err := Options{
			Bucket: o.Bucket, Environment: e.Environment, URL: e.URL, Host: e.Host, Rate: o.Rate, Timeout: o.Timeout, UserAgent: o.UserAgent,
		}.withDefaults()
		if err != nil {
			return nil, err
		}
		x := followed{e, each, newRemote(each)}
		x.remote.rate = limiter
		f.edges = append(f.edges, x)
	}
	return f, nil
}

// Look asks every edge once, and gives what each shows in the order of the places. The
// error is that of the bucket, or of ctx.
func (f *Follower) Look(ctx context.Context) ([]Shown, error) {
	plans := map[string]*followPlan{}
	for _, e := range f.edges {
		if plans[e.Environment] != nil {
			continue
		}
		plan, err := f.plan(ctx, e)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Environment, err)
		}
		plans[e.Environment] = plan
	}
	out := make([]Shown, len(f.edges))
	g, asking := errgroup.WithContext(ctx)
	for i, e := range f.edges {
		g.Go(func() (err error) {
			out[i], err = f.look(asking, e, plans[e.Environment])
			return err
		})
	}
	return out, g.Wait()
}

// look asks an edge all that the plan has, and finds the snapshot that answers all of it
// alike. Snapshots have answers in common: one answer alone may be that of several.
func (f *Follower) look(ctx context.Context, e followed, plan *followPlan) (Shown, error) {
	s := Shown{
		Environment: e.Environment, URL: withoutPassword(e.options.URL), Host: e.Host, Live: plan.live, Previous: plan.previous,
	}
	var all []came
	var details []string
	for _, target := range plan.targets {
		got, silence, err := f.ask(ctx, e, plan, target)
		switch {
		case ctx.Err() != nil:
			return s, ctx.Err()
		case err != nil:
			return s, err
		case silence != nil:
			s.Shows, s.Detail = ShowsNothing, target+": "+shorten(silence.Error())
			return s, nil
		}
		id, err := f.match(ctx, e, plan, got)
		if err != nil {
			return s, err
		}
		if id == "" {
			s.Shows, s.Detail = ShowsOther, fmt.Sprintf("%s: %d, with an answer of no snapshot that was live lately", target, got.status)
			return s, nil
		}
		all, details = append(all, got), append(details, target+" of "+id)
	}
	id, err := f.match(ctx, e, plan, all...)
	switch {
	case err != nil:
		return s, err
	case id == "":
		s.Shows, s.Detail = ShowsMixed, strings.Join(details, ", ")
	case id == plan.live:
		s.Shows, s.Snapshot, s.Detail = ShowsLive, id, plan.detail
	default:
		s.Shows, s.Snapshot = ShowsFormer, id
	}
	return s, nil
}

// came is what an edge said to a request, and how that is compared.
type came struct {
	*reply
	target string
	same   func(a, b *reply) bool
}

// ask sends a request to an edge. HEAD is enough where validators come through. silence is
// why no answer came; err is that of the bucket.
func (f *Follower) ask(ctx context.Context, e followed, plan *followPlan, target string) (c came, silence, err error) {
	want, err := f.own(ctx, e, plan.live, target)
	if err != nil {
		return came{}, nil, err
	}
	if got, err := e.remote.once(ctx, getting(http.MethodHead, target), want); err == nil {
		c := came{got, target, sameTag}
		if id, err := f.match(ctx, e, plan, c); id != "" || err != nil {
			return c, nil, err
		}
	}
	got, silence := e.remote.once(ctx, getting(http.MethodGet, target), want)
	return came{got, target, sameBody}, silence, nil
}

// match is the first snapshot that gives all of some answers; "" if none does.
func (f *Follower) match(ctx context.Context, e followed, plan *followPlan, answers ...came) (string, error) {
	for _, id := range plan.candidates {
		alike := true
		for _, c := range answers {
			own, err := f.own(ctx, e, id, c.target)
			if err != nil && (id == plan.live || ctx.Err() != nil) {
				return "", err
			}
			if alike = err == nil && c.same(c.reply, own); !alike {
				break
			}
		}
		if alike {
			return id, nil
		}
	}
	return "", nil
}

// own is what a snapshot of the bucket answers.
func (f *Follower) own(ctx context.Context, e followed, id, target string) (*reply, error) {
	r, err := f.load(ctx, e, id)
	if err != nil {
		return nil, err
	}
	return r.answer(ctx, getting(http.MethodGet, target), e.options.prefix())
}

func getting(method, target string) ask { return probe{target: target}.ask(method, "", identity) }

// sameTag compares validators. A proxy that encodes makes them weak (RFC 9110, section
// 8.8.3.2: the weak comparison).
func sameTag(a, b *reply) bool {
	tag := func(r *reply) string { return strings.TrimPrefix(r.header.Get("Etag"), "W/") }
	return a.status == b.status && tag(a) != "" && tag(a) == tag(b)
}

func sameBody(a, b *reply) bool { return a.status == b.status && a.plain.equal(b.plain) }

// candidates are the live snapshot, and those that were live lately, the last one first.
func candidates(p layout.Pointer, now time.Time) []string {
	out := []string{p.Snapshot}
	for _, id := range p.Lived(now.Add(-formerWithin)) {
		if id != p.Snapshot && len(out) <= maxFormer {
			out = append(out, id)
		}
	}
	return out
}
