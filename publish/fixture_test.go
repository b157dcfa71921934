package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
)

// stores are the kinds of buckets that the operations are tested on. Each gives
// the URL of an empty bucket.
func stores(t *testing.T) map[string]func(t *testing.T) string {
	s3, gcs := servers.StartS3(t), servers.StartGCS(t)
	s3.Setenv(t)
	gcs.Setenv(t)
	return map[string]func(t *testing.T) string{
		"file": func(t *testing.T) string { return "file://" + filepath.ToSlash(t.TempDir()) },
		"mem":  func(*testing.T) string { return "mem://" },
		"s3":   func(t *testing.T) string { return s3.URL(s3.NewBucket(t)) },
		"gcs":  func(t *testing.T) string { return gcs.URL(gcs.NewBucket(t)) },
	}
}

func openTest(t testing.TB, url string) *Bucket {
	t.Helper()
	return openRetrying(t, url, store.RetryPolicy{})
}

// openRetrying opens a bucket whose requests are made again as the policy says.
func openRetrying(t testing.TB, url string, p store.RetryPolicy) *Bucket {
	t.Helper()
	b, err := open(context.Background(), url, store.Options{Retry: p})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func fileBucket(t testing.TB) (*Bucket, string) {
	t.Helper()
	dir := servers.MemoryDir(t)
	return openTest(t, "file://"+filepath.ToSlash(dir)), dir
}

// editions are a package storage with an edition for each commit of its branch:
// a package that never changes, one that has a new version in each, one whose
// only version changes in each, and one that is only in every third.
type editions struct {
	dir   string
	extra int // that many more packages that never change
	// by is who builds, and waiting is called when prune is in the way; both
	// may be empty.
	by      string
	waiting func(layout.Lease)
	// inline is build.Environment.Inline: by default every manifest has lists, as those of
	// large registries do.
	inline int
}

func newEditions(t testing.TB) *editions { return &editions{dir: servers.MemoryDir(t), inline: 1} }

const testEnv = "production"

var testEnvironment = build.Environment{
	Name: testEnv, Branches: []string{"production"}, ServiceVersion: "1.40.1", Cache: layout.DefaultCachePolicy,
}

// environment is how editions are built.
func (s *editions) environment() build.Environment {
	env := testEnvironment
	env.Inline = s.inline
	return env
}

// editionTime is the date of the commit of an edition. Clocks being as they are,
// each is another time before or after the one that it comes from.
func editionTime(n int) time.Time {
	return time.Date(1970+(n*31+7)%73, 1, 1, 0, n%2, 0, 0, time.UTC)
}

// editionDates is after how many editions a date comes again.
const editionDates = 2 * 73

// editionOf is the number of the edition that a snapshot was built from: the
// dates of editions say nothing of their order, but each has its own. -1 for a
// snapshot that no edition is the source of.
func editionOf(id string) int {
	stamp := id[:len(layout.SnapshotTime)]
	for n := range editionDates {
		if editionTime(n).Format(layout.SnapshotTime) == stamp {
			return n
		}
	}
	return -1 // which no test takes for one that is there
}

// edition is the source at the commit with that number. Others may make the same
// at the same time, and be killed: it is there whole or not at all.
func (s *editions) edition(n int) (index.Source, error) {
	dir := filepath.Join(s.dir, fmt.Sprint(n))
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		packages := map[[2]string]string{{"steady", "1.0.0"}: "same", {"growing", fmt.Sprintf("1.0.%d", n)}: "new", {"edited", "1.0.0"}: fmt.Sprint(n)}
		if n%3 == 0 {
			packages[[2]string{"coming", "1.0.0"}] = "and going"
		}
		for i := range s.extra {
			packages[[2]string{fmt.Sprintf("extra_%d", i), "1.0.0"}] = "same"
		}
		temp, err := os.MkdirTemp(s.dir, "new-")
		if err != nil {
			return nil, err
		}
		for p, text := range packages {
			if err := writePackage(temp, p[0], p[1], text); err != nil {
				return nil, err
			}
		}
		if err := os.Rename(temp, dir); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	folder := git.OpenDirs(map[string]string{"production": dir})
	return committed{folder, &index.Commit{Hash: fmt.Sprintf("%040x", n+1), Author: "Ada", Time: editionTime(n), Subject: fmt.Sprintf("edition %d", n)}}, nil
}

func writePackage(dir, name, version, text string) error {
	folder := filepath.Join(dir, "packages", name, version)
	manifest := fmt.Sprintf("format_version: 1.0.0\nname: %s\ntitle: %[1]s\nversion: %s\ndescription: %[1]s\nowner.github: acme/%[1]s\n", name, version)
	for file, content := range map[string]string{"manifest.yml": manifest, "docs/README.md": "# " + name + "\n" + text + "\n"} {
		file = filepath.Join(folder, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(content), 0o666); err != nil {
			return err
		}
	}
	return nil
}

// committed is a folder that says it is the content of a commit.
type committed struct {
	index.Source
	commit *index.Commit
}

func (c committed) Branch(ctx context.Context, name string) (*index.Branch, error) {
	b, err := c.Source.Branch(ctx, name)
	if err == nil {
		b.Commit = c.commit
	}
	return b, err
}

// build writes an edition into a bucket under a lease, as regsnap build does.
func (s *editions) build(ctx context.Context, b *Bucket, n int) (id string, lease *Lease, err error) {
	result, lease, err := s.run(ctx, b, n, build.Shard{})
	if err != nil {
		return "", nil, err
	}
	return result.Snapshots[0].ID, lease, nil
}

// shard is regsnap build --shard.
func (s *editions) shard(ctx context.Context, b *Bucket, n int, part build.Shard) (*build.Result, error) {
	result, lease, err := s.run(ctx, b, n, part)
	if err != nil {
		return nil, err
	}
	return result, errors.Join(lease.Stored(ctx), lease.Release(ctx))
}

func (s *editions) run(ctx context.Context, b *Bucket, n int, part build.Shard) (result *build.Result, lease *Lease, err error) {
	src, err := s.edition(n)
	if err != nil {
		return nil, nil, err
	}
	defer src.Close()
	o := build.Options{Shard: part, Source: src, Environments: []build.Environment{s.environment()}, Regsnap: "test", Parallel: 8}
	lo := LeaseOptions{Purpose: "build", By: s.by, Waiting: s.waiting}
	m, r, err := b.LiveSnapshot(ctx, testEnv)
	switch {
	case err == nil:
		o.Live, lo.Live = append(o.Live, build.Live{Manifest: m, Routes: r}), append(lo.Live, m)
	case !errors.Is(err, ErrNothingLive):
		return nil, nil, err
	}
	lease = b.Lease(lo)
	o.Store = lease
	if result, err = build.Build(ctx, o); err != nil {
		return nil, nil, errors.Join(err, lease.Release(ctx))
	}
	return result, lease, nil
}

// publish is regsnap build --publish.
func (s *editions) publish(ctx context.Context, b *Bucket, n int, note Note) (m *Moved, err error) {
	id, lease, err := s.build(ctx, b, n)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lease.Release(ctx)) }()
	return lease.Publish(ctx, testEnv, id, note, inLine)
}

