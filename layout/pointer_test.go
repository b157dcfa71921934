package layout

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func testID(n int) string { return fmt.Sprintf("20240102T0304%02dZ-%012x", n, n) }

func TestPointerAfter(t *testing.T) {
	at := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	move := func(p Pointer, kind MoveKind, n int) Pointer {
		at = at.Add(time.Minute)
		return p.After("production", Move{Snapshot: testID(n), Kind: kind, At: at, By: "ada", Reason: "why"})
	}
	var p Pointer
	for n := 1; n <= 3; n++ {
		p = move(p, MovePublish, n)
	}
	if p.Previous != testID(2) || p.Generation != 3 || len(p.Moves) != 3 {
		t.Fatalf("after three publishes: %+v", p)
	}
	p = move(p, MovePin, 3)
	if p.Pinned == nil || p.Pinned.By != "ada" || p.Previous != testID(2) {
		t.Errorf("after pin: %+v", p)
	}
	// Each rollback goes one further back.
	p = move(p, MoveRollback, 2)
	if p.Previous != testID(1) || p.Pinned == nil {
		t.Errorf("after one rollback: previous %s, pinned %v", p.Previous, p.Pinned)
	}
	p = move(p, MoveRollback, 1)
	if p.Previous != "" {
		t.Errorf("after two rollbacks: previous %s", p.Previous)
	}
	p = move(p, MoveUnpin, 1)
	if p = move(p, MovePublish, 4); p.Pinned != nil || p.Previous != testID(1) {
		t.Errorf("after unpin and publish: %+v", p)
	}
	again, err := DecodePointer(p.Encode(), p.Environment)
	if err != nil || !reflect.DeepEqual(again, p) {
		t.Errorf("decoded %+v, %v; want %+v", again, err, p)
	}
	for n := range 80 {
		p = move(p, MovePublish, n%60)
	}
	if len(p.Moves) != MaxMoves || p.Generation != 88 {
		t.Errorf("%d moves, generation %d", len(p.Moves), p.Generation)
	}
}

func TestPointerLived(t *testing.T) {
	start := time.Date(2024, 1, 2, 3, 0, 0, 0, time.UTC)
	var p Pointer
	for n := 1; n <= 4; n++ {
		p = p.After("production", Move{Snapshot: testID(n), Kind: MovePublish, At: start.Add(time.Duration(n) * time.Hour)})
	}
	for _, c := range []struct {
		after time.Duration
		want  []string
	}{
		{5 * time.Hour, []string{testID(4)}},
		{210 * time.Minute, []string{testID(4), testID(3)}}, // 3 was live until hour 4
		{0, []string{testID(4), testID(3), testID(2), testID(1)}},
	} {
		if got := p.Lived(start.Add(c.after)); !slices.Equal(got, c.want) {
			t.Errorf("live after %v: %v, want %v", c.after, got, c.want)
		}
	}
}

func TestDecodePointerRefuses(t *testing.T) {
	id := testID(1)
	good := string(Pointer{
		Format: 1, Environment: "e", Snapshot: id, Generation: 1,
		Moves: []Move{{Snapshot: id, Kind: MovePin, At: time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)}},
	}.Encode())
	if _, err := DecodePointer([]byte(good), "e"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, old, new, want string }{
		{"unknown field", `"format"`, `"extra": 1, "format"`, "unknown field"},
		{"format", `"format": 1`, `"format": 3`, "written by a newer regsnap (format 3); this one reads up to 2: upgrade it"},
		{"format of a preview", `"format": 1`, `"format": 2`, "format 2 is that of a preview"},
		{"a preview in another format", `"moves"`, `"preview": {"until": "2024-01-02T03:04:05Z"}, "moves"`, "format 2 is that of a preview"},
		{"environment", `"e"`, `"E"`, `environment "E"`},
		{"snapshot", id, "x", "is not an id"},
		{"more moves than generations", `"generation": 1`, `"generation": 0`, "1 moves in generation 0"},
		{"kind", `"pin"`, `"push"`, "not a kind of move"},
		{"last move", `  "snapshot": "` + id, `  "snapshot": "` + testID(2), "the last move was to"},
		{"name", `"kind"`, `"by": "` + strings.Repeat("x", MaxBy+1) + `", "kind"`, "longer than 100"},
		{"reason", `"kind"`, `"reason": "` + strings.Repeat("x", MaxReason+1) + `", "kind"`, "longer than 500"},
		{"trailing", "]\n}", "]\n}{}", "unexpected data"},
		{"a space", "{", "{ ", "not written as regsnap writes it"},
		{"a field twice", `"snapshot"`, `"snapshot": "", "snapshot"`, "not written as regsnap writes it"},
		{"a field in another case", `"snapshot"`, `"Snapshot"`, "not written as regsnap writes it"},
	} {
		bad := strings.Replace(good, c.old, c.new, 1)
		if _, err := DecodePointer([]byte(bad), "e"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want %q", c.name, err, c.want)
		}
	}
}

func TestLeaseKeys(t *testing.T) {
	key := LeaseKey("0123456789abcdef")
	if id, err := ParseLeaseKey(key); err != nil || id != "0123456789abcdef" {
		t.Errorf("%s: %q, %v", key, id, err)
	}
	for _, bad := range []string{PruneLockKey, "leases/0123456789abcdef", "environments/production.json", "leases/0123456789ABCDEF.json"} {
		if _, err := ParseLeaseKey(bad); err == nil {
			t.Errorf("%s was taken for a lease", bad)
		}
	}
	l := Lease{Format: LeaseFormat, Purpose: "build", By: "ada", Since: time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC), Beat: 3}
	if again, err := DecodeLease(l.Encode()); err != nil || again != l {
		t.Errorf("decoded %+v, %v", again, err)
	}
	if _, err := DecodeLease([]byte(`{"format":2}`)); err == nil {
		t.Error("a lease of another format was read")
	}
}

// TestPinningRollback: a rollback that pins holds the environment; one that does not
// leaves it as it was.
func TestPinningRollback(t *testing.T) {
	at := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	p := Pointer{}.After("production", Move{Kind: MovePublish, Snapshot: testID(1)}).After("production", Move{Kind: MovePublish, Snapshot: testID(2)})
	back := Move{Kind: MoveRollback, Snapshot: testID(1), By: "ada", Reason: "r", At: at}
	if got := p.After("production", back); got.Pinned != nil {
		t.Errorf("pinned: %+v", got.Pinned)
	}
	back.Pin = true
	if got := p.After("production", back); got.Pinned == nil || *got.Pinned != (Pin{By: "ada", Reason: "r", At: at}) {
		t.Errorf("pinned: %+v", got.Pinned)
	}
}
