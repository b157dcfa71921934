package publish

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"

	"github.com/regsnap/regsnap/layout"
)

// planned is a request that can be planned.
type planned struct {
	what     string
	plan, do func(ctx context.Context, b *Bucket) (any, error)
}

// TestPlansSayWhatHappens has a bucket in each of some states, and each request planned,
// planned again and made: the plan says what then happens, errors included, and changes nothing.
func TestPlansSayWhatHappens(t *testing.T) {
	src := newEditions(t)
	b := openTest(t, "mem://")
	var ids []string
	for n := range 3 {
		ids = append(ids, src.mustPublish(t, b, n).Snapshot)
	}
	mustTag(t, b, "here", ids[0])
	mustTag(t, b, "gone", ids[0])
	if _, err := b.Untag(t.Context(), testEnv, "gone", Note{}); err != nil {
		t.Fatal(err)
	}
	usual := copyOf(t, b)
	states := map[string]func(c bucketCopy){
		"as it was":             func(bucketCopy) {},
		"damaged tag":           func(c bucketCopy) { c[layout.TagKey(testEnv, "here")] = []byte("x") },
		"damaged pointer":       func(c bucketCopy) { c[layout.PointerKey(testEnv)] = []byte("x") },
		"lost pointer":          func(c bucketCopy) { delete(c, layout.PointerKey(testEnv)) },
		"manifest lost":         func(c bucketCopy) { delete(c, layout.ManifestKey(testEnv, ids[1])) },
		"manifest damaged":      func(c bucketCopy) { c[layout.ManifestKey(testEnv, ids[1])] = []byte("x") },
		"routes lost":           func(c bucketCopy) { delete(c, layout.RoutesKey(testEnv, ids[1])) },
		"live manifest lost":    func(c bucketCopy) { delete(c, layout.ManifestKey(testEnv, ids[2])) },
		"live manifest damaged": func(c bucketCopy) { c[layout.ManifestKey(testEnv, ids[2])] = []byte("x") },
		"nothing":               func(c bucketCopy) { clear(c) },
	}
	pinned := In(usual.open(t))
	if _, err := pinned.Pin(t.Context(), testEnv, Note{By: "ada"}); err != nil {
		t.Fatal(err)
	}
	states["pinned"] = func(c bucketCopy) { maps.Copy(c, copyOf(t, pinned)) }
	for state, damage := range states {
		begin := maps.Clone(usual)
		damage(begin)
		for _, r := range plannedRequests(ids) {
			b := In(begin.open(t))
			plan, planErr := r.plan(t.Context(), b)
			if after := copyOf(t, b); !maps.EqualFunc(begin, after, func(a, b []byte) bool { return string(a) == string(b) }) {
				t.Errorf("%s, %s: the plan changed the bucket", state, r.what)
			}
			did, doErr := r.do(t.Context(), b)
			if (planErr == nil) != (doErr == nil) || classOf(planErr) != classOf(doErr) {
				t.Errorf("%s, %s: the plan's error is\n%v\nand then it was\n%v", state, r.what, planErr, doErr)
				continue
			}
			if planErr == nil && asJSON(t, plan) != asJSON(t, did) {
				t.Errorf("%s, %s: planned is\n%s\nand then it was\n%s", state, r.what, asJSON(t, plan), asJSON(t, did))
			}
		}
	}
}

func plannedRequests(ids []string) (out []planned) {
	type tagOutcome struct {
		Tag, Snapshot, Before string
		Changed               bool
	}
	tagResult := func(t *Tagged, err error) (any, error) {
		if err != nil {
			return nil, err
		}
		return tagOutcome{t.Tag, t.Snapshot, t.Before, t.Changed}, nil
	}
	for _, name := range []string{"new", "here", "gone", "not a name"} {
		for _, id := range []string{"", ids[0], ids[1], "20990101T000000Z-000000000000"} {
			for _, move := range []bool{false, true} {
				out = append(out, planned{fmt.Sprintf("tag %q of %q, move %t", name, id, move),
					func(ctx context.Context, b *Bucket) (any, error) {
						return tagResult(b.PlanTag(ctx, testEnv, name, id, move))
					},
					func(ctx context.Context, b *Bucket) (any, error) {
						if id == "" {
							return tagResult(b.Untag(ctx, testEnv, name, Note{}))
						}
						return tagResult(tagged(ctx, b, name, id, move))
					}})
			}
		}
	}
	// The generation is of no interest to people, and the log only to what happened.
	moveResult := func(m *Moved, err error) (any, error) {
		if err != nil {
			return nil, err
		}
		m.Generation, m.Unrecorded = 0, ""
		return m, nil
	}
	// A plan does not know who would pin.
	pinResult := func(m *Moved, err error) (any, error) {
		if err == nil {
			m.Pin = nil
		}
		return moveResult(m, err)
	}
	for _, pin := range []bool{false, true} {
		out = append(out, planned{fmt.Sprintf("pin %t", pin),
			func(ctx context.Context, b *Bucket) (any, error) { return pinResult(b.PlanPin(ctx, testEnv, pin)) },
			func(ctx context.Context, b *Bucket) (any, error) {
				if pin {
					return pinResult(b.Pin(ctx, testEnv, Note{}))
				}
				return pinResult(b.Unpin(ctx, testEnv, Note{}))
			}})
	}
	orders := map[string]Order{
		"newer":    func(context.Context, *Ordered, *Ordered) ([]string, error) { return nil, nil },
		"diverged": func(context.Context, *Ordered, *Ordered) ([]string, error) { return []string{"production"}, nil },
		"older":    func(context.Context, *Ordered, *Ordered) ([]string, error) { return nil, errOlderHere },
	}
	for _, id := range append(ids[:3:3], "20990101T000000Z-000000000000") {
		for name, order := range orders {
			out = append(out, planned{fmt.Sprintf("publish %s, which is %s", id, name),
				func(ctx context.Context, b *Bucket) (any, error) {
					return moveResult(b.PlanPublish(ctx, testEnv, id, nil, order))
				},
				func(ctx context.Context, b *Bucket) (_ any, err error) {
					l := b.Lease(LeaseOptions{Purpose: "publish"})
					defer func() { err = errors.Join(err, l.Release(ctx)) }()
					return moveResult(l.Publish(ctx, testEnv, id, Note{}, order))
				}})
		}
	}
	return out
}

// errOlderHere is what an order of this test objects.
var errOlderHere = errors.New("it is older")

// classOf is which of the errors that callers tell apart an error is.
func classOf(err error) (class string) {
	for _, known := range []error{ErrDamaged, ErrNoSnapshot, ErrNothingLive, ErrTagTaken, ErrNoTag, ErrPruned, errOlderHere} {
		if errors.Is(err, known) {
			class += known.Error() + "; "
		}
	}
	return class
}
