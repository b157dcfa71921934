package parse

import (
	"context"
	"fmt"

	"github.com/regsnap/regsnap/index"
)

// UseArchive reads and checks a ready-made archive, and calls fn with it unless
// there are errors. The archive is gone when fn returns, and fn must read
// nothing else from the source. extra is how much memory fn takes itself.
func (l *Loader) UseArchive(ctx context.Context, e index.Entry, extra int64, fn func(*Archive) error) (found index.Findings, err error) {
	size, err := l.Source.Size(ctx, e.Archive)
	if err != nil {
		return found, err
	}
	limits := l.Limits.WithDefaults()
	if size > limits.ArchiveSize {
		found.Error(archiveTooLarge(size, limits))
		return found, nil
	}
	release, err := l.Reserve(ctx, size+extra)
	if err != nil {
		return found, err
	}
	defer release()
	err = l.Source.Read(ctx, []index.ID{e.Archive}, func(_ index.ID, content []byte) error {
		var a *Archive
		if a, found = openArchive(e.Name, e.Version, content, limits); a == nil {
			return nil
		}
		return fn(a)
	})
	return found, err
}

func archiveTooLarge(size int64, limits index.Limits) index.Problem {
	return index.Problem{Rule: index.RuleFileSize, Detail: fmt.Sprintf("the archive has %d bytes: it may have %d", size, limits.ArchiveSize)}
}

// parsed is what became of one entry.
type parsed struct {
	loaded *Loaded
	found  index.Findings
}

// loadArchive reads and parses a ready-made archive, and looks at its signature.
func (l *Loader) loadArchive(ctx context.Context, e index.Entry) (out parsed, err error) {
	found, err := l.UseArchive(ctx, e, 0, func(a *Archive) error {
		pkg, found := l.Parser.Parse(e.Name, e.Version, a)
		found.Add(index.CheckNames(a.files))
		out = parsed{&Loaded{Entry: e, Package: pkg, Largest: a.largest()}, found}
		return nil
	})
	if err != nil {
		return parsed{}, err
	}
	out.found.Add(found)
	signature, err := l.checkSignature(ctx, e)
	out.found.Add(signature)
	if len(out.found.Errors) > 0 {
		out.loaded = nil
	}
	return out, err
}

// largest is the length of the largest file.
func (t *Archive) largest() (most int64) {
	for _, f := range t.files {
		most = max(most, f.Size)
	}
	return most
}
