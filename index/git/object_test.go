package git

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/index"
)

func TestParseCommit(t *testing.T) {
	const tree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
	tests := map[string]struct {
		content string
		want    index.Commit
		err     string
	}{
		"signed, with a long subject": {
			content: "tree " + tree + "\nparent " + tree + "\nauthor A <B> U. Thor <a@example.com> 100 -0500\n" +
				"committer C <c@example.com> 3600 +0100\ngpgsig -----BEGIN\n committer X <x@example.com> 9 +0000\n tree x\n\n\none\ntwo\n\nbody\n",
			want: index.Commit{Author: "A", Email: "B> U. Thor <a@example.com", Time: time.Unix(3600, 0).UTC(), Subject: "one two"},
		},
		"no message":   {content: "tree " + tree + "\nauthor A <> 1 +0000\ncommitter A <> 1 +0000\n", want: index.Commit{Author: "A", Time: time.Unix(1, 0).UTC()}},
		"latin 1":      {content: "tree " + tree + "\nauthor J\xfcrgen <j> 1 +0000\ncommitter A <> 1 +0000\n\n\xfc", want: index.Commit{Author: "J\ufffdrgen", Email: "j", Time: time.Unix(1, 0).UTC(), Subject: "\ufffd"}},
		"no author":    {content: "tree " + tree + "\ncommitter A <> 1 +0000\n\nx", want: index.Commit{Time: time.Unix(1, 0).UTC(), Subject: "x"}},
		"odd author":   {content: "tree " + tree + "\nauthor nobody\ncommitter A <> 1 +0000\n\nx", want: index.Commit{Author: "nobody", Time: time.Unix(1, 0).UTC(), Subject: "x"}},
		"turned round": {content: "tree " + tree + "\nauthor >A<\ncommitter A <> 1 +0000\n", want: index.Commit{Author: ">A<", Time: time.Unix(1, 0).UTC()}},
		"last second":  {content: "tree " + tree + "\ncommitter A <> 253402300799 +0000\n", want: index.Commit{Time: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)}},
		"one too many": {content: "tree " + tree + "\ncommitter A <> 253402300800 +0000\n", err: "no committer with a time"},
		"first second": {content: "tree " + tree + "\ncommitter A <> 0 +0000\n", want: index.Commit{Time: time.Unix(0, 0).UTC()}},
		"twice":        {content: "tree " + tree + "\ntree 12\nauthor A <a> 1 +0000\nauthor B <b> 2 +0000\ncommitter A <> 1 +0000\ncommitter B <> 2 +0000\n", want: index.Commit{Author: "A", Email: "a", Time: time.Unix(1, 0).UTC()}},
		"empty":        {err: "names no tree"},
		"short tree":   {content: "tree 12\n", err: "want 40 hexadecimal digits"},
		"no time":      {content: "tree " + tree + "\ncommitter A <a>\n", err: "no committer with a time"},
		"far future":   {content: "tree " + tree + "\ncommitter A <a> 999999999999999 +0000\n", err: "no committer with a time"},
		"before 1970":  {content: "tree " + tree + "\ncommitter A <a> -5 +0000\n", err: "no committer with a time"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, gotTree, err := parseCommit(index.ID{7}, []byte(test.content))
			if test.err != "" {
				wantError(t, err, ErrBadObject, index.ID{7}.String(), test.err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			test.want.ID, test.want.Hash = index.ID{7}, index.ID{7}.String()
			if *got != test.want || gotTree.String() != tree {
				t.Errorf("commit is %+v of tree %s, want %+v", *got, gotTree, test.want)
			}
		})
	}
}

func TestParseTag(t *testing.T) {
	const object = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
	if got, err := parseTag(index.ID{}, []byte("object "+object+"\ntype commit\n")); err != nil || got.String() != object {
		t.Errorf("tag of %s, %v", got, err)
	}
	for _, content := range []string{"", object, "object 12\n"} {
		_, err := parseTag(index.ID{7}, []byte(content))
		wantError(t, err, ErrBadObject, index.ID{7}.String(), "names no object")
	}
}

func TestComparePaths(t *testing.T) {
	want := []string{"a", "a/", "a/b", "a/b/c", "a/bc", "a b/c", "a.b", "ab", "b"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, ComparePaths)
	if !slices.Equal(got, want) {
		t.Errorf("order is %q, want %q", got, want)
	}
}

func TestTreeCacheIsBounded(t *testing.T) {
	var c treeCache
	entries := make([]treeEntry, cachedEntries/4)
	for i := range byte(10) {
		c.put(index.ID{i}, entries)
		if _, ok := c.get(index.ID{i}); !ok {
			t.Errorf("tree %d is not there at once", i)
		}
		if n := len(c.trees); n > 4 {
			t.Errorf("%d trees are kept", n)
		}
	}
}

