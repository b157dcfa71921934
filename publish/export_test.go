package publish

import (
	"context"
	"time"

	"github.com/regsnap/regsnap/publish/store"
)

// RawPointers lets the conformance suite at what Bucket does not export.
type RawPointers struct{ Bucket *Bucket }

func (p RawPointers) Load(ctx context.Context, key string) ([]byte, string, error) {
	body, t, err := p.Bucket.pointers.Load(ctx, key)
	return body, string(t), err
}

func (p RawPointers) Swap(ctx context.Context, key string, body []byte, old string) error {
	return p.Bucket.pointers.Swap(ctx, key, body, store.Token(old))
}

// Hurry makes a cloud bucket wait at most answer for an attempt and a tenth of
// that between two, so that a test with faults is done soon.
func (b *Bucket) Hurry(answer time.Duration) {
	r := store.Retries(b.objects)
	r.Pause, r.MaxPause, r.Answer = answer/20, answer/10, answer
}

// Obey makes a cloud bucket wait at most d when the store asks it to wait.
func (b *Bucket) Obey(d time.Duration) { store.Retries(b.objects).Asked = d }

// Attempts changes how often a cloud bucket makes a request.
func (b *Bucket) Attempts(n int) { store.Retries(b.objects).Attempts = n }
