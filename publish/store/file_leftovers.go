package store

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

	"github.com/regsnap/regsnap/internal/durable"
	"github.com/regsnap/regsnap/layout"
)

// Writers that are killed leave what is no object in a folder: files that are not
// finished, and folders with nothing in them. Elsewhere an object is there whole
// or not at all; parts of an upload that was given up are for the bucket's
// lifecycle rules to remove.

// leftovers looks only where regsnap writes. Pointers and leases are written
// while prune is at work too, but no file is on its way for as long as a lease
// takes to become stale.
func (s *fileStore) leftovers(ctx context.Context, before time.Time) ([]ObjectInfo, error) {
	var out []ObjectInfo
	for _, prefix := range layout.Prefixes {
		for f, err := range s.walk(ctx, prefix) {
			if err != nil {
				return nil, err
			}
			if strings.HasSuffix(f.Key, TempSuffix) && f.Modified.Before(before) {
				out = append(out, f)
			}
		}
	}
	return out, nil
}

func (s *fileStore) sweepFile(key string) error {
	err := durable.Remove(filepath.Join(s.dir, filepath.FromSlash(key)))
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

// sweepFolder removes the empty folders below one, and reports whether that has
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
		// It stays if someone has put something there since, or may not be
		// removed: that does no harm.
		if empty && os.Remove(filepath.Join(s.dir, filepath.FromSlash(below))) == nil {
			left--
		}
	}
	return left == 0, nil
}
