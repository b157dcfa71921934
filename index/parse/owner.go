package parse

import (
	"context"
	"slices"

	"github.com/regsnap/regsnap/index"
)

// Owner is who the manifest of an entry names as owner ("elastic/integrations");
// empty when that cannot be found out. Only the manifest is read, or the archive.
func (l *Loader) Owner(ctx context.Context, e index.Entry) string {
	if e.IsArchive() {
		owner := ""
		_, err := l.UseArchive(ctx, e, MaxParsedBytes, func(a *Archive) error {
			content, err := a.Read(manifestName)
			if err == nil {
				owner = printable(peekOwner(content).Github)
			}
			return err
		})
		if err != nil {
			return ""
		}
		return owner
	}
	files, err := l.Source.List(ctx, e)
	if err != nil {
		return ""
	}
	files = slices.DeleteFunc(files, func(f index.File) bool { return f.Path != manifestName })
	one := index.Findings{Errors: make([]index.Problem, 1)}
	l.findOwner(ctx, files, &one)
	return one.Errors[0].Owner
}
