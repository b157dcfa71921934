package upstream

import (
	"context"
	"path/filepath"
	"slices"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
)

// BranchName is what the one branch of a Source is called.
const BranchName = "import"

// Source is what was fetched, as a branch of a package storage that holds
// ready-made archives.
type Source struct {
	*git.DirSource
	cache  *cache
	wanted map[string]bool
	from   string
}

var _ index.Source = (*Source)(nil)

func newSource(c *cache, offers []offer, from string) *Source {
	s := &Source{
		DirSource: git.OpenDirs(map[string]string{BranchName: filepath.Join(c.dir, branchFolder)}),
		cache:     c, wanted: map[string]bool{}, from: from,
	}
	for _, o := range offers {
		s.wanted[o.id()] = true
	}
	return s
}

// Branch lists the archives that were asked for; the folder may hold those of
// other imports too.
func (s *Source) Branch(ctx context.Context, name string) (*index.Branch, error) {
	b, err := s.DirSource.Branch(ctx, name)
	if err != nil {
		return nil, err
	}
	b.Entries = slices.DeleteFunc(b.Entries, func(e index.Entry) bool { return !s.wanted[e.Name+"-"+e.Version] })
	// It is known that this is no commit's content, and where it comes from.
	b.Found.Warnings = slices.DeleteFunc(b.Found.Warnings, func(p index.Problem) bool { return p.Rule == index.RuleNotCommitted })
	b.Commit = &index.Commit{Subject: "imported from " + s.from}
	return b, nil
}

// LastChange knows nobody to ask: archives have no commits.
func (s *Source) LastChange(context.Context, string, string) (*index.Commit, error) { return nil, nil }

// Close lets others use the folder.
func (s *Source) Close() error { return s.cache.close() }
