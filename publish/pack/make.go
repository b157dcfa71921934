package pack

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/layout"
)

// ErrSource: the bucket does not hold what its snapshot says.
var ErrSource = errors.New("the bucket is damaged")

// Source is the bucket that a snapshot is packed from. publish.Bucket is one, and
// so is Store. It is safe for concurrent use.
type Source interface {
	// Open streams length bytes of an object from offset on, all if it is -1.
	Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)
}

// Options say what to pack.
type Options struct {
	From     Source
	Manifest *layout.Manifest
	// Dir is an empty folder, for the packs and for temporary files: about twice
	// the size of the packs.
	Dir string
	// Parallel is how many package revisions or responses are fetched at once.
	Parallel int
	// Progress, if set, is told how many of them were. It must not block.
	Progress func(done, total int)
}

// Made is a packed snapshot: its files, with slashes, as they lie in the folder.
type Made struct {
	// Packs are in an order that the next snapshot keeps.
	Packs []string
	// Head are the files that every snapshot has of its own.
	Head []string
}

// mostAtOnce bounds Parallel: each has an archive or a response in memory, and more
// gain little once a network's latency is hidden.
const mostAtOnce = 32

// maker packs one snapshot.
type maker struct {
	o       Options
	scratch *scratch
	large   sync.Mutex        // held while a large entry is in memory
	newest  map[string]string // versions, by name

	mu    sync.Mutex
	plain map[plainOf]plainContent
	done  int
}

// Make packs a snapshot. Every object is compared with its digest in the manifest
// and in the lists of files. What it writes depends on the snapshot alone.
func Make(ctx context.Context, o Options) (_ *Made, err error) {
	m := &maker{o: o, newest: map[string]string{}, plain: map[plainOf]plainContent{}}
	for _, p := range o.Manifest.Packages { // sorted by version
		m.newest[p.Name] = p.Version
	}
	if m.scratch, err = newScratch(o.Dir); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.scratch.close()) }()
	revisions := make([]scanned, len(o.Manifest.Packages))
	stored := o.Manifest.Stored()
	responses := make([]scannedResponse, len(stored))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(min(max(1, o.Parallel), mostAtOnce))
	for i, p := range o.Manifest.Packages {
		g.Go(func() (err error) {
			if err = gctx.Err(); err == nil {
				revisions[i], err = m.revision(gctx, p)
			}
			m.count(err)
			return err
		})
	}
	for i, r := range stored {
		g.Go(func() (err error) {
			if err = gctx.Err(); err == nil {
				responses[i], err = m.response(gctx, r)
			}
			m.count(err)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	packs, err := m.write(ctx, revisions, responses)
	if err != nil {
		return nil, err
	}
	return m.head(ctx, packs)
}

func (m *maker) count(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		return
	}
	m.done++
	if m.o.Progress != nil {
		m.o.Progress(m.done, len(m.o.Manifest.Packages)+len(m.o.Manifest.Responses)+len(m.o.Manifest.Lists))
	}
}

// head writes what is not in packs.
func (m *maker) head(ctx context.Context, packs []listPack) (*Made, error) {
	env, id := m.o.Manifest.Environment, m.o.Manifest.ID()
	routes, err := m.fetch(ctx, layout.RoutesKey(env, id), m.o.Manifest.Routes.Size)
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(routes); fmt.Sprintf("%x", sum) != m.o.Manifest.Routes.SHA256 {
		return nil, fmt.Errorf("%s: %w: its SHA-256 is not %s", layout.RoutesKey(env, id), ErrSource, m.o.Manifest.Routes.SHA256)
	}
	listed, err := (&list{Format: format, Environment: env, Snapshot: id, Packs: packs}).encode()
	if err != nil {
		return nil, err
	}
	out := &Made{}
	for _, p := range packs {
		out.Packs = append(out.Packs, p.path())
	}
	for _, f := range []struct {
		key  string
		body []byte
	}{
		// What was live before, and who moved the pointer, is the bucket's, not
		// the snapshot's.
		{layout.PointerKey(env), layout.Pointer{Format: layout.PointerFormat, Environment: env, Snapshot: id}.Encode()},
		{listName, listed},
		{layout.ManifestKey(env, id), m.o.Manifest.Encode()},
		{layout.RoutesKey(env, id), routes},
	} {
		name := filepath.Join(m.o.Dir, filepath.FromSlash(f.key))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(name, f.body, 0o644); err != nil {
			return nil, err
		}
		out.Head = append(out.Head, f.key)
	}
	return out, nil
}
