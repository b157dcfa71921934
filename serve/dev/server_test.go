package dev

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener in memory.
type pipes struct {
	conns chan net.Conn
	ended chan struct{}
	end   func()
}

func newPipes() *pipes {
	p := &pipes{conns: make(chan net.Conn), ended: make(chan struct{})}
	p.end = sync.OnceFunc(func() { close(p.ended) })
	return p
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.ended:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.end()
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.conns <- server
	return client
}

// TestServe: how long a connection may take, in made-up time, and that the end of the
// context ends all of it.
func TestServe(t *testing.T) {
	closes := func(t *testing.T, c net.Conn, after time.Duration, what string) {
		t.Helper()
		started := time.Now()
		_, _ = io.Copy(io.Discard, c)
		if took := time.Since(started); took != after {
			t.Errorf("%s: closed after %v, want %v", what, took, after)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		l, ended := newPipes(), make(chan error, 1)
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, strings.Repeat("a", 64<<10)) // more than is held back
		})
		go func() { ended <- Serve(ctx, l, h, nil) }()
		silent := l.dial()
		closes(t, silent, 10*time.Second, "no header")
		ask := func(path string, header int) net.Conn {
			c := l.dial()
			go func() {
				_, _ = io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\nX: "+strings.Repeat("x", header)+"\r\n\r\n")
			}()
			return c
		}
		closes(t, ask("/", 0), 2*time.Minute, "nothing more is asked")
		// It is written while nobody reads.
		slow := ask("/", 0)
		time.Sleep(time.Minute)
		synctest.Wait()
		closes(t, slow, 0, "nothing is read")
		for size, want := range map[int]string{200 << 10: "HTTP/1.1 200 OK", 270 << 10: "HTTP/1.1 431 Request Header Fields Too Large"} {
			c := ask("/", size)
			line := make([]byte, len(want))
			if _, err := io.ReadFull(c, line); err != nil || string(line) != want {
				t.Errorf("a header of %d bytes: %q, %v", size, line, err)
			}
			c.Close()
		}
		left := l.dial()
		synctest.Wait()
		stop()
		closes(t, left, 0, "the context ends")
		if err := <-ended; err != nil {
			t.Errorf("%v", err)
		}
		time.Sleep(time.Minute) // what net/http still waits for
	})
	gone := newPipes()
	gone.Close()
	if err := Serve(t.Context(), gone, nil, nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a listener that fails: %v", err)
	}
}

// TestCertificate: it is good for this machine by all its names, for a month, and for no
// other one.
func TestCertificate(t *testing.T) {
	before := time.Now().Truncate(time.Second)
	c, encoded, err := Certificate([]string{"host.docker.internal", "192.0.2.7", "2001:db8::7"})
	if err != nil {
		t.Fatal(err)
	}
	after := time.Now()
	block, rest := pem.Decode(encoded)
	if block == nil || block.Type != "CERTIFICATE" || len(rest) != 0 {
		t.Fatalf("%s", encoded)
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	for name, good := range map[string]bool{"localhost": true, "127.0.0.1": true, "::1": true, "host.docker.internal": true, "192.0.2.7": true, "2001:db8::7": true,
		"127.0.0.2": false, "evil.example": false, "192.0.2.8": false} {
		if _, err := leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: pool}); (err == nil) != good {
			t.Errorf("%s: %v", name, err)
		}
	}
	if leaf.Subject.CommonName != "regsnap dev" || !leaf.IsCA || !leaf.MaxPathLenZero || leaf.KeyUsage != x509.KeyUsageDigitalSignature|x509.KeyUsageCertSign || leaf.SerialNumber.Sign() <= 0 {
		t.Errorf("%+v", leaf)
	}
	for what, d := range map[string]time.Duration{"begins": leaf.NotBefore.Sub(before) + time.Hour, "ends": leaf.NotAfter.Sub(before) - 30*24*time.Hour} {
		if d < 0 || d > after.Sub(before) {
			t.Errorf("it %s %v otherwise", what, d)
		}
	}
	if other, _, err := Certificate(nil); err != nil || string(other.Certificate[0]) == string(c.Certificate[0]) {
		t.Errorf("the next one is the same: %v", err)
	}
	if c, encoded, err := Certificate([]string{"ü.example"}); err == nil || c != nil || encoded != nil {
		t.Errorf("a name that no certificate can have: %v", err)
	}
	l := newPipes()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, l, http.NotFoundHandler(), c) }()
	for version, good := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		conn := tls.Client(l.dial(), &tls.Config{RootCAs: pool, ServerName: "localhost", MinVersion: tls.VersionTLS10, MaxVersion: version})
		if err := conn.Handshake(); (err == nil) != good {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		conn.Close()
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("%v", err)
	}
}
