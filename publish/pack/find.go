package pack

import (
	"encoding/hex"
	"fmt"
	"io/fs"
	"strings"

	"github.com/regsnap/regsnap/layout"
)

// maxObject is the largest object, in bytes: no bucket has a larger one.
const maxObject = 1 << 30

// find says how an object is put together; fs.ErrNotExist if there is none.
func (s *Store) find(key string) (*composition, error) {
	c, err := s.compose(key)
	switch {
	case err != nil:
	case c == nil:
		err = fs.ErrNotExist
	case c.size() > maxObject:
		err = fmt.Errorf("%w: it is said to have %d bytes", errDamaged, c.size())
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return c, nil
}

// compose is find that gives nil for what is not there.
func (s *Store) compose(key string) (*composition, error) {
	if strings.HasPrefix(key, layout.ResponsesPrefix) {
		digest, gzip, err := layout.ParseResponseKey(key)
		if err != nil {
			return nil, nil
		}
		return s.response(digest, gzip)
	}
	prefix, tail, ok := splitPackageKey(key)
	if !ok {
		return nil, nil
	}
	f, sheet, err := s.sheet(prefix)
	if err != nil || sheet == nil {
		return nil, err
	}
	if file, ok := strings.CutPrefix(tail, "files/"); ok {
		return s.packageFile(f, sheet, file)
	}
	switch tail {
	case "contents.json":
		return literal(sheet.contents), nil
	case sheet.archive:
		return s.archive(f, sheet)
	case sheet.archive + ".sig":
		if sheet.signature != nil {
			return literal(sheet.signature), nil
		}
	}
	return nil, nil
}

// splitPackageKey cuts the key of a package's object behind the revision.
func splitPackageKey(key string) (prefix, tail string, ok bool) {
	if !strings.HasPrefix(key, layout.PackagesPrefix) {
		return "", "", false
	}
	end := 0
	for range 4 { // packages/<name>/<version>/<revision>/
		i := strings.IndexByte(key[end:], '/')
		if i < 0 {
			return "", "", false
		}
		end += i + 1
	}
	return key[:end], key[end:], true
}

// sheet finds the sheet of a revision; nil if there is none.
func (s *Store) sheet(prefix string) (*file, *sheet, error) {
	key := idOf([]byte(prefix))
	for _, f := range s.files {
		if row := f.sheets.find(key); row >= 0 {
			sheet, err := s.blocks.sheet(f, row)
			return f, sheet, err
		}
	}
	return nil, nil, nil
}

// response is a response as it is stored, or what its twin inflates to.
func (s *Store) response(d layout.Digest, gzip bool) (*composition, error) {
	key, err := digestKey(d)
	if err != nil {
		return nil, err
	}
	for _, f := range s.files {
		if row := f.coded.find(key); row >= 0 {
			span := spanOf(f.coded.row(row)[keySize:])
			if gzip {
				return &composition{[]part{{file: f, span: span, size: int64(span.size)}}}, nil
			}
			size, err := f.gzipSize(span)
			return &composition{[]part{{file: f, span: span, form: gzipped, size: size}}}, err
		}
		if row := f.plain.find(key); row >= 0 && !gzip {
			span := spanOf(f.plain.row(row)[keySize:])
			return &composition{[]part{{file: f, span: span, size: int64(span.size)}}}, nil
		}
	}
	return nil, nil
}

// digestKey is a digest as tables have it.
func digestKey(d layout.Digest) (id, error) {
	var key id
	_, err := hex.Decode(key[:], []byte(d))
	return key, err
}

func (s *Store) packageFile(f *file, sheet *sheet, tail string) (*composition, error) {
	for _, each := range sheet.files {
		if each.tail != tail {
			continue
		}
		if each.blob < 0 {
			return literal(nil), nil
		}
		p, err := s.blob(f, sheet.blobs[each.blob])
		if err != nil {
			return nil, err
		}
		if p.size = each.size; each.deflate {
			p.form = deflated
		} else if p.size != int64(p.span.size) {
			return nil, fmt.Errorf("%s: %w: %s has %d bytes, its blob %d", f.name, errDamaged, tail, p.size, p.span.size)
		}
		return &composition{[]part{p}}, nil
	}
	return nil, nil
}

func (s *Store) archive(f *file, sheet *sheet) (*composition, error) {
	c := new(composition)
	left := sheet.literals
	for _, p := range sheet.parts {
		blob, err := s.blob(f, sheet.blobs[p.blob])
		if err != nil {
			return nil, err
		}
		c.parts = append(c.parts, literal(left[:p.literal]).parts[0], blob)
		left = left[p.literal:]
	}
	c.parts = append(c.parts, literal(left).parts[0])
	return c, nil
}

// blob finds a blob that a sheet of f refers to.
func (s *Store) blob(f *file, r ref) (part, error) {
	row := r.row
	if row < 0 {
		for _, f = range s.files {
			if row = f.blobs.find(r.id); row >= 0 {
				break
			}
		}
	}
	if row < 0 || row >= f.blobs.len() {
		return part{}, fmt.Errorf("%s: %w: none of its packs has blob %x", s.dir, errDamaged, r.id)
	}
	span := spanOf(f.blobs.row(row)[keySize:])
	if span.size != r.size {
		return part{}, fmt.Errorf("%s: %w: a blob has %d bytes, its sheet says %d", f.name, errDamaged, span.size, r.size)
	}
	return part{file: f, span: span, size: int64(span.size)}, nil
}