func TestTail(t *testing.T) {
	var tail tail
	for range 100 {
		tail.Write([]byte(strings.Repeat("x", 99) + "\n"))
	}
	tail.Write([]byte("the end\n"))
	if got := tail.String(); len(got) > 2*tailSize || !strings.HasSuffix(got, "; the end") {
		t.Errorf("tail is %d bytes: %.50q", len(got), got)
	}
	tail.last = nil
	tail.Write([]byte("fatal: no\n\nPlease make sure\r\n \n"))
	if got, want := tail.String(), "fatal: no; Please make sure"; got != want {
		t.Errorf("tail is %q, want %q", got, want)
	}
}

func FuzzParseTree(f *testing.F) {
	id := strings.Repeat("i", 20)
	f.Add([]byte("100644 a\x00" + id))
	f.Add([]byte("100644 a.b\x00" + id + "40000 a\x00" + id + "120000 c\x00" + id + "160000 d\x00" + id))
	f.Add([]byte("40000 ..\x00" + id + "0 \x00" + id))
	f.Add([]byte("37777777777 x\x00" + id))
	f.Add([]byte("100644 a\x00short"))
	f.Fuzz(func(t *testing.T, content []byte) {
		entries, err := parseTree(content)
		if err != nil {
			wantError(t, err, ErrBadObject)
			return
		}
		if !slices.IsSortedFunc(entries, func(a, b treeEntry) int { return strings.Compare(a.name, b.name) }) {
			t.Error("the entries are out of order")
		}
		for _, e := range entries {
			if strings.ContainsAny(e.name, "/\x00") {
				t.Errorf("the name %q", e.name)
			}
		}
		// What is written again is read the same.
		again, err := parseTree(formatTree(slices.Clone(entries)))
		if err != nil || len(again) != len(entries) {
			t.Errorf("after writing: %d entries, %v", len(again), err)
		}
	})
}

// TestParseTree: what a tree object may hold, and at which byte it is wrong.
func TestParseTree(t *testing.T) {
	entry := func(mode, name string) string { return mode + " " + name + "\x00" + strings.Repeat("i", 20) }
	one := entry("100644", "a")
	for _, c := range []struct{ content, want, fault string }{
		{"", "[]", ""},
		{one, "[a 100644]", ""},
		{entry("100644", "a.b") + entry("40000", "a") + entry("100755", "b"), "[a 40000 a.b 100644 b 100755]", ""}, // in git's order, and then by name
		{one + one, "[a 100644 a 100644]", ""},                                     // for CheckFiles to report
		{one + entry("40000", "a"), "[a 100644 a 40000]", ""},                      // the same
		{entry("40000", "a") + entry("40000", "a"), "", `the directory "a" twice`}, // a walk would make one of them
		{entry("40000", "a") + entry("40000", "b"), "[a 40000 b 40000]", ""},
		{entry("100644", ""), "[ 100644]", ""},
		{entry("100644", ".."), "[.. 100644]", ""},
		{entry("37777777777", "a"), "[a 37777777777]", ""},
		{entry("40000000000", "a"), "", `mode "40000000000" at byte 0`},
		{entry("100000000000", "a"), "", `mode "100000000000" at byte 0`},
		{entry("8", "a"), "", `mode "8" at byte 0`},
		{entry("", "a"), "", `mode "" at byte 0`},
		{entry("-1", "a"), "", `mode "-1" at byte 0`},
		{entry("100644", "a/b"), "", `a name with a slash, "a/b"`},
		{"x", "", "cut off in a mode at byte 0"},
		{"100644 a", "", "cut off in the entry at byte 0"},
		{one[:len(one)-1], "", "cut off in the entry at byte 0"},
		{one + one[:len(one)-1], "", "cut off in the entry at byte 29"},
		{one + "x", "", "cut off in a mode at byte 29"},
		{one + entry("9", "b"), "", `mode "9" at byte 29`},
	} {
		entries, err := parseTree([]byte(c.content))
		if c.fault != "" {
			wantError(t, err, ErrBadObject, c.fault)
			continue
		}
		var got []string
		for _, e := range entries {
			got = append(got, fmt.Sprintf("%s %o", e.name, e.mode))
			if string(e.id[:]) != strings.Repeat("i", 20) {
				t.Errorf("%q: id %s", c.content, e.id)
			}
		}
		if err != nil || fmt.Sprint(got) != c.want {
			t.Errorf("%q: %v, %v, want %s", c.content, got, err, c.want)
		}
	}
	for mode, want := range map[uint32]index.Mode{
		modeFile | 0o644: index.Regular, modeFile | 0o664: index.Regular, modeFile | 0o755: index.Executable, modeFile | 0o100: index.Executable, modeFile | 0o011: index.Regular,
		modeFile: index.Regular, modeSymlink: index.Symlink, modeSymlink | 0o777: index.Symlink, modeGitlink: index.Submodule, 0: index.Irregular, 0o020000: index.Irregular, 0o644: index.Irregular,
	} {
		if got := (treeEntry{mode: mode}).kind(); got != want {
			t.Errorf("%o is %d, want %d", mode, got, want)
		}
	}
}
