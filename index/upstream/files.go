package upstream

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/regsnap/regsnap/index/parse"
)

// maxSignature is the largest signature that is taken, in bytes.
const maxSignature = 64 << 10

// one fetches an archive and its signature.
func (f *fetcher) one(ctx context.Context, o offer) error {
	archive := o.id() + ".zip"
	signature := archive + ".sig"
	if err := f.file(ctx, o, archive, o.Download, f.Limits.ArchiveSize); err != nil {
		return err
	}
	if o.SignaturePath == "" {
		if err := f.cache.remove(signature); err != nil {
			return err
		}
	} else if err := f.file(ctx, o, signature, o.SignaturePath, maxSignature); err != nil {
		return err
	}
	return f.verify(o, archive, signature)
}

// file fetches one file, unless it is there and has not changed.
func (f *fetcher) file(ctx context.Context, o offer, name, path string, limit int64) error {
	had, there := f.cache.have(name, path)
	if there && o.Of != "" && had.Of == o.Of && !f.Refresh {
		return f.count(func(s *Stats) { s.Unchanged++ })
	}
	d, err := f.cache.download()
	if err != nil {
		return err
	}
	u, err := url.Parse(path)
	if err != nil {
		return errors.Join(err, d.discard())
	}
	now, err := f.files.get(ctx, u.Path, "", had.state, limit, d)
	switch {
	case errors.Is(err, errUnchanged) && there:
		if had.Of != o.Of {
			had.Of = o.Of
			err = f.cache.note(had)
		} else {
			err = nil
		}
		return errors.Join(err, f.count(func(s *Stats) { s.Unchanged++ }), d.discard())
	case errors.Is(err, errMissing):
		err = fmt.Errorf("%s%s: %w", f.files.where(), path, errGone)
		if f.registry == nil {
			err = fmt.Errorf("%w: if it was published just now the endpoint may be behind its index: import again in a minute", err)
		}
		return errors.Join(err, d.discard())
	case err != nil:
		return errors.Join(f.named(err), d.discard())
	}
	if err := f.count(func(s *Stats) { s.Fetched++; s.Bytes += d.size }); err != nil {
		return errors.Join(err, d.discard())
	}
	of := o.Of
	if ok, err := f.sound(o, name, d); err != nil {
		return errors.Join(err, d.discard())
	} else if !ok {
		of, now = "", state{}
	}
	return f.cache.keep(name, path, of, d, now)
}

// named says which server an error is about, where there are two.
func (f *fetcher) named(err error) error {
	if f.registry != nil {
		return err
	}
	return fmt.Errorf("%s: %w", f.files.where(), err)
}

// sound reports whether what came can be the archive of its package, or is no archive.
// The build says what is wrong with one that cannot; here it is only not taken for
// fetched, so that the next import asks for it again.
func (f *fetcher) sound(o offer, name string, d *download) (bool, error) {
	if !strings.HasSuffix(name, ".zip") {
		return true, nil
	}
	f.checking.Lock()
	defer f.checking.Unlock()
	content, err := os.ReadFile(d.file.Name())
	if err != nil {
		return false, err
	}
	return parse.IsArchive(o.Name, o.Version, content, f.Limits), nil
}

// count notes what was done, and whether it is enough.
func (f *fetcher) count(add func(*Stats)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	add(&f.stats)
	if f.stats.Bytes > f.Size {
		return fmt.Errorf("%w: more than %d bytes in all", errRefused, f.Size)
	}
	return nil
}

// verify checks the signature, if someone is to be trusted.
func (f *fetcher) verify(o offer, archive, signature string) error {
	note := func(err error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.bad = append(f.bad, fmt.Errorf("%s: %w", o.id(), err))
	}
	if o.SignaturePath == "" {
		if f.Verify != nil {
			note(errors.New("it has no signature"))
		}
		return nil
	}
	f.mu.Lock()
	f.stats.Signed++
	f.mu.Unlock()
	if f.Verify == nil {
		return nil
	}
	sig, err := os.ReadFile(f.cache.file(signature))
	if err != nil {
		return err
	}
	file, err := os.Open(f.cache.file(archive))
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := f.Verify.Verify(file, sig); err != nil {
		note(err)
	}
	return nil
}
