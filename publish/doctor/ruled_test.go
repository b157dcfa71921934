package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// rule is what a store answers to some requests: "put packages/" are those that create
// what is under packages/. The first rule that fits decides.
type rule struct {
	requests string
	err      error // nil: they are carried out
}

var errOutOfOrder = errors.New("out of order")

func denied(requests ...string) []rule { return ruled(fs.ErrPermission, requests...) }

func broken(requests ...string) []rule { return ruled(errOutOfOrder, requests...) }

func ruled(err error, requests ...string) []rule {
	var out []rule
	for _, r := range requests {
		out = append(out, rule{r, err})
	}
	return out
}

// ruledStore is a store in memory that looks at rules before anything else.
type ruledStore struct {
	store.Store
	rules []rule
	// careless: conditions of writes are not looked at that an object is not there, or is
	// in a state.
	carelessCreate, carelessOverwrite bool
	// folder: there are files.
	folder bool
	// keeps: what is deleted stays.
	keeps bool
	// secretive: what is missing may not be read.
	secretive bool
	// plain: nothing can be replaced.
	plain    bool
	settings func() []store.Setting
	// asked are the keys for which settings were asked, put and replaced the objects that
	// came, leases what was written into them.
	asked         []string
	put, replaced []layout.Object
	leases        [][]byte
	// ends is which request has stop called, from 1; late are those after it.
	ends int
	stop func()
	late []string
	// fails is which request is answered by with, from 1; count counts them.
	fails, count int
	with         error
	failed       string
}

func (s *ruledStore) ruling(request, key string) error {
	if s.count++; s.ends > 0 && s.count > s.ends {
		s.late = append(s.late, request+" "+key)
	}
	switch s.count {
	case s.fails:
		s.failed = request + " " + key
		return s.with
	case s.ends:
		s.failed = request + " " + key
		s.stop()
		return context.Canceled
	}
	for _, r := range s.rules {
		if strings.HasPrefix(request+" "+key, r.requests) {
			if r.err != nil {
				return fmt.Errorf("%s: %w", request, r.err)
			}
			return nil
		}
	}
	return nil
}

func (s *ruledStore) Put(ctx context.Context, o layout.Object) error {
	if err := s.ruling("put", o.Key); err != nil {
		return err
	}
	s.put = append(s.put, o)
	return s.Store.Put(ctx, o)
}

func (s *ruledStore) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, int64, error) {
	if err := s.ruling("open", key); err != nil {
		return nil, 0, err
	}
	body, size, err := s.Store.Open(ctx, key, offset, length)
	if s.secretive && errors.Is(err, fs.ErrNotExist) {
		err = fs.ErrPermission
	}
	if err == nil {
		if failure := s.ruling("read", key); failure != nil {
			body = brokenBody{body, failure}
		}
	}
	return body, size, err
}

// brokenBody is one whose end does not come.
type brokenBody struct {
	io.ReadCloser
	err error
}

func (b brokenBody) Read([]byte) (int, error) { return 0, b.err }

func (s *ruledStore) List(ctx context.Context, prefix string) iter.Seq2[store.ObjectInfo, error] {
	if err := s.ruling("list", prefix); err != nil {
		return func(yield func(store.ObjectInfo, error) bool) { yield(store.ObjectInfo{}, err) }
	}
	return func(yield func(store.ObjectInfo, error) bool) {
		var all []store.ObjectInfo
		for o, err := range s.Store.List(ctx, prefix) {
			if err != nil {
				yield(o, err)
				return
			}
			all = append(all, o)
		}
		for _, o := range slices.Backward(all) { // in an order that is not that of the keys
			if !yield(o, nil) {
				return
			}
		}
	}
}

func (s *ruledStore) Delete(ctx context.Context, key string) error {
	if err := s.ruling("delete", key); err != nil || s.keeps {
		return err
	}
	return s.Store.Delete(ctx, key)
}

func (s *ruledStore) Load(ctx context.Context, key string) ([]byte, store.Token, error) {
	if err := s.ruling("load", key); err != nil {
		return nil, "", err
	}
	return s.Store.Load(ctx, key)
}

func (s *ruledStore) Swap(ctx context.Context, key string, body []byte, old store.Token) error {
	if err := s.ruling("swap", key); err != nil {
		return err
	}
	// Of a lease that is there each kind of write is a request of its own.
	if _, now, err := s.Store.Load(ctx, key); strings.HasPrefix(key, layout.LeasesPrefix) {
		s.leases = append(s.leases, body)
		kind := "stale"
		switch old {
		case "":
			kind = "again"
		case now:
			kind = "overwrite"
		}
		if err != nil {
			kind = "new"
		}
		if err := s.ruling(kind, key); err != nil {
			return err
		}
		if kind == "again" && s.carelessCreate || kind == "stale" && s.carelessOverwrite {
			old = now
		}
	}
	return s.Store.Swap(ctx, key, body, old)
}

func (s *ruledStore) Capabilities() store.Capabilities {
	c := store.Capabilities{Settings: func(_ context.Context, there string) []store.Setting {
		s.asked = append(s.asked, there)
		if s.settings == nil {
			return nil
		}
		return s.settings()
	}}
	if !s.plain {
		c.Replace = func(ctx context.Context, o layout.Object) error {
			if err := s.ruling("replace", o.Key); err != nil {
				return err
			}
			s.replaced = append(s.replaced, o)
			return store.CapabilitiesOf(s.Store).Replace(ctx, o)
		}
	}
	if s.folder {
		c.File = func(key string) string { return "/bucket/" + key }
	}
	return c
}

// newRuled is one in which production and staging are live.
func newRuled(t *testing.T, rules ...[]rule) *ruledStore {
	t.Helper()
	memory, err := store.Open(t.Context(), "mem://", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = memory.Close() })
	for _, env := range []string{"production", "staging"} {
		if err := memory.Swap(t.Context(), layout.PointerKey(env), []byte(pointerOf(env)), ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := memory.Put(t.Context(), layout.Object{Key: layout.EnvironmentsPrefix + "README", Body: []byte("x"), ContentType: "text/plain"}); err != nil {
		t.Fatal(err) // what is no pointer is of no environment
	}
	s := &ruledStore{Store: memory}
	for _, r := range rules {
		s.rules = append(s.rules, r...)
	}
	return s
}

// keys are those of all objects.
func (s *ruledStore) keys(t *testing.T) []string {
	t.Helper()
	var out []string
	for o, err := range s.Store.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, masked(o.Key))
	}
	return out
}

// random names are another one in each run, of as many digits as a generation, which is short.
var (
	randomName = regexp.MustCompile(`[0-9a-f]{12,}`)
	generation = regexp.MustCompile(`^0+[1-9]?$`)
)

// masked is a key without the names that are others in each run.
func masked(key string) string {
	return randomName.ReplaceAllStringFunc(key, func(name string) string {
		if generation.MatchString(name) {
			return name
		}
		return "*"
	})
}

// lines are the findings of a report.
func lines(r *Report) []string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, fmt.Sprintf("%s %s %s: %s", f.Verdict, f.Check, masked(f.Key), f.Found))
	}
	return out
}
