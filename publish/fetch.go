package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"

	"github.com/regsnap/regsnap/layout"
)

// Fetch reads an object and makes sure that it is what it should be; ErrDamaged if
// not. What was written to to before that was found counts for nothing.
func (b *Bucket) Fetch(ctx context.Context, key string, to io.Writer, want layout.ObjectDigest) error {
	if err := bounded(key, want.Size); err != nil {
		return err
	}
	r, err := b.Open(ctx, key, 0, -1)
	if err != nil {
		return err
	}
	defer r.Close()
	return streams(key, io.TeeReader(r, to), want)
}

// FetchFile reads a file of a package as Fetch does an object; a file without an
// object comes out of the archive.
func (b *Bucket) FetchFile(ctx context.Context, rev layout.Revision, list *layout.Contents, f *layout.ContentsFile, to io.Writer) error {
	if list.Own(f) {
		return b.Fetch(ctx, rev.FileKey(f.Path), to, layout.ObjectDigest{Size: f.Size, SHA256: f.SHA256})
	}
	content, err := readSpan(ctx, b, rev.ArchiveKey(), f)
	if err == nil {
		_, err = to.Write(content)
	}
	return err
}

// readSpan reads a file that is no object.
func readSpan(ctx context.Context, b *Bucket, key string, f *layout.ContentsFile) ([]byte, error) {
	offset, size := f.Span()
	span := make([]byte, size)
	if size > 0 {
		r, err := b.Open(ctx, key, offset, size)
		if err != nil {
			return nil, err
		}
		_, err = io.ReadFull(r, span)
		if err = errors.Join(err, r.Close()); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = fmt.Errorf("%w: it has fewer bytes than it should: %w", ErrDamaged, err)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	content, err := f.FromSpan(span)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDamaged, key, err)
	}
	return content, nil
}

// bounded refuses a length that no object of a snapshot has.
func bounded(key string, size int64) error {
	if size < 0 || size > maxCopied {
		return fmt.Errorf("%w: %s: it is said to have %d bytes: no object of a snapshot has more than %d", ErrDamaged, key, size, int64(maxCopied))
	}
	return nil
}

// streams reads what should be an object, and at most one byte more.
func streams(key string, r io.Reader, want layout.ObjectDigest) error {
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(r, want.Size+1))
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	if n > want.Size {
		return fmt.Errorf("%w: %s: more bytes than %d", ErrDamaged, key, want.Size)
	}
	if n < want.Size {
		return fmt.Errorf("%w: %s: %d bytes, want %d", ErrDamaged, key, n, want.Size)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want.SHA256 {
		return fmt.Errorf("%w: %s: SHA-256 %s, want %s", ErrDamaged, key, got, want.SHA256)
	}
	return nil
}

// maxCopied is the largest object that is copied, in bytes: four times what an
// archive may have by default.
const maxCopied = 1 << 30

// FetchEncoded reads the gzip-encoded form of a response, of size bytes, and makes
// sure of it as CheckEncoded does. What was written to to before something was
// found counts for nothing.
func (b *Bucket) FetchEncoded(ctx context.Context, key string, to io.Writer, size int64, plain layout.ObjectDigest) error {
	return b.fetchEncoded(ctx, key, to, io.Discard, size, plain)
}

// fetchEncoded is FetchEncoded, and writes to inflated what the object inflates to.
func (b *Bucket) fetchEncoded(ctx context.Context, key string, to, inflated io.Writer, size int64, plain layout.ObjectDigest) error {
	if err := errors.Join(bounded(key, size), bounded(key, plain.Size)); err != nil {
		return err
	}
	r, err := b.Open(ctx, key, 0, -1)
	if err != nil {
		return err
	}
	defer r.Close()
	return inflate(key, io.TeeReader(r, to), inflated, size, plain)
}

// CheckEncoded reads what should be the gzip-encoded form of a response, of size
// bytes: what it inflates to is known, its own digest is not. Where another encoder was
// first, as that of an earlier regsnap, it may have another size: it stays, because other
// snapshots have it too. ErrDamaged if it is something else, the error of r if that fails.
func CheckEncoded(key string, r io.Reader, size int64, plain layout.ObjectDigest) error {
	return inflate(key, r, io.Discard, size, plain)
}

func inflate(key string, r io.Reader, to io.Writer, size int64, plain layout.ObjectDigest) error {
	most := max(size, layout.MaxEncoded(plain.Size))
	encoded := &io.LimitedReader{R: r, N: most + 1}
	source := &failing{r: encoded}
	z, err := gzip.NewReader(source)
	if err == nil {
		err = streams(key, io.TeeReader(z, to), plain)
	} else {
		err = fmt.Errorf("%s: %w", key, err)
	}
	switch {
	case source.err != nil: // then gzip has failed too
		return fmt.Errorf("%s: %w", key, source.err)
	case corrupt(err):
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	case err != nil:
		return err
	case encoded.N == 0:
		return fmt.Errorf("%w: %s: more bytes than %d", ErrDamaged, key, most)
	}
	return nil
}

// failing remembers with what error a reader failed. Behind gzip a connection that
// was lost looks like an object that is too short.
type failing struct {
	r   io.Reader
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && err != io.EOF {
		f.err = err
	}
	return n, err
}

// corrupt reports whether err is about what was inflated. An empty object is io.EOF.
func corrupt(err error) bool {
	var input flate.CorruptInputError
	return errors.As(err, &input) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
}

// File is where a file:// bucket keeps an object on this machine; "" in other
// stores. It must not be written to.
func (b *Bucket) File(key string) string { return b.can.File(key) }
