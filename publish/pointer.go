package publish

import (
	"context"
	"fmt"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// Pointer reads which snapshot of an environment is live; fs.ErrNotExist when
// none ever was.
func (b *Bucket) Pointer(ctx context.Context, env string) (layout.Pointer, error) {
	p, _, err := b.pointer(ctx, env)
	return p, err
}

func (b *Bucket) pointer(ctx context.Context, env string) (layout.Pointer, store.Token, error) {
	key := layout.PointerKey(env)
	body, t, err := b.pointers.Load(ctx, key)
	if err != nil {
		return layout.Pointer{}, "", err
	}
	p, err := layout.DecodePointer(body)
	if err == nil && p.Environment != env {
		err = fmt.Errorf("pointer: is of environment %s", p.Environment)
	}
	if err != nil {
		return layout.Pointer{}, "", fmt.Errorf("%s: %w", key, err)
	}
	return p, t, nil
}
