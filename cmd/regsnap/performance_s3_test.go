//go:build bench

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regsnap/regsnap/publish/store/storetest/servers"
)

// TestPerformanceS3 publishes the real production environment to a real S3
// server over loopback, next to rclone (Debian's package) copying the same
// objects, and writes the tables into docs/performance.md.
func TestPerformanceS3(t *testing.T) {
	if _, err := exec.LookPath("rclone"); err != nil {
		t.Fatal("rclone is what publishing is compared with: apt-get install rclone")
	}
	b := newBench(t)
	server := servers.StartS3In(t, memoryFolder(t))
	b.publishAll(server)
	b.requests(server)
}

// memoryFolder is a temporary folder that no disk slows down, where there is one:
// it is clients that are measured, and not what is behind the server.
func memoryFolder(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "regsnap-bench-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	return dir
}

// s3Rounds is fewer than rounds: fifty thousand objects take minutes.
const s3Rounds = 1

// publishAll uploads everything, and then nothing.
func (b *bench) publishAll(server *servers.Server) {
	dir := b.TempDir()
	folder := filepath.Join(dir, "bucket")
	b.run(nil, b.program, "build", "--json", "--publish", "--env", "production", "--source", "git:"+b.real, "--bucket", "file://"+folder)
	var w strings.Builder
	fmt.Fprintf(&w, "| production to versitygw | objects | objects/s | time | peak memory |\n| --- | --- | --- | --- | --- |\n")
	var ours, theirs []sample
	var oursIdle, theirsIdle []sample
	var last built
	for range s3Rounds {
		name := server.NewBucket(b)
		env := server.Env()
		args := []string{"build", "--json", "--publish", "--env", "production", "--source", "git:" + b.real, "--bucket", server.URL(name)}
		s, out := b.run(env, b.program, args...)
		ours = append(ours, s)
		must(b.T, json.Unmarshal(out, &last))
		s, _ = b.run(env, b.program, args...)
		oursIdle = append(oursIdle, s)

		name = server.NewBucket(b)
		theirs = append(theirs, b.rclone(server, folder, name))
		theirsIdle = append(theirsIdle, b.rclone(server, folder, name))
	}
	files := filepath.Join(dir, "files")
	b.run(nil, b.program, "export", "--env", "production", "--bucket", "file://"+folder, "--copy", files)
	every := b.rclone(server, files, server.NewBucket(b))
	count := 0
	must(b.T, filepath.WalkDir(files, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			count++
		}
		return err
	}))
	n := last.Stats.Objects
	for _, r := range []struct {
		name    string
		objects int64
		s       []sample
	}{
		{"`rclone copy` of an export, which has each file and each form of an answer", int64(count), []sample{every}},
		{"`rclone copy` of the same objects, ready rendered", n, theirs},
		{"`regsnap build --publish`, rendering included", n, ours},
		{"`rclone copy` again", 0, theirsIdle},
		{"`regsnap build --publish` again", 0, oursIdle},
	} {
		rate := "–"
		if r.objects > 0 {
			rate = fmt.Sprintf("%.0f", float64(r.objects)/median(r.s).Seconds())
		}
		fmt.Fprintf(&w, "| %s | %d | %s | %.2f s | %d MiB |\n", r.name, r.objects, rate, median(r.s).Seconds(), peak(r.s)>>20)
	}
	fmt.Fprintf(&w, "\nregsnap's rate is %.2f times rclone's.\n", median(theirs).Seconds()/median(ours).Seconds())
	b.section("s3", s3Rounds, w.String())
}

// rclone copies a folder to a bucket.
func (b *bench) rclone(server *servers.Server, folder, bucket string) sample {
	b.Helper()
	// The machine may name a CA bundle, which this rclone cannot load.
	env := append(server.Env(), "AWS_CA_BUNDLE=", "RCLONE_CONFIG_S_TYPE=s3", "RCLONE_CONFIG_S_PROVIDER=Other", "RCLONE_CONFIG_S_ENV_AUTH=true",
		"RCLONE_CONFIG_S_ENDPOINT=http://"+server.Addr, "RCLONE_CONFIG_S_REGION=us-east-1", "RCLONE_CONFIG_S_FORCE_PATH_STYLE=true")
	s, _ := b.run(env, "rclone", "copy", folder, "s:"+bucket, "--transfers", "64", "--checkers", "64", "--s3-no-check-bucket", "-q", "--config", os.DevNull)
	return s
}

// proxyTo forwards requests to a store that speaks as S3 does.
func proxyTo(addr string) *httputil.ReverseProxy {
	target := &url.URL{Scheme: "http", Host: addr}
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // it is part of the signature
	}, Transport: &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}}
}

// counter is a proxy that counts requests and the bytes that are uploaded.
type counter struct {
	*httptest.Server
	requests, bytes atomic.Int64
}

func newCounter(t *testing.T, addr string) *counter {
	proxy := proxyTo(addr)
	c := &counter{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.requests.Add(1)
		r.Body = &countingBody{r.Body, &c.bytes}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(c.Close)
	return c
}

type countingBody struct {
	io.ReadCloser
	bytes *atomic.Int64
}

func (b *countingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.bytes.Add(int64(n))
	return n, err
}

// requests counts what single operations cost: nothing to do, a push of one
// package, a rollback.
func (b *bench) requests(server *servers.Server) {
	repo, next := b.beforePush()
	count := newCounter(b.T, server.Addr)
	via := server.Via(strings.TrimPrefix(count.URL, "http://"))
	bucket := via.URL(server.NewBucket(b))
	args := []string{"build", "--json", "--publish", "--env", "snapshot", "--source", "git:" + repo, "--bucket", bucket}
	b.run(via.Env(), b.program, args...)

	var w strings.Builder
	fmt.Fprintf(&w, "| the snapshot environment on versitygw | time | requests | bytes uploaded |\n| --- | --- | --- | --- |\n")
	step := func(name string, args ...string) []byte {
		count.requests.Store(0)
		count.bytes.Store(0)
		started := time.Now()
		_, out := b.run(via.Env(), b.program, args...)
		fmt.Fprintf(&w, "| %s | %.2f s | %d | %s |\n", name, time.Since(started).Seconds(), count.requests.Load(), size(count.bytes.Load()))
		return out
	}
	step("publish with nothing to do", args...)
	b.run(nil, "git", "-C", repo, "update-ref", "refs/heads/snapshot", next)
	out := step("publish a push of one package", args...)
	var last built
	must(b.T, json.Unmarshal(out, &last))
	step("roll back", "rollback", "--json", "--bucket", bucket, "--env", "snapshot", "--by", "bench", "--reason", "measured")
	fmt.Fprintf(&w, "\nThe push stored %d objects: %d package revision, %d responses (most with a gzip variant), routes and manifest; the other requests read the live snapshot and move the pointer.\n",
		last.Stats.Objects, last.Stats.RevisionsWritten, last.Stats.ResponsesWritten)
	b.section("requests", 1, w.String())
}
