package git

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/indextest"
)

// TestFails has each command of git fail that reading takes: that is the error, with what
// git said; done again with a new source it gives what it would have.
func TestFails(t *testing.T) {
	repo := indextest.NewRepoFrom(t, twoBranches)
	repo.Commit("production", "another apache", "-- packages/apache/1.0.0/manifest.yml --\nname: apache\nsecond: true\n-- packages/apache/2.0.0/manifest.yml --\nname: apache\n-- packages/zoom/0.1.0+build/manifest.yml --\nname: zoom\n")
	old, newest, other := repo.Git("", "rev-parse", "production^"), repo.Git("", "rev-parse", "production"), repo.Git("", "rev-parse", "staging")
	clone := partialClone(t)
	work := filepath.Join(t.TempDir(), "work")
	indextest.Git(t, repo.Dir, "", "clone", "--quiet", "--branch=production", repo.Dir, work)
	if err := os.WriteFile(filepath.Join(work, "packages", "apache", "2.0.0", "manifest.yml"), []byte("changed\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	shallow := filepath.Join(t.TempDir(), "shallow")
	indextest.Git(t, repo.Dir, "", "clone", "--quiet", "--bare", "--depth=1", "--branch=production", "file://"+repo.Dir, shallow)
	f := indextest.NewFailingGit(t)
	f.OnPath(t)
	all := func(s *GitSource, b *index.Branch) (out []any, err error) {
		for _, e := range b.Entries {
			files, err := s.List(context.Background(), e)
			if err != nil {
				return nil, err
			}
			for _, file := range files {
				size, err := s.Size(context.Background(), file.Blob)
				if err == nil {
					err = s.Read(context.Background(), []index.ID{file.Blob}, func(id index.ID, content []byte) error {
						out = append(out, e.Path, file, size, string(content))
						return nil
					})
				}
				if err != nil {
					return nil, err
				}
			}
		}
		return out, nil
	}
	ctx := t.Context()
	type operation func(s *GitSource) (any, error)
	for name, c := range map[string]struct {
		dir string
		run operation
		// bears: a command of that beginning may fail, and the result is the other.
		bears string
	}{
		"branch": {repo.Dir, func(s *GitSource) (any, error) { return s.Branch(ctx, "production") }, ""},
		"contents": {repo.Dir, func(s *GitSource) (any, error) {
			b, err := s.Branch(ctx, "production")
			if err != nil {
				return nil, err
			}
			return all(s, b)
		}, ""},
		"last change": {repo.Dir, func(s *GitSource) (any, error) { return s.LastChange(ctx, "production", "packages/zoom/0.1.0+build") }, ""},
		"last changes": {repo.Dir, func(s *GitSource) (any, error) {
			var out []any
			for range singleWalks + 2 {
				c, err := s.LastChange(ctx, "production", "packages/apache/2.0.0")
				if err != nil {
					return nil, err
				}
				out = append(out, *c)
			}
			return out, nil
		}, ""},
		"history": {repo.Dir, func(s *GitSource) (any, error) {
			var out []any
			h, err := s.History(ctx, "production", func(step Step) error {
				for _, c := range step.Changes {
					files, err := s.ChangedFiles(ctx, c)
					if err != nil {
						return err
					}
					out = append(out, c, files)
				}
				return nil
			})
			return append(out, h), err
		}, ""},
		"by its digits": {repo.Dir, func(s *GitSource) (any, error) { return s.Tip(ctx, newest) }, ""},
		"last change from": {repo.Dir, func(s *GitSource) (any, error) {
			return s.LastChangeFrom(ctx, mustID(t, newest), "packages/zoom/0.1.0+build")
		}, ""},
		"relation":                    {repo.Dir, func(s *GitSource) (any, error) { return s.Relation(ctx, "production", old, newest) }, ""},
		"relation in a shallow clone": {shallow, func(s *GitSource) (any, error) { return s.Relation(ctx, "production", old, newest) }, ""},
		"compare": {repo.Dir, func(s *GitSource) (any, error) {
			before, after, err := s.Compare(ctx, "production", mustID(t, old), mustID(t, newest))
			return []any{before, after}, err
		}, ""},
		"part": {repo.Dir, func(s *GitSource) (any, error) {
			return s.BranchPart(ctx, "production", mustID(t, old), map[string]bool{"zoom": true})
		}, ""},
		"commits since": {repo.Dir, func(s *GitSource) (any, error) { return s.CommitsSince(ctx, "production", old) }, ""},
		"file": {repo.Dir, func(s *GitSource) (any, error) {
			body, ref, err := s.File(ctx, "refs/heads/production", "packages/apache/2.0.0/manifest.yml")
			return []any{string(body), ref}, err
		}, ""},
		"file at": {repo.Dir, func(s *GitSource) (any, error) {
			body, err := s.FileAt(ctx, mustID(t, other), "packages/zoom/0.2.0/manifest.yml")
			return string(body), err
		}, ""},
		"revision":    {repo.Dir, func(s *GitSource) (any, error) { return s.Revision(ctx, "production^") }, ""},
		"head branch": {work, func(s *GitSource) (any, error) { return s.HeadBranch(ctx) }, ""},
		"merge base": {repo.Dir, func(s *GitSource) (any, error) {
			return s.MergeBase(ctx, mustID(t, old), mustID(t, newest))
		}, ""},
		"bare":     {repo.Dir, func(s *GitSource) (any, error) { return s.Bare(ctx) }, ""},
		"tracking": {work, func(s *GitSource) (any, error) { return s.Tracking(ctx, "staging") }, ""},
		"work tree": {work, func(s *GitSource) (any, error) {
			id, err := s.WorkTree(ctx)
			if err != nil || id.IsZero() {
				return nil, err
			}
			b, err := s.BranchPart(ctx, "work", id, nil)
			if err != nil {
				return nil, err
			}
			b.Commit = nil // it is of now
			return b, nil
		}, "status"}, // git does not take it for the user's own
		"partial clone": {clone, func(s *GitSource) (any, error) {
			b, err := s.Branch(ctx, "production")
			if err == nil {
				err = s.Prefetch(ctx, b.Entries)
			}
			if err != nil {
				return nil, err
			}
			return all(s, b)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var want any
			for n, last := 0, 1; n <= last; n++ {
				f.Fail(0)
				dir := c.dir
				if c.dir == clone { // what was fetched would stay
					dir = filepath.Join(t.TempDir(), "clone")
					if err := os.CopyFS(dir, os.DirFS(clone)); err != nil {
						t.Fatal(err)
					}
				}
				s, err := OpenGit(ctx, dir)
				if err != nil {
					t.Fatal(err)
				}
				f.Fail(n)
				got, err := c.run(s)
				commands := f.Commands()
				f.Fail(0)
				if e := s.Close(); e != nil {
					t.Error(e)
				}
				if n == 0 {
					if err != nil {
						t.Fatal(err)
					}
					want = got
					if last = commands; last < 1 {
						t.Fatalf("%d commands", commands)
					}
					continue
				}
				failed := f.Failed()
				if c.bears != "" && strings.HasPrefix(failed, c.bears) {
					if err != nil || reflect.DeepEqual(got, want) {
						t.Errorf("git %s: %v, %v", failed, got, err)
					}
					continue
				}
				if err == nil || !strings.Contains(err.Error(), "No space left on device") {
					t.Errorf("git %s fails: %v, %+v", failed, err, got)
				}
			}
		})
	}
	t.Run("open", func(t *testing.T) {
		for _, dir := range []string{repo.Dir, clone} {
			for n := 1; n <= 2; n++ { // what it is, and whether it is partial
				f.Fail(n)
				s, err := OpenGit(ctx, dir)
				if err == nil || s != nil || !strings.Contains(err.Error(), "No space left on device") || !strings.Contains(err.Error(), "open git repository "+dir) {
					t.Errorf("git %s fails: %v", f.Failed(), err)
				}
			}
		}
		f.Fail(0)
	})
}
