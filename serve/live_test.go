package serve_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/serve"
)

// TestLive: what the page of an environment says of its pointer. The ten newest entries
// of the log are read, once until the pointer is read again.
func TestLive(t *testing.T) {
	b := newPointing(t)
	p := b.pointers["production"]
	audits := map[string]layout.Audit{}
	p.Moves, p.Generation = nil, 0
	for i := range 12 {
		move := layout.Move{Snapshot: p.Snapshot, Kind: layout.MovePublish, At: time.Unix(1.7e9+int64(i), 0).UTC(), By: fmt.Sprint("Ada ", i)}
		p = p.After("production", move)
		audits[layout.AuditKey("production", p.Generation)] = layout.Audit{Format: layout.AuditFormat, Environment: "production", Generation: p.Generation, Move: move, More: i}
	}
	b.pointers["production"] = p
	bucket := newFaulty(b)
	fails := ""
	logged := &logged{Bucket: bucket, audits: audits, fails: func(key string) bool { return key == fails }}
	h := newHandler(t, production(logged))
	expect := func(what string, reads int, more []int) {
		t.Helper()
		logged.read = nil
		for range 2 {
			got := ask(h, "/catalog/-/live.json")
			var live layout.Live
			if err := json.Unmarshal(got.Body.Bytes(), &live); err != nil || got.Code != 200 || live.Snapshot != p.Snapshot || live.Environment != "production" || !slices.Equal(got.Header()["Cache-Control"], asError) {
				t.Fatalf("%s: %d %v, %v", what, got.Code, got.Header(), err)
			}
			var said []int
			for _, m := range live.Moves {
				said = append(said, m.More)
			}
			if !slices.Equal(said, more) {
				t.Errorf("%s: the log is said to have %v, want %v", what, said, more)
			}
		}
		slices.Sort(logged.read)
		if len(logged.read) != reads || len(slices.Compact(logged.read)) != reads {
			t.Errorf("%s: read %v, want %d", what, logged.read, reads)
		}
	}
	newest := []int{11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 0, 0} // those of the last two are not looked for
	expect("at first", 10, newest)
	expect("again", 0, newest)
	fails = layout.AuditKey("production", p.Generation-1)
	if err := h.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect("with an entry that cannot be read", 10, []int{11, 0, 9, 8, 7, 6, 5, 4, 3, 2, 0, 0})

	// It says nothing of a snapshot that is not loaded yet.
	p = p.After("production", layout.Move{Snapshot: "20240102T030405Z-0123456789ab", Kind: layout.MovePublish, At: time.Unix(1.8e9, 0).UTC()})
	b.pointers["production"] = p
	was := h.Live("production")
	if err := h.Refresh(t.Context()); err == nil || !strings.Contains(err.Error(), "snapshot 20240102T030405Z-0123456789ab: ") {
		t.Errorf("a snapshot that is not there: %v", err)
	}
	if got, want := ask(h, "/catalog/-/live.json").Body.String(), fmt.Sprintf(`{"format":1,"environment":"production","snapshot":"%s"}`, was); strings.Join(strings.Fields(got), "") != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// logged is a bucket with entries of the audit log.
type logged struct {
	serve.Bucket
	mu     sync.Mutex
	audits map[string]layout.Audit
	fails  func(key string) bool
	read   []string
}

func (b *logged) Read(ctx context.Context, key string) ([]byte, error) {
	a, ok := b.audits[key]
	if !ok {
		return b.Bucket.Read(ctx, key)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.read = append(b.read, key)
	if b.fails(key) {
		return nil, errors.New("access denied")
	}
	return layout.Encode(a, ""), nil
}
