package publish

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// noting is a store that notes which objects that change are read and written.
type noting struct {
	store.Store
	calls []string
}

func (n *noting) Load(ctx context.Context, key string) ([]byte, store.Token, error) {
	n.calls = append(n.calls, "load "+key)
	return n.Store.Load(ctx, key)
}

func (n *noting) Swap(ctx context.Context, key string, body []byte, old store.Token) error {
	n.calls = append(n.calls, "swap "+key)
	return n.Store.Swap(ctx, key, body, old)
}

// TestLastLookAtTheLease: right before a pointer that is not there yet is written the lease
// is looked at once more; one that is there was read before the lease was taken, and is
// made another one by who takes the lease away.
func TestLastLookAtTheLease(t *testing.T) {
	src := newEditions(t)
	b := openTest(t, "mem://")
	ids := []string{src.mustPublish(t, b, 0).Snapshot, src.mustPublish(t, b, 1).Snapshot}
	full := copyOf(t, b)
	for _, first := range []bool{true, false} {
		c := bucketCopy{}
		for key, body := range full {
			if !first || !strings.HasPrefix(key, layout.EnvironmentsPrefix) && !strings.HasPrefix(key, layout.AuditPrefix) {
				c[key] = body
			}
		}
		if !first {
			c[layout.PointerKey(testEnv)] = layout.Pointer{}.After(testEnv, layout.Move{Kind: layout.MovePublish, Snapshot: ids[0], At: time.Now().UTC()}).Encode()
		}
		n := &noting{Store: c.open(t)}
		if _, err := publishID(t.Context(), In(n), ids[1]); err != nil {
			t.Fatal(err)
		}
		at := slices.Index(n.calls, "swap "+layout.PointerKey(testEnv))
		if at < 1 || strings.HasPrefix(n.calls[at-1], "load "+layout.LeasesPrefix) != first {
			t.Errorf("the first pointer %t: %q", first, n.calls)
		}
	}
}

// TestRecoverTheNewest: where no log says what was live, what was stored last is to be.
func TestRecoverTheNewest(t *testing.T) {
	src := newEditions(t)
	b := openTest(t, "mem://")
	var ids []string
	for n := range 4 {
		ids = append(ids, src.mustPublish(t, b, n).Snapshot)
	}
	full := copyOf(t, b)
	for _, last := range []int{1, 3, 0, 2} {
		synctest.Test(t, func(t *testing.T) {
			c := bucketCopy{}
			for key, body := range full {
				if !strings.HasPrefix(key, layout.EnvironmentsPrefix) && !strings.HasPrefix(key, layout.AuditPrefix) && !strings.HasSuffix(key, "/manifest.json") {
					c[key] = body
				}
			}
			s := c.open(t)
			for i := range ids {
				time.Sleep(time.Minute)
				key := layout.ManifestKey(testEnv, ids[(last+1+i)%len(ids)])
				if err := s.Put(t.Context(), layout.Object{Key: key, Body: full[key], ContentType: "application/json"}); err != nil {
					t.Fatal(err)
				}
			}
			r, err := In(s).Lease(LeaseOptions{}).PrepareRecovery(t.Context(), testEnv, RecoverOptions{})
			if err != nil || r.Snapshot != ids[last] || len(r.Skipped) > 0 {
				t.Errorf("%+v, %v; want %s", r, err, ids[last])
			}
		})
	}
}
