//go:build bench && linux

package store_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
)

// What is put in one iteration: as many objects as a push of some dozens of new
// package versions has.
const (
	benchObjects = 4000
	benchSize    = 2 << 10 // bytes
)

// BenchmarkPut measures what Parallel should be. Loopback has no latency, which
// is what many requests at once are for: the second group adds 30 ms to every
// request, as to a store on the same continent.
//
//	go test -tags bench -run '^$' -bench '^BenchmarkPut$' -benchtime 1x ./publish/store
func BenchmarkPut(b *testing.B) {
	s := servers.StartS3(b)
	far := s.Via(delayed(b, s.Addr, 30*time.Millisecond))
	for _, way := range []struct {
		name string
		via  *servers.Server
	}{{"loopback", s}, {"30ms", far}} {
		for _, parallel := range []int{16, 64, 128, 256} {
			b.Run(fmt.Sprintf("%s/parallel=%d", way.name, parallel), func(b *testing.B) {
				b.ReportAllocs()
				bucket := openStore(b, way.via.URL(s.NewBucket(b)), store.RetryPolicy{})
				run := 0
				runtime.GC()
				resetPeak(b)
				busy := cpuTime(b)
				for b.Loop() {
					run++
					putMany(b, bucket, parallel, run)
				}
				objects := float64(run * benchObjects)
				b.ReportMetric(objects/b.Elapsed().Seconds(), "objects/s")
				// The server and whatever else runs do not count here.
				b.ReportMetric(1e6*(cpuTime(b)-busy).Seconds()/objects, "cpu-µs/object")
				b.ReportMetric(residentPeak(b), "peak-MB")
			})
		}
	}
}

func putMany(b *testing.B, bucket store.Store, parallel, run int) {
	g, ctx := errgroup.WithContext(b.Context())
	g.SetLimit(parallel)
	for i := range benchObjects {
		body := bytes.Repeat(binary.BigEndian.AppendUint64(nil, uint64(i)), benchSize/8)
		g.Go(func() error { return bucket.Put(ctx, testObject(fmt.Sprintf("responses/%d-%d.json", run, i), body)) })
	}
	if err := g.Wait(); err != nil {
		b.Fatal(err)
	}
}

// cpuTime is how long this process has kept a core busy.
func cpuTime(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// resetPeak and residentPeak read what Linux knows of this process: the most
// memory that it had at once, in MB.
func resetPeak(b *testing.B) {
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		b.Fatal(err)
	}
}

func residentPeak(b *testing.B) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err != nil {
				b.Fatal(err)
			}
			return kb / 1000
		}
	}
	b.Fatal("no VmHWM")
	return 0
}

// delayed is the address of a TCP proxy that holds back what the client sends.
func delayed(b *testing.B, target string, delay time.Duration) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.Cleanup(func() {
		cancel()
		l.Close()
	})
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return // closed
			}
			server, err := new(net.Dialer).DialContext(ctx, "tcp", target)
			if err != nil {
				client.Close()
				continue
			}
			go func() {
				defer server.Close()
				later(server, client, delay)
			}()
			go func() {
				defer client.Close()
				io.Copy(client, server) // until either side closes
			}()
		}
	}()
	return l.Addr().String()
}

// later copies what comes in a delay after it came.
func later(w io.Writer, r io.Reader, delay time.Duration) {
	type chunk struct {
		at   time.Time
		data *[8 << 10]byte
		n    int
	}
	chunks := make(chan chunk, 64)
	buffers := sync.Pool{New: func() any { return new([8 << 10]byte) }}
	go func() {
		defer close(chunks)
		for {
			p := buffers.Get().(*[8 << 10]byte)
			n, err := r.Read(p[:])
			if n > 0 {
				chunks <- chunk{time.Now().Add(delay), p, n}
			}
			if err != nil {
				return
			}
		}
	}()
	for c := range chunks {
		time.Sleep(time.Until(c.at))
		_, err := w.Write(c.data[:c.n])
		buffers.Put(c.data)
		if err != nil {
			return
		}
	}
}
