package publish

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/regsnap/regsnap/layout"
)

// checkEverything reads every object of the live snapshot of an environment and
// compares it with its digest: routes, responses and their encoded twins,
// contents, archives, signatures and files. It returns all that is wrong.
func checkEverything(ctx context.Context, b *Bucket, env string) error {
	m, err := b.Live(ctx, env)
	if err != nil {
		return fmt.Errorf("live snapshot of %s: %w", env, err)
	}
	c := checker{ctx: ctx, b: b}
	c.object(layout.RoutesKey(env, m.ID()), m.Routes)
	for _, r := range m.Responses {
		c.response(r)
	}
	for _, p := range m.Packages {
		c.revision(layout.Revision{Name: p.Name, Version: p.Version, ID: p.Revision}, p.Contents)
	}
	return errors.Join(c.errs...)
}

type checker struct {
	ctx  context.Context
	b    *Bucket
	errs []error
}

func (c *checker) fail(format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf(format, args...))
}

// object reads an object and returns it if it is what it should be.
func (c *checker) object(key string, want layout.ObjectDigest) []byte {
	body, err := c.b.Read(c.ctx, key)
	if err != nil {
		c.fail("read: %w", err)
		return nil
	}
	if !matches(body, want) {
		c.fail("%s: %d bytes with another digest than the manifest says", key, len(body))
		return nil
	}
	return body
}

func (c *checker) response(r layout.ManifestResponse) {
	want := layout.ObjectDigest{Size: r.Size, SHA256: r.SHA256}
	key := r.Object(layout.CacheContent).Key
	if !r.EncodedOnly {
		c.object(key, want)
	}
	if r.Gzip == 0 {
		return
	}
	key += layout.GzipSuffix
	twin, err := c.b.Read(c.ctx, key)
	if err != nil {
		c.fail("read: %w", err)
		return
	}
	z, err := gzip.NewReader(bytes.NewReader(twin))
	if err != nil {
		c.fail("%s: %w", key, err)
		return
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		c.fail("%s: %w", key, err)
		return
	}
	if int64(len(twin)) != r.Gzip || !matches(plain, want) {
		c.fail("%s: %d bytes are not the encoded twin", key, len(twin))
	}
}

// matches compares a body with its digest; a negative size is not known.
func matches(body []byte, want layout.ObjectDigest) bool {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:]) == want.SHA256 && (want.Size < 0 || int64(len(body)) == want.Size)
}

func (c *checker) revision(r layout.Revision, contents string) {
	body := c.object(r.ContentsKey(), layout.ObjectDigest{Size: -1, SHA256: contents})
	if body == nil {
		return
	}
	list, err := layout.DecodeContents(body, r)
	if err != nil {
		c.fail("%s: %w", r.ContentsKey(), err)
		return
	}
	c.object(r.ArchiveKey(), list.Archive)
	if list.Signature != nil {
		c.object(r.SignatureKey(), *list.Signature)
	}
	for _, f := range list.Objects() {
		c.object(r.FileKey(f.Path), layout.ObjectDigest{Size: f.Size, SHA256: f.SHA256})
	}
}
