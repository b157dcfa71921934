package check

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// maxFiles is how many files of a package version are asked for.
const maxFiles = 6

// sampled chooses package versions by the seed: a share of them, at least one,
// and one that is signed if there is any.
func sampled(t *answer.Table, share float64, seed uint64) []int {
	var rows []int
	least, signed := -1, -1
	for row := range t.Rows() {
		r := t.Revision(row)
		f := fraction(seed, r.Name+"-"+r.Version)
		if least < 0 || f < fraction(seed, t.Name(least)+"-"+t.Versions[least]) {
			least = row
		}
		if t.Flags[row]&layout.Signed != 0 && signed < 0 {
			signed = row
		}
		if f < share {
			rows = append(rows, row)
		}
	}
	for _, row := range []int{least, signed} {
		if row >= 0 && !slices.Contains(rows, row) && (row == signed || len(rows) == 0) {
			rows = append(rows, row)
		}
	}
	slices.Sort(rows)
	return rows
}

// packages are the archive, the signature and a few files of the sampled
// package versions.
func packages(ctx context.Context, ref *reference, o Options) ([]probe, error) {
	rows := sampled(ref.table, o.Sample, o.Seed)
	found := make([][]probe, len(rows))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(o.Parallel)
	for i, row := range rows {
		g.Go(func() error {
			rev := ref.table.Revision(row)
			body, err := o.Bucket.Read(ctx, rev.ContentsKey())
			if err != nil {
				return err
			}
			list, err := layout.DecodeContents(body, rev)
			if err != nil {
				return fmt.Errorf("%s: %w", rev.ContentsKey(), err)
			}
			found[i] = packageProbes(rev, list, o)
			return nil
		})
	}
	err := g.Wait()
	return slices.Concat(found...), err
}

func packageProbes(rev layout.Revision, list *layout.Contents, o Options) []probe {
	archive := escaped("/epr/" + rev.Name + "/" + rev.Name + "-" + rev.Version + ".zip")
	out := []probe{{kindArchive, http.MethodGet, archive, encoded | head | conditional | ranges}}
	if list.Signature != nil {
		out = append(out, probe{kindSignature, http.MethodGet, archive + ".sig", plain | encoded | head | conditional})
	}
	id := rev.Name + "-" + rev.Version
	if o.Level != API {
		// A registry has these addresses for another that is in front of it.
		out = append(out, probe{kindArchive, http.MethodGet, escaped("/artifacts/packages/" + id + ".zip"), encoded | head | ranges})
	}
	for i, f := range someFiles(list.Files, rev, o.Seed) {
		if i == 0 && o.Level != API {
			out = append(out, probe{kindFile, http.MethodGet, escaped("/artifacts/static/" + id + "/" + f.Path), plain | encoded | head})
		}
		w := plain | encoded | head | conditional
		if f.Size > 0 {
			w |= ranges
		}
		out = append(out, probe{kindFile, http.MethodGet, escaped("/package/" + rev.Name + "/" + rev.Version + "/" + f.Path), w})
	}
	return out
}

// someFiles chooses files by the seed: one whose name needs escaping, then one
// of each extension, then any.
func someFiles(all []layout.ContentsFile, rev layout.Revision, seed uint64) []layout.ContentsFile {
	order := slices.Clone(all)
	id := rev.Name + "-" + rev.Version + "/"
	slices.SortStableFunc(order, func(a, b layout.ContentsFile) int {
		if fraction(seed, id+a.Path) < fraction(seed, id+b.Path) {
			return -1
		}
		return 1
	})
	var first, rest []layout.ContentsFile
	seen := map[string]bool{}
	for _, f := range order {
		class := path.Ext(f.Path)
		if escaped(f.Path) != f.Path {
			class = "needs escaping"
		}
		if seen[class] {
			rest = append(rest, f)
			continue
		}
		seen[class] = true
		first = append(first, f)
	}
	all = append(first, rest...)
	return all[:min(len(all), maxFiles)]
}

// escaped writes a path as clients send it.
func escaped(p string) string { return (&url.URL{Path: p}).EscapedPath() }
