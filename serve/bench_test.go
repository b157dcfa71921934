package serve_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/serve"
	"github.com/regsnap/regsnap/serve/servetest/nginx"
)

// BenchmarkServe asks a registry, a handler that does nothing but write the same
// headers and bytes from memory, which is the limit of net/http, its file server with the bytes
// in files, and one process of nginx with those files. Connections are real and stay open: two clients
// for each core, which take a small part of the time themselves.
//
// The bucket is made up, unless REGSNAP_BENCH_BUCKET names one by its URL, and
// REGSNAP_BENCH_ENV the environment.
func BenchmarkServe(b *testing.B) {
	bucket, env := benchBucket(b)
	h, err := serve.New(b.Context(), serve.Options{Bucket: bucket, Environments: []serve.Environment{{Name: env}}, Default: env, Poll: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	defer h.Close()
	registry := httptest.NewServer(h)
	defer registry.Close()
	dir := b.TempDir()
	files := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer files.Close()
	static := nginx.Start(b, "server { listen 80; root "+dir+"; open_file_cache max=100; keepalive_requests 1000000000; }")

	var reply http.HandlerFunc
	bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { reply(w, r) }))
	defer bare.Close()

	p := benchPackages(b, bucket, env)
	for _, c := range []struct{ name, path, encoding string }{
		{"search", "/search", ""},
		{"search-gzip", "/search", "gzip"},
		{"search-kibana", "/search?kibana.version=8.5.0&prerelease=true", ""},
		{"search-package", "/search?package=" + p.name + "&prerelease=true", ""},
		{"categories", "/categories", ""},
		{"document", "/package/" + p.name + "/" + p.version + "/", ""},
		{"icon", p.icon, ""},
		{"archived-file", p.archived, "gzip"},
		{"archive-1MB", p.archive, ""},
	} {
		at := registry.Listener.Addr().String()
		body := load(b, at, request(c.path, c.encoding))
		if err := os.WriteFile(filepath.Join(dir, c.name), body, 0o666); err != nil {
			b.Fatal(err)
		}
		b.Run(c.name+"/regsnap", func(b *testing.B) { bench(b, at, request(c.path, c.encoding), len(body)) })
		reply = replay(b, registry, c.path, c.encoding, body)
		b.Run(c.name+"/bare", func(b *testing.B) { bench(b, bare.Listener.Addr().String(), request(c.path, c.encoding), len(body)) })
		b.Run(c.name+"/fileserver", func(b *testing.B) { bench(b, files.Listener.Addr().String(), request("/"+c.name, ""), len(body)) })
		b.Run(c.name+"/nginx", func(b *testing.B) { bench(b, static, request("/"+c.name, ""), len(body)) })
	}
}

// replay is a handler that writes what the registry answered, whatever is asked.
func replay(b *testing.B, registry *httptest.Server, path, encoding string, body []byte) http.HandlerFunc {
	b.Helper()
	asked, err := http.NewRequestWithContext(b.Context(), http.MethodGet, registry.URL+path, http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	asked.Header.Set("Accept-Encoding", cmp.Or(encoding, "identity"))
	res, err := registry.Client().Do(asked)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	res.Header.Del("Date") // net/http writes it
	return func(w http.ResponseWriter, _ *http.Request) {
		maps.Copy(w.Header(), res.Header)
		_, _ = w.Write(body)
	}
}

func request(path, encoding string) string {
	r := "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\n"
	if encoding != "" {
		r += "Accept-Encoding: " + encoding + "\r\n"
	}
	return r + "\r\n"
}

// client is the least that can send requests over a connection.
type client struct {
	conn net.Conn
	r    *bufio.Reader
}

func newClient(address string) (*client, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &client{conn, bufio.NewReaderSize(conn, 64<<10)}, nil
}

var (
	okLine       = []byte("HTTP/1.1 200")
	lengthHeader = []byte("Content-Length: ")
)

// do sends a request and writes the body of its answer to w.
func (c *client) do(request string, w io.Writer) (int64, error) {
	if _, err := io.WriteString(c.conn, request); err != nil {
		return 0, err
	}
	length := int64(-1)
	for first := true; ; first = false {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		if first && !bytes.HasPrefix(line, okLine) {
			return 0, fmt.Errorf("%s", line)
		}
		if value, ok := bytes.CutPrefix(line, lengthHeader); ok {
			if length, err = strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64); err != nil {
				return 0, err
			}
		}
		if len(line) == 2 {
			break
		}
	}
	if length < 0 {
		return 0, fmt.Errorf("an answer without Content-Length")
	}
	if w != nil {
		return io.CopyN(w, c.r, length)
	}
	n, err := c.r.Discard(int(length))
	return int64(n), err
}

func load(b *testing.B, address, request string) []byte {
	b.Helper()
	c, err := newClient(address)
	if err != nil {
		b.Fatal(err)
	}
	defer c.conn.Close()
	var body bytes.Buffer
	if _, err := c.do(request, &body); err != nil {
		b.Fatal(request, err)
	}
	return body.Bytes()
}

