package carry_test

import (
	"context"
	"errors"
	"flag"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
	"github.com/regsnap/regsnap/serve/servetest"
)

var (
	soakRuns = flag.Int("soak", 6, "interrupt mirrors this many times")
	soakSeed = flag.Uint64("soak-seed", 1, "seed of the interruptions")
)

// The environment of the process that is to be killed.
const (
	killFrom = "REGSNAP_TEST_MIRROR_FROM"
	killTo   = "REGSNAP_TEST_MIRROR_TO"
)

// extraPackages make a mirror last long enough to be interrupted.
const extraPackages = 40

// TestMirrorProcess is what TestMirrorInterrupted runs as a process of its own.
// In any other run it has nothing to do.
func TestMirrorProcess(t *testing.T) {
	if os.Getenv(killFrom) == "" {
		return
	}
	if _, err := mirror(t.Context(), servetest.Open(t, os.Getenv(killFrom)), servetest.Open(t, os.Getenv(killTo)), nil); err != nil {
		t.Fatal(err)
	}
}

// TestMirrorInterrupted takes a registry that keeps changing from a folder to
// S3, to GCS, and to a folder, while the mirrors are killed or cancelled at
// random. Readers of each store never find a live snapshot that is not whole,
// and in the end all stores have the same one.
func TestMirrorInterrupted(t *testing.T) {
	s3, gcs := servers.StartS3(t), servers.StartGCS(t)
	s3.Setenv(t)
	gcs.Setenv(t)
	urls := []string{servetest.FolderURL(t), s3.URL(s3.NewBucket(t)), gcs.URL(gcs.NewBucket(t)), servetest.FolderURL(t)}
	var buckets []*publish.Bucket
	for _, url := range urls {
		buckets = append(buckets, servetest.Open(t, url))
	}
	ctx, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	var seen atomic.Int64
	for _, b := range buckets[1:] {
		readers.Go(func() { readLive(ctx, t, b, &seen) })
	}
	r := rand.New(rand.NewPCG(*soakSeed, 0))
	edition, mid := 0, 0
	for i := range *soakRuns {
		if i%4 == 0 {
			servetest.Publish(t, buckets[0], edition, extraPackages)
			edition++
		}
		leg := r.IntN(3)
		if i%4 == 3 {
			// Now and then one is left alone, so that the next store has work.
			if _, err := mirror(ctx, buckets[leg], buckets[leg+1], nil); err != nil && !errors.Is(err, publish.ErrNothingLive) {
				t.Fatal(err)
			}
		}
		if interrupt(t, r, urls[leg], urls[leg+1], buckets[leg], buckets[leg+1]) {
			mid++
		}
	}
	for i, to := range buckets[1:] {
		if _, err := mirror(ctx, buckets[i], to, nil); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	readers.Wait()
	want, err := buckets[0].Pointer(t.Context(), servetest.Env)
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range buckets {
		p, err := b.Pointer(t.Context(), servetest.Env)
		if err != nil || p.Snapshot != want.Snapshot {
			t.Errorf("store %d: live is %s, %v; want %s", i, p.Snapshot, err, want.Snapshot)
		}
		stored, err := b.Snapshots(t.Context(), servetest.Env)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range stored[servetest.Env] {
			servetest.MustBeSound(t, b, s.ID)
		}
	}
	t.Logf("%d interruptions, %d of them at work; %d looks at live snapshots", *soakRuns, mid, seen.Load())
	if mid < *soakRuns/4 {
		t.Errorf("only %d of %d interruptions met a mirror at work", mid, *soakRuns)
	}
}

// interrupt begins a mirror and ends it at a random moment, by cancelling it or
// by killing its process. It reports whether it was at work then.
func interrupt(t *testing.T, r *rand.Rand, fromURL, toURL string, from, to *publish.Bucket) bool {
	t.Helper()
	after := time.Duration(r.IntN(200)) * time.Millisecond
	if r.IntN(2) == 0 {
		ctx, cancel := context.WithTimeout(t.Context(), after)
		defer cancel()
		_, err := mirror(ctx, from, to, nil)
		if err != nil && ctx.Err() == nil && !errors.Is(err, publish.ErrNothingLive) {
			t.Errorf("a mirror failed by itself: %v", err)
		}
		return err != nil && ctx.Err() != nil
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^TestMirrorProcess$")
	cmd.Env = append(os.Environ(), killFrom+"="+fromURL, killTo+"="+toURL)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(after + 50*time.Millisecond) // until it has started
	killed := cmd.Process.Kill() == nil
	err = cmd.Wait()
	if strings.Contains(out.String(), "FAIL") && !strings.Contains(out.String(), publish.ErrNothingLive.Error()) {
		t.Errorf("a mirror failed by itself: %s", out.String())
	}
	return killed && err != nil && !strings.Contains(out.String(), "FAIL")
}

// readLive looks at what is live, again and again: all of it must be there.
func readLive(ctx context.Context, t *testing.T, b *publish.Bucket, seen *atomic.Int64) {
	for ctx.Err() == nil {
		p, err := b.Pointer(ctx, servetest.Env)
		if errors.Is(err, fs.ErrNotExist) {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		var v *publish.Verification
		if err == nil {
			v, err = b.Verify(ctx, servetest.Env, p.Snapshot, publish.VerifyOptions{})
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			t.Errorf("a reader: %v", err)
			return
		case !v.Sound():
			t.Errorf("%s is live and lacks %+v", p.Snapshot, v.Faults)
			return
		}
		seen.Add(1)
		time.Sleep(10 * time.Millisecond) // the mirrors need the processor too
	}
}
