package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/regsnap/regsnap/layout"
)

// sweeper is a store in which writers that are killed leave what is no object:
// files that are not finished, and folders with nothing in them. Elsewhere an
// object is there whole or not at all; parts of an upload that was broken off
// are for the bucket's lifecycle rules to remove.
type sweeper interface {
	// leftovers lists the unfinished files that were last written before a time.
	leftovers(ctx context.Context, before time.Time) ([]ObjectInfo, error)
	// sweepFile removes one of them.
	sweepFile(key string) error
	// sweepFolders removes the empty folders. Putting an object into one of
	// them at the same time is safe.
	sweepFolders(ctx context.Context) error
}

var _ sweeper = (*fileStore)(nil)

// leftovers looks only where regsnap writes. Pointers and leases are written
// while prune is at work too, but no file is on its way for as long as a lease
// takes to become stale.
func (s *fileStore) leftovers(ctx context.Context, before time.Time) ([]ObjectInfo, error) {
	var out []ObjectInfo
	for _, prefix := range []string{layout.EnvironmentsPrefix, layout.LeasesPrefix, layout.SnapshotsPrefix, layout.PackagesPrefix, layout.ResponsesPrefix} {
		for f, err := range s.walk(ctx, prefix) {
			if err != nil {
				return nil, err
			}
			if strings.HasSuffix(f.Key, tempSuffix) && f.Modified.Before(before) {
				out = append(out, f)
			}
		}
	}
	return out, nil
}

func (s *fileStore) sweepFile(key string) error {
	err := os.Remove(filepath.Join(s.dir, filepath.FromSlash(key)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (s *fileStore) sweepFolders(ctx context.Context) error {
	for _, prefix := range []string{layout.SnapshotsPrefix, layout.PackagesPrefix, layout.ResponsesPrefix} {
		if _, err := s.sweepFolder(ctx, path.Clean(prefix)); err != nil {
			return fmt.Errorf("remove empty folders: %w", err)
		}
	}
	return nil
}

// sweepFolder removes the empty folders below one, and tells whether that has
// become empty itself.
func (s *fileStore) sweepFolder(ctx context.Context, name string) (empty bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	entries, err := os.ReadDir(filepath.Join(s.dir, filepath.FromSlash(name)))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	left := len(entries)
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		below := path.Join(name, e.Name())
		empty, err := s.sweepFolder(ctx, below)
		if err != nil {
			return false, err
		}
		// It stays if somebody has put something there since, or may not be
		// removed: that does no harm.
		if empty && os.Remove(filepath.Join(s.dir, filepath.FromSlash(below))) == nil {
			left--
		}
	}
	return left == 0, nil
}

// planLeftovers adds to a plan what dead writers left.
func (b *Bucket) planLeftovers(ctx context.Context, p *PrunePlan, now time.Time) error {
	s, ok := b.objects.(sweeper)
	if !ok {
		return nil
	}
	files, err := s.leftovers(ctx, now.Add(-b.times().stale))
	if err != nil {
		return err
	}
	for _, f := range files {
		p.Leftovers.add(f.Size)
		p.leftovers = append(p.leftovers, f.Key)
	}
	return nil
}

// sweepLeftovers removes what planLeftovers found, and the empty folders.
func (b *Bucket) sweepLeftovers(ctx context.Context, p *PrunePlan) error {
	s, ok := b.objects.(sweeper)
	if !ok {
		return nil
	}
	for _, key := range p.leftovers {
		if err := s.sweepFile(key); err != nil {
			return err
		}
	}
	return s.sweepFolders(ctx)
}
