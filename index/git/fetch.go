package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/internal/redact"
)

// Prefetch gets what listing and reading the entries will need, where the
// repository is a partial clone that lacks it: one fetch for all, where List
// would make one for each entry. In a whole clone it does nothing.
func (s *GitSource) Prefetch(ctx context.Context, entries []index.Entry) error {
	if s.promisor == "" {
		return nil
	}
	var missing []index.ID
	seen := map[index.ID]bool{}
	want := func(id index.ID) {
		if !seen[id] {
			seen[id] = true
			missing = append(missing, id)
		}
	}
	for _, e := range entries {
		if e.IsArchive() {
			want(e.Archive)
			if !e.Signature.IsZero() {
				want(e.Signature)
			}
			continue
		}
		files, err := walkTree(ctx, e.Tree, e.Path, s.readTrees)
		if errors.Is(err, index.ErrNoObject) {
			continue // List says it, with branch and package
		}
		if err != nil {
			return err
		}
		for _, f := range files {
			if f.Mode != index.Submodule {
				want(f.Blob)
			}
		}
	}
	lacking, err := s.lacking(ctx, missing)
	if err != nil {
		return err
	}
	return s.fetch(ctx, lacking)
}

// lacking keeps the ids of objects that are not in the store.
func (s *GitSource) lacking(ctx context.Context, ids []index.ID) ([]index.ID, error) {
	var out []index.ID
	err := s.infos.read(ctx, ids, func(obj object) error {
		if obj.missing {
			out = append(out, obj.id)
		}
		return nil
	})
	return out, err
}

// fetch gets objects from the remote that promised them, as git itself does
// when it meets one (git's promisor-remote.c, partial-clone.txt).
func (s *GitSource) fetch(ctx context.Context, ids []index.ID) error {
	if len(ids) == 0 || s.promisor == "" {
		return nil
	}
	var stdin bytes.Buffer
	for _, id := range ids {
		stdin.WriteString(id.String() + "\n")
	}
	err := s.fetchGit(ctx, s.dir, s.dir, s.promisor, &stdin, []string{"fetch.negotiationAlgorithm=noop"}, []string{"--filter=blob:none", "--stdin"}, nil)
	if err != nil {
		return fmt.Errorf("fetch %d objects that the partial clone lacks from %s: %w", len(ids), redact.Text(s.promisor), err)
	}
	s.mu.Lock()
	s.fetched += len(ids)
	s.mu.Unlock()
	return nil
}

// fetchedObjects counts the objects that were fetched because a partial clone lacked them.
func (s *GitSource) fetchedObjects() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fetched
}

// promisorRemote finds the remote in what "git config --get-regexp" printed.
func promisorRemote(config string) string {
	for line := range strings.Lines(config) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if key == "extensions.partialclone" {
			return value
		}
		if name, ok := strings.CutPrefix(key, "remote."); ok && value == "true" {
			return strings.TrimSuffix(name, ".promisor")
		}
	}
	return ""
}