// inLine orders editions, each of which comes from the one before. Their dates say
// something else.
var inLine = ByHistory(func(_ context.Context, _, live, next string) (Relation, error) {
	if next > live {
		return Descendant, nil
	}
	return Ancestor, nil
}, false)

// publishID makes a snapshot live that is in the bucket.
func publishID(ctx context.Context, b *Bucket, id string) (m *Moved, err error) {
	l := b.Lease(LeaseOptions{Purpose: "publish"})
	defer func() { err = errors.Join(err, l.Release(ctx)) }()
	return l.Publish(ctx, testEnv, id, Note{}, inLine)
}

func (s *editions) mustPublish(t testing.TB, b *Bucket, n int) *Moved {
	t.Helper()
	m, err := s.publish(context.Background(), b, n, Note{By: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// mustBeSound verifies every snapshot in the bucket: what has a manifest is whole.
func mustBeSound(t testing.TB, b *Bucket) (snapshots int) {
	t.Helper()
	ctx := context.Background()
	stored, err := b.Snapshots(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	for env, list := range stored {
		for _, s := range list {
			snapshots++
			v, err := b.Verify(ctx, env, s.ID, VerifyOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range v.Faults {
				t.Errorf("%s %s: %s: %s", env, s.ID, f.Key, f.Detail)
			}
		}
	}
	return snapshots
}
