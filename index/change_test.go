package index

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// describe is a change as text: the sign of its kind, and which package.
func describe(c Change) string {
	kind := "?"
	switch {
	case c.Added() && !c.Removed() && !c.Overwritten():
		kind = "+"
	case c.Removed() && !c.Added() && !c.Overwritten():
		kind = "-"
	case c.Overwritten() && !c.Added() && !c.Removed():
		kind = "!"
	}
	return kind + c.Entry().Name + "-" + c.Entry().Version
}

// TestChanges compares random states of a branch with what sets say: in both and
// the same, in both and not, in one alone.
func TestChanges(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		state := func() (*Branch, map[string]Entry) {
			byName := map[string]Entry{}
			for range r.IntN(6) {
				e := Entry{Name: fmt.Sprint("p", r.IntN(3)), Version: fmt.Sprintf("1.%d.0", r.IntN(2))}
				e.Tree[0], e.Archive[0], e.Signature[0] = byte(r.IntN(2)), byte(r.IntN(2)), byte(r.IntN(2))
				byName[e.Name+"-"+e.Version] = e
			}
			b := &Branch{}
			for _, e := range byName {
				b.Entries = append(b.Entries, e)
			}
			slices.SortFunc(b.Entries, func(a, b Entry) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version)) })
			return b, byName
		}
		base, before := state()
		head, after := state()
		var want []string
		for name, e := range before {
			now, ok := after[name]
			switch {
			case !ok:
				want = append(want, "-"+name)
			case now.Tree != e.Tree || now.Archive != e.Archive || now.Signature != e.Signature:
				want = append(want, "!"+name)
			}
		}
		for name := range after {
			if _, ok := before[name]; !ok {
				want = append(want, "+"+name)
			}
		}
		slices.SortFunc(want, func(a, b string) int { return cmp.Compare(a[1:], b[1:]) })
		var got []string
		for _, c := range Changes(base, head) {
			got = append(got, describe(c))
			name := c.Entry().Name + "-" + c.Entry().Version
			if c.Old.Name != "" && c.Old != before[name] || c.New.Name != "" && c.New != after[name] {
				t.Errorf("seed %d: %s has other entries: %+v", seed, name, c)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("seed %d: %v, want %v", seed, got, want)
		}
	}
}

// TestID: what an id is read from and written as.
func TestID(t *testing.T) {
	text := "0123456789abcdef0123456789abcdef01234567"
	id, err := ParseID(text)
	if err != nil || id.String() != text || id.IsZero() || !(ID{}).IsZero() {
		t.Errorf("%s is read as %s, %v", text, id, err)
	}
	for _, bad := range []string{"", text[1:], text + "0", text[2:], strings.Repeat("g", 40), text + text} {
		if id, err := ParseID(bad); err == nil || !id.IsZero() {
			t.Errorf("%q is read as %s, %v", bad, id, err)
		}
	}
}

// TestPlace: where a finding is, as a reader would look it up.
func TestPlace(t *testing.T) {
	folder := Entry{Branch: "staging", Name: "a", Version: "1.0.0", Path: "packages/a/1.0.0", Tree: ID{1}}
	archive := Entry{Branch: "staging", Name: "a", Version: "1.0.0", Path: "packages/a-1.0.0.zip", Archive: ID{1}}
	for _, c := range []struct {
		entry      Entry
		file, want string
	}{
		{folder, "", "packages/a/1.0.0"}, {folder, "x/../y", "packages/a/1.0.0/x/../y"},
		{archive, "", "packages/a-1.0.0.zip"}, {archive, "x", "packages/a-1.0.0.zip!x"},
	} {
		got := Findings{Errors: []Problem{{File: c.file}}, Warnings: []Problem{{File: c.file}}}
		got.Place(c.entry)
		for _, p := range slices.Concat(got.Errors, got.Warnings) {
			if p.File != c.want || p.Branch != "staging" || p.Package != "a" || p.Version != "1.0.0" {
				t.Errorf("%q of %s is placed at %+v, want %s", c.file, c.entry.Path, p, c.want)
			}
		}
	}
}

