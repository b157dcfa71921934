package promote_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/regsnap/regsnap/index/indextest"
)

// hook makes a script a hook of a repository.
func hook(t *testing.T, repo *indextest.Repo, name, script string) {
	t.Helper()
	dir := filepath.Join(repo.Dir, "hooks")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o777); err != nil {
		t.Fatal(err)
	}
}

// once has someone else be faster the first time that a ref is to be moved: a hook runs the
// command given before it refuses the transaction as it does where a ref has moved.
func once(t *testing.T, repo *indextest.Repo, ref, command string) {
	t.Helper()
	mark := filepath.Join(t.TempDir(), "done")
	hook(t, repo, "reference-transaction", `[ "$1" = prepared ] || exit 0
grep -q `+ref+` || exit 0
[ -e `+mark+` ] && exit 0
touch `+mark+`
`+command+`
echo "fatal: cannot lock ref" >&2
exit 1
`)
}
