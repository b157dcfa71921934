package publish

import (
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// TestSeldom: refusals and finds that other tests do not come by.
func TestSeldom(t *testing.T) {
	src := newEditions(t)
	b := openTest(t, "mem://")
	id := src.mustPublish(t, b, 0).Snapshot
	ctx := t.Context()
	for key, body := range map[string][]byte{
		"storage/production/readme": []byte("x"), "tags/production/readme": []byte("x"), layout.TagKey(testEnv, "damaged"): []byte("x"),
		layout.PointerKey("staging"): layout.Pointer{}.After("staging", layout.Move{Kind: layout.MovePublish, Snapshot: id, At: time.Now().UTC()}).Encode(),
	} {
		if err := b.store.Swap(ctx, key, body, ""); err != nil {
			t.Fatal(err)
		}
	}
	if h, err := b.History(ctx, testEnv, 0); err != nil || !errors.Is(h.Faults(), ErrDamaged) {
		t.Errorf("a tag that is damaged: %v, %v", h, err)
	}
	if tags, err := b.Tags(ctx, testEnv); err != nil || len(tags) != 1 || tags[0].Name != "damaged" || tags[0].Fault == "" {
		t.Errorf("the tags are %+v, %v", tags, err)
	}
	var found []string
	if err := b.VerifyAll(ctx, VerifyOptions{}, func(v *Verification) error {
		for _, f := range v.Faults {
			found = append(found, v.Environment+" "+f.Key+" "+f.Detail)
		}
		return nil
	}); err != nil || !slices.Equal(found, []string{"staging " + layout.ManifestKey("staging", id) + " missing"}) {
		t.Errorf("an environment without snapshots: %q, %v", found, err)
	}
	if err := errors.Join(b.Delete(ctx, layout.TagKey(testEnv, "damaged")), b.Delete(ctx, layout.PointerKey("staging"))); err != nil {
		t.Fatal(err)
	}
	if p, err := b.PlanPrune(ctx, DefaultRetention); err != nil || p.Unknown != 1 || !slices.Equal(p.UnknownNames, []string{"storage/production/readme"}) {
		t.Errorf("what regsnap did not write: %+v, %v", p, err)
	}
	if p, err := b.PlanPrune(ctx, Retention{Last: -1}); err == nil {
		t.Errorf("a plan that keeps less than nothing: %+v", p)
	}
	if got, err := b.Chosen(ctx, "staging", ""); !errors.Is(err, ErrNothingLive) {
		t.Errorf("of what is not live is chosen %q, %v", got, err)
	}
	if got, err := b.Chosen(ctx, "staging", "named"); got != "named" || err != nil {
		t.Errorf("of what is named is chosen %q, %v", got, err)
	}
	for _, size := range []int64{-1, maxCopied + 1} {
		key := layout.ManifestKey(testEnv, id)
		if err := b.Fetch(ctx, key, io.Discard, layout.ObjectDigest{Size: size}); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "no object of a snapshot has more") {
			t.Errorf("of %d bytes: %v", size, err)
		}
		if err := b.FetchEncoded(ctx, key, io.Discard, size, layout.ObjectDigest{}); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "no object of a snapshot has more") {
			t.Errorf("encoded, of %d bytes: %v", size, err)
		}
	}
	nowhere := VerifyOptions{State: filepath.Join(t.TempDir(), "none", "state")}
	if v, err := b.Verify(ctx, testEnv, id, nowhere); err == nil {
		t.Errorf("what was found is remembered nowhere: %+v", v)
	}
	if err := b.VerifyAll(ctx, nowhere, func(*Verification) error { return nil }); err == nil {
		t.Error("what was found of all is remembered nowhere")
	}
	bad := Note{By: strings.Repeat("x", layout.MaxBy+1)}
	if _, err := b.Untag(ctx, testEnv, "none", bad); err == nil || errors.Is(err, ErrNoTag) {
		t.Errorf("a note that cannot be kept: %v", err)
	}
	l := b.Lease(LeaseOptions{})
	if m, err := (&Recovery{Environment: testEnv, Snapshot: id, lease: l}).Do(ctx, bad); err == nil || l.held.Load() {
		t.Errorf("recovered with a note that cannot be kept: %+v", m)
	}
	memory, err := store.Open(ctx, "mem://", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := layout.ManifestPackage{Name: "a", Version: "1.0.0", Revision: "r", Contents: "one"}
	c := In(memory).Lease(LeaseOptions{}).CopyFrom(b, CopyOptions{})
	c.vouch(&layout.Manifest{Packages: []layout.ManifestPackage{p}})
	p.Contents = "another"
	if err := c.Plan(&layout.Manifest{Packages: []layout.ManifestPackage{p}}); !errors.Is(err, errDiffers) {
		t.Errorf("two contents of one revision: %v", err)
	}
}
