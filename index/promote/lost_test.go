package promote_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index/promote"
)

// TestAnswerIsLost: a push that the remote made and whose answer did not come is found to
// have been made, by what the branches are then; that of a new branch, which is not looked
// for, is an error.
func TestAnswerIsLost(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	for name, proposed := range map[string]bool{"a promotion": false, "a proposal": true} {
		t.Run(name, func(t *testing.T) {
			promote.SetRaces(t, 3)
			repo, _, o := remoteStorage(t)
			if proposed {
				o.To = production
			}
			before := refs(repo)
			dir := t.TempDir()
			script := fmt.Sprintf("#!/bin/sh\n'%s' \"$@\" || exit\nif [ \"$1\" = push ]; then\n\techo 'fatal: the remote end hung up unexpectedly' >&2\n\texit 128\nfi\n", git)
			if err := os.WriteFile(filepath.Join(dir, "git"), []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
			r, err := promote.Promote(t.Context(), o)
			if refs(repo) == before {
				t.Fatalf("nothing was pushed: %v", err)
			}
			if proposed {
				if err == nil || !strings.Contains(err.Error(), "hung up") || errors.Is(err, promote.ErrConflict) {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil || r.Attempts != 1 || len(r.Updates) != 2 {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
}
