package git

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/indextest"
)

// TestAnswersOfGit: what "git cat-file" answers is taken for what it says and for
// nothing else (git-cat-file(1), BATCH OUTPUT).
func TestAnswersOfGit(t *testing.T) {
	repo := indextest.NewRepo(t)
	id := mustID(t, repo.Blob("good"))
	other := strings.Repeat("12", 20)
	answers := t.TempDir()
	wrapGit(t, `case "$1 $2" in
"cat-file --batch") read id; cat '`+answers+`/content'; cat > /dev/null; exit;;
"cat-file --batch-check") read id; cat '`+answers+`/info'; cat > /dev/null; exit;;
esac`)
	for name, c := range map[string]struct {
		answer string
		says   []string // nil: it is right
		kind   error
	}{
		"right":             {id.String() + " blob 4\ngood\n", nil, nil},
		"missing":           {id.String() + " missing\n", []string{"the clone may be partial or damaged"}, index.ErrNoObject},
		"of another object": {other + " blob 4\ngood\n", []string{"asked for " + id.String(), "it answered", other}, nil},
		"ambiguous":         {id.String() + " ambiguous\n", []string{"asked for " + id.String(), "ambiguous"}, nil},
		"a word more":       {id.String() + " blob 4 x\ngood\n", []string{"it answered"}, nil},
		"no size":           {id.String() + " blob four\ngood\n", []string{"it gave the size", "four"}, nil},
		"below nothing":     {id.String() + " blob -1\ngood\n", []string{"it gave the size", "-1"}, nil},
		"too large":         {id.String() + " blob 1073741825\n", []string{"has 1073741825 bytes: objects over 1073741824 bytes are not read"}, nil},
		"other content":     {id.String() + " blob 4\nevil\n", []string{"it is damaged or was tampered with", "has the content of"}, ErrBadObject},
		"a tree":            {id.String() + " tree 4\ngood\n", []string{"damaged"}, ErrBadObject},
		"shorter":           {id.String() + " blob 4\ngoo", []string{"object " + id.String(), "git cat-file ended"}, nil},
		"no answer":         {"", []string{"object " + id.String(), "git cat-file ended"}, nil},
	} {
		if name == "shorter" || name == "no answer" {
			// It ends there.
			wrapGit(t, `case "$1 $2" in "cat-file --batch") read id; cat '`+answers+`/content'; exit;; esac`)
		}
		if err := os.WriteFile(filepath.Join(answers, "content"), []byte(c.answer), 0o666); err != nil {
			t.Fatal(err)
		}
		s := openGit(t, repo.Dir)
		var got string
		err := s.Read(t.Context(), []index.ID{id}, func(_ index.ID, content []byte) error { got += string(content); return nil })
		if c.says == nil {
			if err != nil || got != "good" {
				t.Errorf("%s: %q, %v", name, got, err)
			}
			continue
		}
		wantError(t, err, c.kind, c.says...)
		if got != "" {
			t.Errorf("%s: it was handed on as %q", name, got)
		}
	}
	for answer, c := range map[string]struct {
		size int64
		says string
	}{
		id.String() + " blob 1073741825\n": {size: 1073741825},
		id.String() + " blob 0\n":          {size: 0},
		id.String() + " missing\n":         {says: "the clone may be partial or damaged"},
		id.String() + " tree 7\n":          {says: "is a tree, but is used as a blob"},
		id.String() + " blob -7\n":         {says: "it gave the size"},
	} {
		if err := os.WriteFile(filepath.Join(answers, "info"), []byte(answer), 0o666); err != nil {
			t.Fatal(err)
		}
		got, err := openGit(t, repo.Dir).Size(t.Context(), id)
		if c.says != "" {
			wantError(t, err, nil, c.says)
		} else if err != nil || got != c.size {
			t.Errorf("%q: %d, %v", answer, got, err)
		}
	}
}

// TestGitDies: what git says as it ends is in the error, and the next who reads gets
// another process.
func TestGitDies(t *testing.T) {
	repo := indextest.NewRepo(t)
	id, once := mustID(t, repo.Blob("good")), filepath.Join(t.TempDir(), "once")
	wrapGit(t, `if [ "$1 $2" = "cat-file --batch" ] && mkdir '`+once+`' 2>/dev/null; then read id; echo 'fatal: packed object is corrupt' >&2; exit 128; fi`)
	s := openGit(t, repo.Dir)
	read := func() error {
		return s.Read(t.Context(), []index.ID{id}, func(index.ID, []byte) error { return nil })
	}
	wantError(t, read(), nil, "object "+id.String(), "git cat-file: fatal: packed object is corrupt (`git fsck` tells what else is damaged)")
	if err := read(); err != nil {
		t.Error(err)
	}
}

// TestProcessesStay: a process serves one reader after the other, and Close ends it.
func TestProcessesStay(t *testing.T) {
	repo := indextest.NewRepo(t)
	id := mustID(t, repo.Blob("good"))
	runs := countGit(t)
	s := openGit(t, repo.Dir)
	for range 3 {
		if err := s.Read(t.Context(), []index.ID{id}, func(index.ID, []byte) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Size(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if got := runs(); strings.Count(got, "cat-file --batch\n") != 1 || strings.Count(got, "cat-file --batch-check\n") != 1 {
		t.Errorf("git was run as:\n%s", got)
	}
	processes := []*exec.Cmd{s.objects.idle[0].cmd, s.infos.idle[0].cmd}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for _, p := range processes {
		if p.ProcessState == nil {
			t.Errorf("%v still runs", p.Args)
		}
	}
	if err := s.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	for _, err := range []error{func() error { _, err := s.Size(t.Context(), id); return err }(), s.Read(t.Context(), []index.ID{id}, nil)} {
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	}
}
