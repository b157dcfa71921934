package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/regsnap/regsnap/layout"
)

// maxReserve is how much memory is set aside for an object before any of it has
// come, in bytes.
const maxReserve = 64 << 20

// Read returns an object as it is stored; fs.ErrNotExist when there is none. One
// that is longer than an object of its kind may be is not read to its end.
func (b *Bucket) Read(ctx context.Context, key string) ([]byte, error) {
	most := layout.MaxSize(key)
	r, n, err := b.store.Open(ctx, key, 0, -1)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	body := bytes.NewBuffer(make([]byte, 0, min(max(n, 0), most, maxReserve)+bytes.MinRead))
	if _, err := body.ReadFrom(io.LimitReader(r, most+1)); err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	if int64(body.Len()) > most {
		return nil, fmt.Errorf("%s: %w", key, layout.TooLarge(key, body.Bytes()))
	}
	return body.Bytes(), nil
}

// exists asks for one byte: there is no cheaper way that every store has.
func (b *Bucket) exists(ctx context.Context, key string) (bool, error) {
	r, err := b.Open(ctx, key, 0, 1)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case errors.Is(err, ErrDamaged): // it is there, but has not even one byte
		return true, nil
	case err != nil:
		return false, err
	}
	return true, r.Close()
}
