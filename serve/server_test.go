package serve_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/serve"
)

// running is a server that a test stops.
type running struct {
	api, admin net.Addr
	stop       func()
	ended      chan error // one error, nil for a clean end
}

func run(t *testing.T, o serve.ServerOptions) *running {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	r := &running{stop: stop, ended: make(chan error, 1)}
	started := make(chan struct{})
	o.Started = func(api, admin net.Addr) {
		r.api, r.admin = api, admin
		close(started)
	}
	go func() { r.ended <- serve.Run(ctx, o) }()
	t.Cleanup(stop)
	select {
	case <-started:
	case err := <-r.ended:
		t.Fatal(err)
	}
	return r
}

func newHandler(t *testing.T, o serve.Options) *serve.Handler {
	t.Helper()
	h, err := serve.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

// TestShutdown: a download that is under way when the end is asked for comes to
// its end; meanwhile the registry is not ready and accepts nobody.
func TestShutdown(t *testing.T) {
	h := newHandler(t, production(sharedBucket(t)))
	server := run(t, serve.ServerOptions{Handler: h, Listen: "127.0.0.1:0", Admin: "127.0.0.1:0"})
	admin := "http://" + server.admin.String()
	if r, err := http.Get(admin + "/ready"); err != nil || r.StatusCode != 200 {
		t.Fatal(r, err)
	}
	c, err := net.Dial("tcp", server.api.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.(*net.TCPConn).SetReadBuffer(64 << 10); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(c, "GET /epr/store/store-1.0.0.zip HTTP/1.1\r\nHost: x\r\n\r\n")
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	server.stop()
	eventually(t, "it says that it is not ready", func() bool {
		r, err := http.Get(admin + "/ready")
		if err != nil {
			return false
		}
		r.Body.Close()
		return r.StatusCode == 503
	})
	eventually(t, "nobody new is accepted", func() bool {
		c, err := net.Dial("tcp", server.api.String())
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	if n, err := io.Copy(io.Discard, response.Body); err != nil || n != response.ContentLength {
		t.Errorf("the download ended after %d of %d bytes: %v", n, response.ContentLength, err)
	}
	if err := <-server.ended; err != nil {
		t.Error(err)
	}
}

// TestDrainEnds: a client that never finishes does not keep the server from ending.
func TestDrainEnds(t *testing.T) {
	h := newHandler(t, production(sharedBucket(t)))
	server := run(t, serve.ServerOptions{Handler: h, Listen: "127.0.0.1:0", Drain: 100 * time.Millisecond})
	c, err := net.Dial("tcp", server.api.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.(*net.TCPConn).SetReadBuffer(64 << 10); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(c, "GET /epr/store/store-1.0.0.zip HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := c.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	server.stop()
	if err := <-server.ended; err == nil || !strings.Contains(err.Error(), "requests were still in work 100ms after the end was asked for") {
		t.Errorf("a request was cut off: %v", err)
	}
	if n, _ := io.Copy(io.Discard, c); n >= largeImage {
		t.Error("the client got all of it")
	}
}

func TestTLS(t *testing.T) {
	cert, key, roots := certificate(t)
	h := newHandler(t, production(sharedBucket(t)))
	server := run(t, serve.ServerOptions{Handler: h, Listen: "127.0.0.1:0", CertFile: cert, KeyFile: key})
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true, DisableCompression: true}}
	defer client.CloseIdleConnections()
	for path, size := range map[string]int{"/search": 100, "/epr/store/store-1.0.0.zip": largeImage} {
		r, err := client.Get("https://" + server.api.String() + path)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, r.Body)
		r.Body.Close()
		if err != nil || r.ProtoMajor != 2 || r.StatusCode != 200 || int(n) < size || n != r.ContentLength {
			t.Errorf("%s: %s %s, %d bytes, %v", path, r.Proto, r.Status, n, err)
		}
	}
	server.stop()
	if err := <-server.ended; err != nil {
		t.Error(err)
	}
	for _, o := range []serve.ServerOptions{
		{Handler: h, CertFile: cert},
		{Handler: h, CertFile: cert, KeyFile: cert},
		{Handler: h, Listen: "256.0.0.1:0"},
		{Handler: h, Listen: "127.0.0.1:0", Admin: "256.0.0.1:0"},
	} {
		if err := serve.Run(t.Context(), o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
}

// certificate makes one for 127.0.0.1 that is its own authority.
func certificate(t *testing.T) (certFile, keyFile string, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "EC PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return certFile, keyFile, roots
}
