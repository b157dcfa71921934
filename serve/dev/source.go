package dev

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/layout"
)

// source is what is built: the packages that are being edited, those that are broken
// as they were when they were good, and what lies under them.
type source struct {
	work   *git.WorkSource
	branch *index.Branch // what is to be built of work
	under  index.Source  // nil: nothing
	kept   map[version]*keptPackage
}

var _ index.Source = (*source)(nil)

// version names a package version.
type version struct{ name, version string }

func versionOf(e index.Entry) version { return version{e.Name, e.Version} }

// keptPackage is a package as it was when it was good. Its files have changed since.
type keptPackage struct {
	entry    index.Entry
	files    []index.File
	contents map[index.ID][]byte
}

// keep reads a package as it was, from the objects that were made of it.
func keep(ctx context.Context, e index.Entry, p layout.ManifestPackage, from Reader) (*keptPackage, error) {
	rev := layout.Revision{Name: p.Name, Version: p.Version, ID: p.Revision}
	archive, err := from.Read(ctx, rev.ArchiveKey())
	if err != nil {
		return nil, err
	}
	k := &keptPackage{entry: e, contents: map[index.ID][]byte{}}
	if e.IsArchive() {
		k.contents[e.Archive] = archive
		if !e.Signature.IsZero() {
			k.contents[e.Signature], err = from.Read(ctx, rev.SignatureKey())
		}
		return k, err
	}
	k.files, err = unpack(archive, rev.Name+"-"+rev.Version, k.contents)
	return k, err
}

// unpack lists the files of an archive that a build has made, and adds their contents.
func unpack(archive []byte, root string, contents map[index.ID][]byte) ([]index.File, error) {
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, err
	}
	var files []index.File
	for _, f := range z.File {
		path, ok := strings.CutPrefix(f.Name, root+"/")
		if !ok || path == "" || strings.HasSuffix(path, "/") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(io.LimitReader(r, int64(f.UncompressedSize64)+1))
		if err := errors.Join(err, r.Close()); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		id := git.ObjectID(git.BlobObject, content)
		contents[id] = content
		files = append(files, index.File{Path: path, Size: int64(len(content)), Blob: id})
	}
	slices.SortFunc(files, func(a, b index.File) int {
		return slices.Compare(strings.Split(a.Path, "/"), strings.Split(b.Path, "/"))
	})
	return files, nil
}

// Branch gives what is to be built; see index.Source.
func (s *source) Branch(ctx context.Context, name string) (*index.Branch, error) {
	if name == git.WorkBranch {
		return s.branch, nil
	}
	if s.under == nil {
		return nil, fmt.Errorf("%w: %s", index.ErrNoBranch, name)
	}
	return s.under.Branch(ctx, name)
}

// List gives the files of an entry; see index.Source.
func (s *source) List(ctx context.Context, e index.Entry) ([]index.File, error) {
	if e.Branch != git.WorkBranch {
		return s.under.List(ctx, e)
	}
	if k := s.kept[versionOf(e)]; k != nil && k.entry.SameContent(e) {
		return k.files, nil
	}
	return s.work.List(ctx, e)
}

// content is what kept packages hold of an id.
func (s *source) content(id index.ID) ([]byte, bool) {
	for _, k := range s.kept {
		if content, ok := k.contents[id]; ok {
			return content, true
		}
	}
	return nil, false
}

// Read gives contents, wherever they are; see index.Source.
func (s *source) Read(ctx context.Context, ids []index.ID, fn func(index.ID, []byte) error) error {
	for len(ids) > 0 {
		// As many as come from one place are read in one go.
		if content, ok := s.content(ids[0]); ok {
			if err := fn(ids[0], content); err != nil {
				return err
			}
			ids = ids[1:]
			continue
		}
		here := s.inWork(ctx, ids[0])
		n := 1
		for n < len(ids) && s.inWork(ctx, ids[n]) == here {
			if _, kept := s.content(ids[n]); kept {
				break
			}
			n++
		}
		from := index.Source(s.work)
		if !here && s.under != nil {
			from = s.under
		}
		if err := from.Read(ctx, ids[:n], fn); err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

func (s *source) inWork(ctx context.Context, id index.ID) bool {
	_, err := s.work.Size(ctx, id)
	return err == nil
}

// Size is the length of a content; see index.Source.
func (s *source) Size(ctx context.Context, id index.ID) (int64, error) {
	if content, ok := s.content(id); ok {
		return int64(len(content)), nil
	}
	size, err := s.work.Size(ctx, id)
	if err != nil && s.under != nil {
		return s.under.Size(ctx, id)
	}
	return size, err
}

// LastChange asks git, where there is one; see index.Source.
func (s *source) LastChange(ctx context.Context, branch, path string) (*index.Commit, error) {
	if branch != git.WorkBranch {
		return nil, nil
	}
	return s.work.LastChange(ctx, branch, path)
}

// Close does nothing: what lies under is its owner's.
func (s *source) Close() error { return nil }
