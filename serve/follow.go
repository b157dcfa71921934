package serve

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// snapshot is a published snapshot, ready to answer. It never changes, so a
// request that holds one gets all of its answer from it.
type snapshot struct {
	env, id string
	table   *answer.Table
	// modified is the time of the snapshot's newest commit, as Last-Modified of
	// files and archives: a time that depends on no clock of ours. Empty when
	// the snapshot knows no commit.
	modified string
	// cacheControl are the values of Cache-Control by class, a header line each.
	cacheControl [layout.CacheError + 1][]string
	// answers remembers queries: clients send the same few again and again.
	answers *otter.Cache[question, answer.Answer]
}

// modifiedOf reads the time in a snapshot id.
func modifiedOf(id string) string {
	at, _, _ := strings.Cut(id, "-")
	t, err := time.Parse(layout.SnapshotTime, at)
	if err != nil {
		return ""
	}
	return t.UTC().Format(http.TimeFormat)
}

// question is a request to /search or /categories.
type question struct{ path, query string }

const (
	// maxAnswers is how many queries a snapshot remembers the answers of: more
	// than all Kibana versions send, and about 2 MiB.
	maxAnswers = 4096
	// maxQuestion is the longest query string worth remembering, in bytes.
	maxQuestion = 256
)

func newSnapshot(env, id string, t *answer.Table) *snapshot {
	s := &snapshot{env: env, id: id, table: t, modified: modifiedOf(id),
		answers: otter.Must(&otter.Options[question, answer.Answer]{MaximumSize: maxAnswers}),
	}
	for class := range s.cacheControl {
		s.cacheControl[class] = t.Cache.Header(layout.CacheClass(class))
	}
	return s
}

// answer is layout's, remembered for queries. Of a response only what names it
// is kept; explain gives the rest, where it is needed.
func (s *snapshot) answer(method string, u *url.URL) answer.Answer {
	get := method == http.MethodGet || method == http.MethodHead
	if !get || u.Path != "/search" && u.Path != "/categories" || len(u.RawQuery) > maxQuestion {
		return s.table.Answer(method, u)
	}
	q := question{u.Path, u.RawQuery}
	if a, ok := s.answers.GetIfPresent(q); ok {
		return a
	}
	a := s.table.Answer(method, u)
	short := a
	if a.Kind == answer.Search || a.Kind == answer.Count {
		short.Body, short.Selection = nil, answer.Selection{}
	}
	s.answers.Set(q, short)
	return a
}

// explain is the whole answer to a query.
func (s *snapshot) explain(u *url.URL) answer.Answer { return s.table.Answer(http.MethodGet, u) }

// follow keeps an environment at what its pointer says until ctx ends.
func (h *Handler) follow(ctx context.Context, env *environment) {
	for {
		// Many servers that were started together should not ask together.
		wait := time.NewTimer(time.Duration(float64(h.o.Poll) * (0.8 + 0.4*rand.Float64())))
		select {
		case <-ctx.Done():
			wait.Stop()
			return
		case <-wait.C:
		}
		h.refresh(ctx, env)
	}
}

// Refresh looks at the pointers now, without waiting for the next time.
func (h *Handler) Refresh(ctx context.Context) error {
	var errs []error
	for _, env := range h.all {
		h.refresh(ctx, env)
		env.loading.Lock()
		if env.failure != "" {
			errs = append(errs, errors.New(env.failure))
		}
		env.loading.Unlock()
	}
	return errors.Join(errs...)
}

// refresh looks at the pointer once. Whatever fails, the snapshot that was live
// stays; it is told once, not at every attempt.
func (h *Handler) refresh(ctx context.Context, env *environment) {
	env.loading.Lock()
	defer env.loading.Unlock()
	err := h.load(ctx, env)
	switch {
	case err == nil:
		if env.failure != "" {
			env.failure = ""
			h.o.Log.Info("the pointer can be followed again", "env", env.name)
		}
	case ctx.Err() != nil:
	default:
		h.metrics.followFailures.WithLabelValues(env.name).Inc()
		if text := err.Error(); text != env.failure {
			env.failure = text
			h.o.Log.Error("cannot follow the pointer: what was live stays live", "env", env.name, "error", err, "snapshot", env.liveID())
		}
	}
}

func (h *Handler) load(ctx context.Context, env *environment) error {
	ctx, cancel := context.WithTimeout(ctx, h.o.StoreTimeout)
	defer cancel()
	p, err := h.store.Pointer(ctx, env.name)
	err = env.refused(p, err)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("environment %s has no snapshot yet: %w", env.name, err)
	}
	if err != nil {
		return err
	}
	env.checked.Store(time.Now().Unix())
	env.told.Store(h.newTold(p))
	old := env.liveID()
	if p.Snapshot == old {
		return nil
	}
	routes, err := h.store.Routes(ctx, env.name, p.Snapshot)
	if err != nil {
		return fmt.Errorf("snapshot %s: %w", p.Snapshot, err)
	}
	table, err := answer.NewTable(routes)
	if err != nil {
		return fmt.Errorf("snapshot %s: %w", p.Snapshot, err)
	}
	env.live.Store(newSnapshot(env.name, p.Snapshot, table))
	if !env.preview {
		h.metrics.setSnapshot(env.name, old, p.Snapshot)
	}
	h.o.Log.Info("snapshot is live", "env", env.name, "snapshot", p.Snapshot, "before", old, "packages", routes.Rows())
	return nil
}

// liveID is empty when nothing is live.
func (e *environment) liveID() string {
	if s := e.live.Load(); s != nil {
		return s.id
	}
	return ""
}
