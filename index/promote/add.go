package promote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/lint"
)

// ErrFile: a file cannot be added.
var ErrFile = errors.New("cannot be added")

// AddOptions say which ready-made archives to add to a branch.
type AddOptions struct {
	// Repo is the path of a clone, bare or not.
	Repo string
	// To is the branch with its rules. One that is never overwritten takes nothing
	// but what was promoted to it.
	To    lint.Branch
	Files []AddFile
	// Remote makes the change in a remote of the clone instead of the clone.
	Remote string
	DryRun bool
	// Regsnap is the version of this program, for the commit.
	Regsnap string
	Limits  index.Limits
	// Specification and Checker are those of lint.Options.
	Specification lint.Level
	Checker       lint.Checker
}

// AddFile is an archive called NAME-VERSION.zip, and its signature.
type AddFile struct {
	Archive string
	// Signature is the file beside it if empty, should there be one.
	Signature string
}

// Add puts ready-made archives into a branch, as they are, in one commit. What the
// branch has of the same versions they replace, if its rules allow that. With
// ErrRefused the result carries the report.
func Add(ctx context.Context, o AddOptions) (*Result, error) {
	p := &promotion{
		Options: Options{Repo: o.Repo, To: o.To, Remote: o.Remote, DryRun: o.DryRun, Regsnap: o.Regsnap, Limits: o.Limits, Specification: o.Specification, Checker: o.Checker},
		result:  &Result{To: o.To.Name},
	}
	if o.To.Overwrite == lint.Never {
		return nil, fmt.Errorf("%w: %s takes packages by pull request only: add them to a branch below it, and promote them", ErrFile, o.To.Name)
	}
	done, err := p.open(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	entries, err := p.write(ctx, o)
	if err != nil {
		return nil, err
	}
	p.result.Attempts, err = retry(ctx, p.target(), []string{o.To.Name}, func(tips map[string]index.ID) ([]Update, error) {
		if err := p.planAdd(ctx, tips[o.To.Name], entries); err != nil || o.DryRun {
			return nil, err
		}
		return p.result.Updates, nil
	})
	return p.result, err
}

// write makes objects of the files. No branch knows them yet.
func (p *promotion) write(ctx context.Context, o AddOptions) ([]index.Entry, error) {
	var entries []index.Entry
	seen := map[string]bool{}
	for _, f := range o.Files {
		base := filepath.Base(f.Archive)
		stem, isZip := strings.CutSuffix(base, ".zip")
		name, version, _ := strings.Cut(stem, "-")
		if _, err := semver.StrictNewVersion(version); err != nil || !isZip || !git.ValidName(name) {
			return nil, fmt.Errorf("%s %w: want a file NAME-VERSION.zip, with the name and the version of the package", f.Archive, ErrFile)
		}
		if seen[stem] {
			return nil, fmt.Errorf("%s %w: %s is given twice", f.Archive, ErrFile, stem)
		}
		seen[stem] = true
		e := index.Entry{Branch: o.To.Name, Name: name, Version: version, Path: "packages/" + name + "/" + base}
		var err error
		if e.Archive, err = p.writeFile(ctx, f.Archive, o.Limits.WithDefaults().ArchiveSize); err != nil {
			return nil, err
		}
		signature := f.Signature
		if signature == "" {
			signature = f.Archive + ".sig"
		}
		e.Signature, err = p.writeFile(ctx, signature, maxSignature)
		if err != nil && (f.Signature != "" || !errors.Is(err, fs.ErrNotExist)) {
			return nil, err
		}
		entries = append(entries, e)
	}
	index.SortEntries(entries)
	return entries, nil
}

// maxSignature is the largest signature that is taken, in bytes.
const maxSignature = 64 << 10

// writeFile makes an object of a file.
func (p *promotion) writeFile(ctx context.Context, file string, most int64) (index.ID, error) {
	info, err := os.Stat(file)
	if err != nil {
		return index.ID{}, err
	}
	if !info.Mode().IsRegular() || info.Size() > most {
		return index.ID{}, fmt.Errorf("%s %w: want a file of at most %d bytes", file, ErrFile, most)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return index.ID{}, err
	}
	return p.repo.id(ctx, string(content), "hash-object", "-w", "--no-filters", "--stdin")
}

// planAdd makes the commit, and has lint judge it.
func (p *promotion) planAdd(ctx context.Context, tip index.ID, entries []index.Entry) error {
	p.begin()
	to, err := p.state(ctx, p.To.Name, tip)
	if err != nil {
		return err
	}
	var replaced []index.Entry
	for _, e := range entries {
		at := slices.IndexFunc(to.branch.Entries, func(old index.Entry) bool { return old.Name == e.Name && old.Version == e.Version })
		if at >= 0 {
			if to.branch.Entries[at].SameContent(e) {
				continue // it is there already
			}
			replaced = append(replaced, to.branch.Entries[at])
		}
		p.result.Moved = append(p.result.Moved, e)
	}
	if len(p.result.Moved) == 0 {
		return nil
	}
	m := message{subject: "Add " + listing(p.result.Moved)}
	m.packages(trailerAdded, p.result.Moved)
	m.trailer(trailerAddedWith, "regsnap %s", p.Regsnap)
	added, err := p.update(ctx, to, p.result.Moved, replaced, m.String())
	if err != nil {
		return err
	}
	p.result.Updates = []Update{*added}
	return p.judge(ctx, p.To, to.id, added.New, nil)
}
