package serve_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/regsnap/regsnap/serve"
)

// dial sends a request over a connection of its own, whose receive buffer is
// small, and returns the connection to read the answer from.
func dial(t *testing.T, server *httptest.Server, path string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	conn := c.(*net.TCPConn)
	if err := conn.SetReadBuffer(64 << 10); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path); err != nil {
		t.Fatal(err)
	}
	return conn
}

// TestSlowClient: a client may take far longer than one write may, and than the
// server gives for reading a request, as long as it goes on taking. One that
// stops is given up.
func TestSlowClient(t *testing.T) {
	t.Parallel() // most of it is waiting
	const stall = 2 * time.Second
	o := production(sharedBucket(t))
	o.Stall = stall
	h, err := serve.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	ended := make(chan time.Duration, 2)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		defer func() { ended <- time.Since(start) }()
		h.ServeHTTP(w, r)
	}))
	server.Config.ReadTimeout, server.Config.WriteTimeout = stall, stall
	server.Start()
	defer server.Close()

	const path = "/epr/store/store-1.0.0.zip"
	for late := true; late; {
		late = takeSlowly(t, dial(t, server, path), stall)
		<-ended
	}

	stopped := dial(t, server, path)
	if took := <-ended; took < stall/2 {
		t.Errorf("given up after %s", took)
	}
	if n, err := io.Copy(io.Discard, stopped); err == nil && n >= largeImage {
		t.Errorf("it got all %d bytes", n)
	}
}

// takeSlowly reads an answer at a speed at which it takes far longer than stall. It
// reports whether it was late itself, which says nothing about the server: where
// others keep the processor busy it may get to read too seldom.
func takeSlowly(t *testing.T, conn net.Conn, stall time.Duration) (late bool) {
	t.Helper()
	defer conn.Close()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	// Linux lets a server write again once a third of what it has buffered, up
	// to 4 MiB, is gone: at this speed every second.
	const pause = 40 * time.Millisecond
	read, start := int64(0), time.Now()
	for before := start; err == nil; {
		time.Sleep(pause)
		late = late || time.Since(before) > 2*pause
		before = time.Now()
		var n int64
		n, err = io.CopyN(io.Discard, response.Body, 64<<10)
		read += n
	}
	switch took := time.Since(start); {
	case err == io.EOF && read == response.ContentLength && took >= 2*stall:
		return false
	case !late:
		t.Errorf("%d of %d bytes in %s: %v", read, response.ContentLength, took, err)
	}
	return late
}

func TestMaxRequests(t *testing.T) {
	bucket := newFaulty(sharedBucket(t))
	o := production(bucket)
	o.MaxRequests = 2
	s := start(t, o)
	release, waiting := make(chan struct{}), make(chan struct{}, 2)
	bucket.set(func(op, key string) error {
		waiting <- struct{}{}
		<-release
		return nil
	})
	ended := make(chan error, 2)
	for _, path := range []string{"/package/web/1.0.0/", "/package/web/2.0.0/"} {
		go func() {
			r, err := s.try("GET", path)
			if err == nil && r.StatusCode != 200 {
				err = fmt.Errorf("%s: %s", path, r.Status)
			}
			ended <- err
		}()
		<-waiting
	}
	if r := s.get("/"); r.StatusCode != 503 || r.Header.Get("Retry-After") != "1" || !slices.Equal(r.Header["Cache-Control"], asError) {
		t.Errorf("one too many: %s %v", r.Status, r.Header)
	}
	close(release)
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	bucket.set(nil)
	if r := s.get("/"); r.StatusCode != 200 {
		t.Errorf("afterwards: %s", r.Status)
	}
}
