package parse

import (
	"context"
	"fmt"

	"github.com/regsnap/regsnap/index"
)

// UseArchive reads and checks a ready-made archive, and calls fn with it unless
// there are problems. The archive is gone when fn returns, and fn must read
// nothing else from the source. extra is how much memory fn takes itself.
func (l *Loader) UseArchive(ctx context.Context, e index.Entry, extra int64, fn func(*Archive) error) ([]index.Problem, error) {
	size, err := l.Source.Size(ctx, e.Archive)
	if err != nil {
		return nil, err
	}
	limits := l.Limits.WithDefaults()
	if size > limits.ArchiveSize {
		return []index.Problem{archiveTooLarge(size, limits)}, nil
	}
	release, err := l.Reserve(ctx, size+extra)
	if err != nil {
		return nil, err
	}
	defer release()
	var problems []index.Problem
	err = l.Source.Read(ctx, []index.ID{e.Archive}, func(_ index.ID, content []byte) error {
		var a *Archive
		if a, problems = openArchive(e.Name, e.Version, content, limits); a == nil {
			return nil
		}
		return fn(a)
	})
	return problems, err
}

func archiveTooLarge(size int64, limits index.Limits) index.Problem {
	return index.Problem{Rule: index.RuleFileSize, Detail: fmt.Sprintf("the archive has %d bytes: it may have %d", size, limits.ArchiveSize)}
}

// parsed is what became of one entry.
type parsed struct {
	loaded           *Loaded
	errors, warnings []index.Problem
}

// loadArchive reads and parses a ready-made archive, and looks at its signature.
func (l *Loader) loadArchive(ctx context.Context, e index.Entry) (out parsed, err error) {
	problems, err := l.UseArchive(ctx, e, 0, func(a *Archive) error {
		pkg, errs, warnings := l.Parser.Parse(e.Name, e.Version, a)
		out = parsed{&Loaded{Entry: e, Package: pkg, Largest: a.largest()}, errs, append(warnings, index.CheckNames(a.files)...)}
		return nil
	})
	if err != nil {
		return parsed{}, err
	}
	out.errors = append(out.errors, problems...)
	signature, err := l.checkSignature(ctx, e)
	out.errors = append(out.errors, signature...)
	if len(out.errors) > 0 {
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