// TestProblemText: each part that a finding has is in its line, and no other.
func TestProblemText(t *testing.T) {
	for _, c := range []struct {
		problem Problem
		want    string
	}{
		{Problem{Branch: "b", Rule: "r", Detail: "d"}, "b: d [r]"},
		{Problem{Branch: "b", Package: "p", Rule: "r", Detail: "d"}, "b: p: d [r]"},
		{Problem{Branch: "b", Version: "1.0.0", Rule: "r", Detail: "d"}, "b: d [r]"},
		{Problem{Branch: "b", Package: "p", Version: "1.0.0", Rule: "r", Detail: "d"}, "b: p-1.0.0: d [r]"},
		{Problem{Branch: "b", File: "f", Rule: "r", Detail: "d"}, "b: f: d [r]"},
		{Problem{Branch: "b", File: "f", Line: 1, Rule: "r", Detail: "d"}, "b: f:1: d [r]"},
		{Problem{Branch: "b", Line: 1, Rule: "r", Detail: "d"}, "b: d [r]"},
	} {
		if got := c.problem.String(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// TestSortFindings: every field that is to order the findings does, in its turn.
func TestSortFindings(t *testing.T) {
	want := []Problem{
		{Branch: "a", Package: "z"},
		{Branch: "b", Package: "a", Version: "9"},
		{Branch: "b", Package: "b", Version: "1", File: "z"},
		{Branch: "b", Package: "b", Version: "2", File: "a", Line: 9},
		{Branch: "b", Package: "b", Version: "2", File: "b", Line: 1, Rule: "z"},
		{Branch: "b", Package: "b", Version: "2", File: "b", Line: 2, Rule: "a"},
		{Branch: "b", Package: "b", Version: "2", File: "b", Line: 2, Rule: "b"},
	}
	r := Findings{Errors: slices.Clone(want), Warnings: slices.Clone(want)}
	slices.Reverse(r.Errors)
	slices.Reverse(r.Warnings)
	r.Sort()
	if !slices.Equal(r.Errors, want) || !slices.Equal(r.Warnings, want) {
		t.Errorf("%+v", r)
	}
}

// TestLimitDefaults: the defaults of docs/configuration.md, and that zero means them.
func TestLimitDefaults(t *testing.T) {
	want := Limits{FileSize: 100 << 20, Files: 50_000, TotalSize: 1 << 30, ArchiveSize: 256 << 20, Ratio: 200}
	if got := (Limits{}).WithDefaults(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	own := Limits{FileSize: 1, Files: 2, TotalSize: 3, ArchiveSize: 4, Ratio: 5}
	if got := own.WithDefaults(); got != own {
		t.Errorf("%+v, want %+v", got, own)
	}
}

// TestClip: 300 bytes are shown, and nothing that a terminal acts on.
func TestClip(t *testing.T) {
	for in, want := range map[string]string{
		strings.Repeat("x", 300): strings.Repeat("x", 300), strings.Repeat("x", 301): strings.Repeat("x", 300) + "…",
		"a\x1b[31m\n": "a\ufffd[31m\ufffd", "a\xffb": "a\ufffdb", strings.Repeat("x", 299) + "é": strings.Repeat("x", 299) + "\ufffd…",
	} {
		if got := Clip(in); got != want {
			t.Errorf("%q is shown as %q, want %q", in, got, want)
		}
	}
}

func TestSortEntries(t *testing.T) {
	entries := []Entry{{Name: "b", Version: "1.0.0"}, {Name: "a", Version: "2.0.0"}, {Name: "a", Version: "10.0.0"}}
	SortEntries(entries)
	var got []string
	for _, e := range entries {
		got = append(got, e.Name+"-"+e.Version)
	}
	if want := "a-10.0.0 a-2.0.0 b-1.0.0"; strings.Join(got, " ") != want {
		t.Errorf("%v, want %s", got, want)
	}
}

// blamed is a source that knows one commit, or none.
type blamed struct {
	Source
	commit *Commit
	err    error
}

func (b blamed) LastChange(context.Context, string, string) (*Commit, error) { return b.commit, b.err }

// TestBlame: every finding gets the commit; not to know it changes nothing.
func TestBlame(t *testing.T) {
	commit := &Commit{Hash: "1"}
	problems := []Problem{{File: "a"}, {File: "b"}}
	Blame(t.Context(), blamed{err: errors.New("no history")}, "production", "a", problems)
	if problems[0].Commit != nil || problems[1].Commit != nil {
		t.Errorf("without a commit: %+v", problems)
	}
	Blame(t.Context(), blamed{commit: commit}, "production", "a", problems)
	if problems[0].Commit != commit || problems[1].Commit != commit {
		t.Errorf("with a commit: %+v", problems)
	}
}

// TestManyFindings: so many errors and warnings are kept of a package, and then one that
// says that there are more.
func TestManyFindings(t *testing.T) {
	for _, n := range []int{0, 1, MaxFindings - 1, MaxFindings, MaxFindings + 1, 2*MaxFindings + 5} {
		var f Findings
		for i := range n {
			f.Fail("file", Rule(fmt.Sprint("r", i)), "detail %d", i)
			f.Warning(Problem{File: "a\x00b", Rule: "w"})
		}
		if len(f.Errors) != min(n, MaxFindings+1) || len(f.Warnings) != len(f.Errors) {
			t.Fatalf("of %d findings %d and %d are kept", n, len(f.Errors), len(f.Warnings))
		}
		for i, p := range f.Errors {
			want := Problem{File: "file", Rule: Rule(fmt.Sprint("r", i)), Detail: fmt.Sprint("detail ", i)}
			if i == MaxFindings {
				want = Problem{Rule: want.Rule, Detail: "there are more findings, which are not listed"}
			}
			if p != want {
				t.Errorf("of %d findings the %d. is %+v, want %+v", n, i, p, want)
			}
		}
		if n > 0 && f.Warnings[0].File != "a\ufffdb" {
			t.Errorf("shown as %q", f.Warnings[0].File)
		}
	}
}

// TestAddFindings: errors stay errors, and have one owner.
func TestAddFindings(t *testing.T) {
	f := Findings{Errors: []Problem{{File: "a"}}}
	f.Add(Findings{Errors: []Problem{{File: "b"}}, Warnings: []Problem{{File: "c"}}})
	f.Own("acme/team")
	want := []Problem{{File: "a", Owner: "acme/team"}, {File: "b", Owner: "acme/team"}}
	if !slices.Equal(f.Errors, want) || !slices.Equal(f.Warnings, []Problem{{File: "c", Owner: "acme/team"}}) {
		t.Errorf("%+v", f)
	}
}

// TestFold: two texts fold to the same if and only if they are equal but for case.
func TestFold(t *testing.T) {
	runes := []rune{'@', 'A', 'B', 'Y', 'Z', '[', '`', 'a', 'b', 'y', 'z', '{', 'K', 'k', '\u212a', 'S', 's', '\u017f', 'É', 'é', 'ß', 'ẞ', 'Σ', 'σ', 'ς', '0', 0x80, 0x10400, 0x10428}
	for _, a := range runes {
		for _, b := range runes {
			same := strings.EqualFold(string(a), string(b))
			if (fold(string(a)) == fold(string(b))) != same {
				t.Errorf("%q and %q: fold to %q and %q, equal but for case: %t", a, b, fold(string(a)), fold(string(b)), same)
			}
		}
	}
}
