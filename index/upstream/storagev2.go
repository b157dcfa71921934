package upstream

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/regsnap/regsnap/index/searchindex"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

const (
	cursorPath = "/v2/metadata/cursor.json"
	// archivesPath is below the endpoint, or in the bucket.
	archivesPath = "/artifacts/packages/"
	maxCursor    = 4 << 10
	// maxMoves is how often an import begins again because the cursor moved on.
	maxMoves = 5
)

// defaultIndexSize is how much an index may say, in bytes: some 70,000 package versions.
const defaultIndexSize int64 = 1 << 30

// errQueries: a bucket has no search.
var errQueries = errors.New("an index of package storage v2 answers no queries")

// errMoved: the cursor never stays.
var errMoved = errors.New("the cursor moves on while the packages are read")

// validCursor is what can be a folder's name: it becomes part of a path.
var validCursor = regexp.MustCompile(`^[A-Za-z0-9_:+-][A-Za-z0-9._:+-]{0,199}$`)

// indexPath is where the index of a cursor is.
func indexPath(cursor string) string { return "/v2/metadata/" + cursor + "/search-index-all.json" }

// indexed is what an index says, as it is kept for the next import.
type indexed struct {
	Index  string  `json:"index"` // where it is, and where the archives come from
	Files  string  `json:"files"`
	Cursor string  `json:"cursor"`
	State  state   `json:"state"`
	Offers []offer `json:"offers"`
}

// follow fetches what the index of a bucket lists. Where the cursor moves on meanwhile and
// something is gone for it, it begins again: what was fetched stays.
func (f *fetcher) follow(ctx context.Context) ([]offer, error) {
	for n := 1; ; n++ {
		at, err := f.readIndex(ctx)
		if err != nil {
			return nil, err
		}
		offers, err := pick(at.Offers, f.Slice)
		if err != nil {
			return nil, err
		}
		offers, err = f.take(ctx, offers)
		if !errors.Is(err, errGone) {
			return offers, err
		}
		now, again := f.cursor(ctx)
		switch {
		case again != nil:
			return nil, errors.Join(err, again)
		case now == at.Cursor:
			return nil, err
		case n == maxMoves:
			return nil, fmt.Errorf("%w (%d times, now to %s): import again when fewer are published", errMoved, n, now)
		}
	}
}

// pick is the part of what an index lists that was asked for.
func pick(offers []offer, s layout.Slice) ([]offer, error) {
	s, err := answer.NormalSlice(s)
	switch {
	case err != nil:
		return nil, err
	case len(s.Queries) > 0:
		return nil, errQueries
	case s.Empty():
		return offers, nil
	}
	found := map[string]offer{}
	var missing []string
	for _, p := range s.Packages {
		there := false
		for _, o := range offers {
			if o.Name == p || o.id() == p {
				found[o.id()], there = o, true
			}
		}
		if !there {
			missing = append(missing, p)
		}
	}
	if len(missing) > 0 {
		return nil, noSuch("the index", missing, offers)
	}
	return sorted(maps.Values(found)), nil
}

// cursor reads which index is the current one.
func (f *fetcher) cursor(ctx context.Context) (string, error) {
	body := new(memory)
	at := f.index.where() + cursorPath
	_, err := f.index.get(ctx, cursorPath, "", state{}, maxCursor, body)
	if errors.Is(err, errMissing) {
		return "", fmt.Errorf("%s: %w: is it the bucket of a package storage v2, with the folder that its index is in?", at, err)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", f.index.where(), err)
	}
	text, err := inflated(body, maxCursor)
	if err != nil {
		return "", fmt.Errorf("%s: %w", at, err)
	}
	all, err := io.ReadAll(text)
	if err != nil {
		return "", fmt.Errorf("%s: %w", at, err)
	}
	cursor, err := searchindex.ParseCursor(all)
	if err != nil {
		return "", fmt.Errorf("%s: %w: is it the bucket of a package storage v2?", at, err)
	}
	if !validCursor.MatchString(cursor) {
		return "", fmt.Errorf("%s: %w: a cursor %.60q", at, errRefused, cursor)
	}
	return cursor, nil
}

