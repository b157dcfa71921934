package storagev2

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/store"
)

const env = "production"

// fake is a bucket that says what a test has put into it.
type fake struct {
	mu      sync.Mutex
	cursor  int64 // 0: it has no cursor
	pointer layout.Pointer
	live    map[string]*layout.Manifest // by the id of a snapshot
	moves   []publish.Recorded
	objects map[string][]byte
	// fails are the errors of calls, "pointer" or "read responses/", and asked all calls.
	fails map[string]error
	asked []string
	// before, if set, comes before each call.
	before   func(call string)
	parallel int
}

// newFake is one in which a snapshot of packages is live, whose documents are there.
func newFake(generation int64, names ...string) *fake {
	f := &fake{live: map[string]*layout.Manifest{}, objects: map[string][]byte{}, fails: map[string]error{}, parallel: 4}
	if generation > 0 {
		f.publish(generation, "s"+fmt.Sprint(generation), names...)
	}
	return f
}

// publish has a snapshot go live.
func (f *fake) publish(generation int64, id string, names ...string) *layout.Manifest {
	m := &layout.Manifest{Environment: env}
	for _, name := range names {
		body := document(name)
		d := layout.DigestOf(body)
		f.objects[layout.ResponseKey(d)] = body
		name, version, _ := strings.Cut(name, "-")
		m.Packages = append(m.Packages, layout.ManifestPackage{Name: name, Version: version, Document: d})
	}
	f.live[id] = m
	f.pointer = layout.Pointer{Environment: env, Generation: generation, Snapshot: id}
	return m
}

func document(name string) []byte { return fmt.Appendf(nil, `{"name":%q}`+"\n", name) }

func (f *fake) call(call string) error {
	if f.before != nil {
		f.before(call)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, call)
	for begins, err := range f.fails {
		if strings.HasPrefix(call, begins) {
			return err
		}
	}
	return nil
}

func (f *fake) Read(_ context.Context, key string) ([]byte, error) {
	if err := f.call("read " + key); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if body, ok := f.objects[key]; ok {
		return body, nil
	}
	return nil, fmt.Errorf("%s: %w", key, fs.ErrNotExist)
}

func (f *fake) Put(_ context.Context, o layout.Object) error {
	if err := f.call("put " + o.Key); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.objects[o.Key] = o.Body
	return nil
}

func tokenOf(cursor int64) store.Token { return store.Token(fmt.Sprint("at ", cursor)) }

func (f *fake) Cursor(ctx context.Context, _ string) (int64, store.Token, error) {
	if err := f.call("cursor"); err != nil {
		return 0, "", err
	}
	if f.cursor == 0 {
		return 0, "", fs.ErrNotExist
	}
	return f.cursor, tokenOf(f.cursor), ctx.Err()
}

func (f *fake) MoveCursor(_ context.Context, _ string, generation int64, old store.Token) error {
	if err := f.call("move"); err != nil {
		return err
	}
	if f.cursor == 0 && old != "" || f.cursor > 0 && old != tokenOf(f.cursor) {
		return store.ErrConflict
	}
	f.cursor = generation
	return nil
}

func (f *fake) Pointer(context.Context, string) (layout.Pointer, error) {
	if err := f.call("pointer"); err != nil {
		return layout.Pointer{}, err
	}
	if f.pointer.Generation == 0 {
		return layout.Pointer{}, fs.ErrNotExist
	}
	return f.pointer, nil
}

func (f *fake) Manifest(_ context.Context, _, id string) (*layout.Manifest, error) {
	if err := f.call("manifest"); err != nil {
		return nil, err
	}
	if m := f.live[id]; m != nil {
		return m, nil
	}
	return nil, publish.ErrNoSnapshot
}

func (f *fake) Moves(context.Context, string) iter.Seq2[publish.Recorded, error] {
	return func(yield func(publish.Recorded, error) bool) {
		for _, m := range f.moves {
			if !yield(m, nil) {
				return
			}
		}
		if err := f.call("moves"); err != nil { // at their end
			yield(publish.Recorded{}, err)
		}
	}
}

func (f *fake) Parallel() int { return f.parallel }

// calls are what was asked since this was called last, without keys.
func (f *fake) calls() string {
	var out []string
	for _, call := range f.asked {
		name, key, _ := strings.Cut(call, " ")
		switch {
		case name == "read" && strings.HasPrefix(key, layout.StoragePrefix):
			name = "index"
		case name == "read":
			name = "document"
		}
		out = append(out, name)
	}
	f.asked = nil
	return strings.Join(out, " ")
}

// wantIndex wants the index of a generation to hold these documents, in this order.
func (f *fake) wantIndex(t *testing.T, generation int64, names ...string) {
	t.Helper()
	want := `{"packages":[`
	for i, name := range names {
		if i > 0 {
			want += ","
		}
		want += `{"package_manifest":` + string(document(name)) + `}`
	}
	want += "]}\n"
	z, err := gzip.NewReader(bytes.NewReader(f.objects[layout.IndexKey(env, generation)]))
	if err != nil {
		t.Errorf("the index of %d: %v", generation, err)
		return
	}
	if got, err := io.ReadAll(z); err != nil || string(got) != want {
		t.Errorf("the index of %d is %s, %v, want %s", generation, got, err, want)
	}
}

// moved is an entry of the audit log.
func moved(generation int64, kind layout.MoveKind, damaged ...string) publish.Recorded {
	return publish.Recorded{Audit: layout.Audit{Generation: generation, Move: layout.Move{Kind: kind}}, Damaged: slices.Concat(damaged, []string{""})[0]}
}
