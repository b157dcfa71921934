package layout

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func soundAudit() Audit {
	return Audit{
		Format: AuditFormat, Environment: "production", Generation: 7,
		Move:   Move{Kind: MovePublish, Snapshot: testID(2), At: time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC), By: "ada"},
		Before: testID(1), Packages: 3, Added: []string{"a-1.0.0"},
	}
}

// TestAuditIsChecked is TestManifestIsChecked for entries of the audit log.
func TestAuditIsChecked(t *testing.T) {
	names := func(n int) []string {
		return strings.Split(strings.TrimSuffix(strings.Repeat("a-1.0.0 ", n), " "), " ")
	}
	for _, c := range []struct {
		what   string
		change func(*Audit)
		want   string
	}{
		{"a sound one", func(*Audit) {}, ""},
		{"the first", func(a *Audit) { a.Before = "" }, ""},
		{"as many names as may be", func(a *Audit) { a.Added, a.Removed, a.Changed = names(98), names(1), names(1) }, ""},
		{"a name too many", func(a *Audit) { a.Added, a.Removed, a.Changed = names(99), names(1), names(1) }, "it names 101 package versions"},
		{"negative count", func(a *Audit) { a.Packages = -1 }, "package versions"},
		{"negative rest", func(a *Audit) { a.More = -1 }, "package versions"},
		{"environment", func(a *Audit) { a.Environment = "staging" }, "it is of generation 7 of environment staging"},
		{"generation", func(a *Audit) { a.Generation = 8 }, "it is of generation 8"},
		{"snapshot", func(a *Audit) { a.Snapshot = "x" }, `snapshot "x" is not an id`},
		{"before", func(a *Audit) { a.Before = "x" }, `before: "x" is not an id`},
		{"kind", func(a *Audit) { a.Kind = "moved" }, "is not a kind of move"},
		{"a publish that pins", func(a *Audit) { a.Pin = true }, "a publish does not pin as well"},
		{"a rollback that pins", func(a *Audit) { a.Kind, a.Pin = MoveRollback, true }, ""},
		{"a recovery that pins", func(a *Audit) { a.Kind, a.Pin = MoveRecover, true }, ""},
		{"the longest name and reason", func(a *Audit) { a.By, a.Reason = strings.Repeat("ä", MaxBy), strings.Repeat("ä", MaxReason) }, ""},
		{"too long a name", func(a *Audit) { a.By, a.Reason = strings.Repeat("b", MaxBy+1), strings.Repeat("r", MaxReason+1) }, "the name is longer"},
		{"too long a reason", func(a *Audit) { a.Reason = strings.Repeat("r", MaxReason+1) }, "the reason is longer"},
	} {
		a := soundAudit()
		c.change(&a)
		got, err := DecodeAudit(Encode(a, ""), "production", 7)
		outcome(t, c.what, err, c.want)
		if c.want == "" && fmt.Sprint(got) != fmt.Sprint(a) {
			t.Errorf("%s: read %+v, written %+v", c.what, got, a)
		}
	}
	for _, kind := range []MoveKind{MovePublish, MoveRollback, MovePin, MoveUnpin, MoveRecover, MoveRetire} {
		a := soundAudit()
		a.Kind = kind
		_, err := DecodeAudit(AuditObject(a).Body, "production", 7)
		outcome(t, string(kind), err, "")
	}
	_, err := DecodeAudit(append(Encode(soundAudit(), ""), ' '), "production", 7)
	outcome(t, "a space behind", err, "not written as regsnap writes it")
}

func TestAuditKeys(t *testing.T) {
	if key := AuditKey("production", 7); key != "audit/production/000000000007.json" {
		t.Error(key)
	}
	if env, generation, err := ParseAuditKey("audit/production/000000000007.json"); env != "production" || generation != 7 || err != nil {
		t.Error(env, generation, err)
	}
	for _, key := range []string{
		"", "audit/", "audit/production", "audit/production/7.json", "audit/production/000000000007", "audit/production/000000000007.json/", "audit/Production/000000000007.json",
		"audit//000000000007.json", "snapshots/production/000000000007.json", "audit/production/0000000000007.json", "audit/production/00000000000x.json", "audit/a/b/000000000007.json",
	} {
		if env, generation, err := ParseAuditKey(key); err == nil {
			t.Errorf("%q is the key of %d of %s", key, generation, env)
		}
	}
}