// readIndex reads the current index, or takes the one that was kept if it is that.
func (f *fetcher) readIndex(ctx context.Context) (*indexed, error) {
	kept := f.cache.index()
	if kept != nil && (f.Refresh || kept.Index != f.index.where() || kept.Files != f.files.where()) {
		kept = nil
	}
	gone := ""
	for n := 1; ; n++ {
		cursor, err := f.cursor(ctx)
		if err != nil {
			return nil, err
		}
		if cursor == gone {
			return nil, fmt.Errorf("%s%s: it is not there, and %s names it: the writer of the bucket has to repair it", f.index.where(), indexPath(cursor), cursorPath)
		}
		now := &indexed{Index: f.index.where(), Files: f.files.where(), Cursor: cursor}
		f.stats.Cursor, f.stats.Current = cursor, false
		var had state
		if kept != nil && kept.Cursor == cursor {
			if had = kept.State; had == (state{}) { // it never changes: there is nothing to ask by
				f.stats.Current = true
				return kept, nil
			}
		}
		f.Progress("index", 0, 1, 0)
		err = f.loadIndex(ctx, now, had)
		switch {
		case errors.Is(err, errUnchanged) && had != state{}:
			f.stats.Current = true
			return kept, nil
		case errors.Is(err, errMissing) && n == maxMoves:
			return nil, errMoved
		case errors.Is(err, errMissing): // the cursor may have moved on, and its folder be gone
			gone = cursor
			continue
		case err != nil:
			return nil, err
		}
		f.Progress("index", 1, 1, 0)
		return now, f.cache.keepIndex(now)
	}
}

// loadIndex reads the index of a cursor.
func (f *fetcher) loadIndex(ctx context.Context, to *indexed, had state) (err error) {
	d, err := f.cache.download()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.discard()) }()
	path := indexPath(to.Cursor)
	to.State, err = f.index.get(ctx, path, "", had, f.IndexSize, d)
	switch {
	case errors.Is(err, errUnchanged), errors.Is(err, errMissing):
		return err
	case err != nil:
		return fmt.Errorf("%s: %w", f.index.where(), err)
	}
	if _, err := d.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	text, err := inflated(bufio.NewReader(d.file), f.IndexSize)
	if err == nil {
		to.Offers, err = f.parseIndex(ctx, text)
	}
	if err != nil {
		return fmt.Errorf("%s%s: %w", f.index.where(), path, err)
	}
	return nil
}

// parseIndex makes offers of the entries of an index.
func (f *fetcher) parseIndex(ctx context.Context, text io.Reader) ([]offer, error) {
	found := map[string]offer{}
	err := searchindex.Read(text, func(e searchindex.Entry) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		o := offer{Name: e.Name, Version: e.Version, Download: archivesPath + e.ID() + ".zip"}
		var m struct {
			SignaturePath string `json:"signature_path"`
		}
		if err := json.Unmarshal(e.Document, &m); err != nil {
			return fmt.Errorf("%w: %.100q: %w", errRefused, e.ID(), err)
		}
		if m.SignaturePath != "" {
			o.SignaturePath = o.Download + ".sig"
		}
		sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s", f.files.where(), e.Document))
		o.Of = hex.EncodeToString(sum[:])
		if found[o.id()] = o; len(found) > maxPackages {
			return fmt.Errorf("%w: more than %d package versions", errRefused, maxPackages)
		}
		return o.check()
	})
	return sorted(maps.Values(found)), err
}

// peeker is a reader that can be looked into.
type peeker interface {
	io.Reader
	Peek(n int) ([]byte, error)
}

// Peek looks into what was read.
func (m *memory) Peek(n int) ([]byte, error) { return m.Bytes()[:min(n, m.Len())], nil }

// inflated is a text of at most limit bytes that may be stored gzip-encoded. Not every store and
// server says so, and no JSON begins like that.
func inflated(r peeker, limit int64) (io.Reader, error) {
	if magic, err := r.Peek(2); err != nil || !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return &bounded{r, limit, limit}, nil // the reader says itself what is wrong
	}
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errRefused, err)
	}
	return &bounded{z, limit, limit}, nil
}

// bounded refuses what is longer than limit.
type bounded struct {
	io.Reader
	left, limit int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p[:min(int64(len(p)), b.left+1)])
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("%w: it says more than %d bytes", errRefused, b.limit)
	}
	return n, err
}

// sorted puts offers in an order.
func sorted(offers func(func(offer) bool)) []offer {
	return slices.SortedFunc(offers, func(a, b offer) int { return strings.Compare(a.id(), b.id()) })
}
