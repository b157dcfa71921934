package storagev2

import (
	"context"
	"errors"
	"io/fs"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/store"
)

// Ahead is an index that is made while the pointer moves, and written after it: then
// two writes are left to do. Nothing of it is seen by readers before.
type Ahead struct {
	b      Bucket
	env    string
	stop   context.CancelFunc
	done   chan struct{}
	target Target

	draft draft
	err   error
}

// Target is what is to go live.
type Target struct {
	Snapshot string
	// Manifest is that snapshot's, if it is known. Otherwise only what was there before
	// is read ahead.
	Manifest *layout.Manifest
	// Documents are some of its package documents, which need not be read.
	Documents *Documents
}

// draft is what is known of an index before it is written.
type draft struct {
	// The cursor, and the index that it names.
	at     int64
	state  store.Token
	before []byte
	// made is the new index, if snapshot is what went live.
	snapshot string
	made     *composed
}

// Begin reads what an index is made of, and makes it, side by side with what the
// caller does. Close ends it.
func Begin(ctx context.Context, b Bucket, env string, t Target) *Ahead {
	ctx, stop := context.WithCancel(ctx)
	a := &Ahead{b: b, env: env, stop: stop, done: make(chan struct{}), target: t}
	go func() {
		defer close(a.done)
		a.err = a.prepare(ctx)
	}()
	return a
}

func (a *Ahead) prepare(ctx context.Context) (err error) {
	d := &a.draft
	if d.at, d.state, err = readCursor(ctx, a.b, a.env); err != nil {
		return err
	}
	if d.before, err = readIndex(ctx, a.b, a.env, d.at); err != nil {
		return err
	}
	if a.target.Manifest == nil || len(a.target.Manifest.Packages) == 0 {
		return nil
	}
	d.snapshot = a.target.Snapshot
	d.made, err = compose(ctx, a.b, a.target.Manifest, d.before, a.target.Documents)
	return err
}

// FollowMove is Follow of who has just moved the pointer: what the move knows, or was
// read before it, is not read again. If that is out of date, or was not found
// out, all is read as Follow does. A nil Ahead is one of which nothing was found out.
func (a *Ahead) FollowMove(ctx context.Context, b Bucket, m *publish.Moved) (*Result, error) {
	f := follower{b: b, env: m.Environment}
	if m.Changed && !m.Held && m.Manifest != nil {
		f.known = &live{m.Generation, m.Live, m.Manifest}
	}
	if a != nil {
		<-a.done
		f.documents = a.target.Documents
		if a.err == nil {
			f.draft = &a.draft
		}
	}
	return f.follow(ctx)
}

// Close ends what is under way. Closing nil does nothing.
func (a *Ahead) Close() {
	if a != nil {
		a.stop()
		<-a.done
	}
}

// readIndex reads the index of a generation, if it can be read.
func readIndex(ctx context.Context, b Bucket, env string, at int64) ([]byte, error) {
	if at == 0 {
		return nil, nil
	}
	body, err := b.Read(ctx, layout.IndexKey(env, at))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, layout.ErrDamaged) {
		return nil, nil
	}
	return body, err
}