func bench(b *testing.B, address, request string, size int) {
	var mu sync.Mutex
	var all []time.Duration
	b.SetBytes(int64(size))
	b.ReportAllocs()
	b.SetParallelism(2)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		c, err := newClient(address)
		if err != nil {
			b.Error(err)
			return
		}
		defer c.conn.Close()
		var took []time.Duration
		for pb.Next() {
			start := time.Now()
			if n, err := c.do(request, nil); err != nil || n != int64(size) {
				b.Errorf("%d bytes, %v", n, err)
				return
			}
			took = append(took, time.Since(start))
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, took...)
	})
	b.StopTimer()
	if len(all) == 0 {
		return
	}
	slices.Sort(all)
	micros := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
	b.ReportMetric(float64(len(all))/b.Elapsed().Seconds(), "req/s")
	b.ReportMetric(micros(all[len(all)/2]), "p50-µs")
	b.ReportMetric(micros(all[len(all)*99/100]), "p99-µs")
}

// picked are what the benchmark asks for: a package that searches find, and the
// paths of an image of some 10 kB, of a file of some 10 kB that only its archive
// holds, and of an archive of some 1 MB.
type picked struct{ name, version, icon, archived, archive string }

func benchPackages(b *testing.B, bucket *publish.Bucket, env string) (p picked) {
	b.Helper()
	ctx := b.Context()
	pointer, err := bucket.Pointer(ctx, env)
	if err != nil {
		b.Fatal(err)
	}
	routes, err := bucket.Routes(ctx, env, pointer.Snapshot)
	if err != nil {
		b.Fatal(err)
	}
	nearest := func(size int64, path *string) func(is int64, key string) {
		best := int64(math.MaxInt64)
		return func(is int64, key string) {
			if away := max(is-size, size-is); away < best {
				best, *path = away, key
			}
		}
	}
	icon, archived, archive := nearest(10_000, &p.icon), nearest(10_000, &p.archived), nearest(1_000_000, &p.archive)
	for row := range routes.Rows() {
		rev := routes.Revision(row)
		body, err := bucket.Read(ctx, rev.ContentsKey())
		if err != nil {
			b.Fatal(err)
		}
		c, err := layout.DecodeContents(body, rev)
		if err != nil {
			b.Fatal(err)
		}
		archive(c.Archive.Size, "/epr/"+rev.Name+"/"+rev.Name+"-"+rev.Version+".zip")
		for _, f := range c.Files {
			switch path := "/package/" + rev.Name + "/" + rev.Version + "/" + f.Path; {
			case f.Object && strings.HasPrefix(f.Type, "image/"):
				icon(f.Size, path)
			case !f.Object && f.Deflate != nil:
				archived(f.Size, path)
			}
		}
	}
	rev := routes.Revision(routes.Rows() / 2)
	p.name, p.version = rev.Name, rev.Version
	if p.icon == "" || p.archived == "" || p.archive == "" {
		b.Fatalf("nothing of a kind to ask for: %+v", p)
	}
	return p
}

// benchBucket makes a bucket with as many packages as a real registry has.
func benchBucket(b *testing.B) (*publish.Bucket, string) {
	b.Helper()
	if url := os.Getenv("REGSNAP_BENCH_BUCKET"); url != "" {
		bucket, err := publish.Open(context.Background(), url)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { bucket.Close() })
		return bucket, cmp.Or(os.Getenv("REGSNAP_BENCH_ENV"), "production")
	}
	root := edition(b, "one")
	random := rand.NewChaCha8([32]byte{})
	for i := range 250 {
		for _, version := range []string{"1.0.0", "1.1.0", "2.0.0"} {
			name := fmt.Sprintf("made_up_%03d", i)
			dir := filepath.Join(root, "production", "packages", name, version)
			manifest := fmt.Sprintf("format_version: 1.0.0\nname: %s\nversion: %s\ntitle: Made up %d\ndescription: %0400d\ntype: integration\n"+
				"categories: [web, security]\nconditions.kibana.version: ^%d.0.0 || ^8.%d.0\nowner.github: acme/%d\n", name, version, i, i, 5+i%3, i%8, i)
			for file, content := range map[string]string{"manifest.yml": manifest, "docs/README.md": "# Made up\n", "kibana/tag/made_up.json": `{"attributes": {"name": "made up"}}`} {
				writeFile(b, filepath.Join(dir, file), []byte(content))
			}
			if i == 7 {
				image := make([]byte, 1_000_000)
				_, _ = random.Read(image)
				copy(image, "\x89PNG\r\n\x1a\n")
				writeFile(b, filepath.Join(dir, "img/large.png"), image)
			}
		}
	}
	bucket := newBucket(b)
	published(b, bucket, built(b, bucket, root, layout.Budget{}))
	return bucket, "production"
}
