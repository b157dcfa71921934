package faultproxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// errCut ends a body in the middle.
var errCut = errors.New("cut by the fault proxy")

// cutReader gives a part of a body and then an error.
type cutReader struct {
	io.ReadCloser
	left int64
}

func cut(body io.ReadCloser, n int64) io.ReadCloser { return &cutReader{body, max(n, 0)} }

func (r *cutReader) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, errCut
	}
	n, err := r.ReadCloser.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	return n, err
}

// reset cuts the connection to the client so that it sees ECONNRESET. Once an
// answer has begun that is what a panic does.
func reset(w http.ResponseWriter) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		tcp.SetLinger(0) // best effort: without it the client sees EOF
	}
	c.Close()
}

// answerLate has the store carry the request out when the client has given up.
func (p *Proxy) answerLate(w http.ResponseWriter, r *http.Request, then func()) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		reset(w)
		return
	}
	p.begin(1)
	done := make(chan struct{})
	go func() {
		defer p.begin(-1)
		defer close(done)
		time.Sleep(p.opts.Delay)
		out := r.Clone(context.WithoutCancel(r.Context()))
		out.Body = io.NopCloser(bytes.NewReader(body))
		p.carryOut(out.Context(), out)
		then()
	}()
	select {
	case <-done:
	case <-r.Context().Done():
	}
	reset(w)
}

// truncate answers with half of the store's answer under its full length.
func (p *Proxy) truncate(w http.ResponseWriter, r *http.Request, then func()) {
	resp, err := p.send(r.Context(), r)
	if err != nil {
		reset(w)
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	then()
	if err != nil || len(body) == 0 {
		reset(w)
		return
	}
	copyHeader(w, resp)
	w.Write(body[:len(body)/2]) // it may have gone by itself
	http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// refuse answers as an overloaded S3 does; for other stores the status counts.
func (p *Proxy) refuse(w http.ResponseWriter, r *http.Request, f Fault) {
	code := map[Fault]string{Status429: "TooManyRequests", Status500: "InternalError", Status503: "SlowDown"}[f]
	status, err := strconv.Atoi(string(f))
	if err != nil {
		panic(fmt.Sprintf("faultproxy: %s is not a fault", f))
	}
	// As real stores do, it takes the body first: else the client might see a
	// reset connection and not the answer.
	io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/xml")
	if p.opts.RetryAfter != "" && f != Status500 {
		w.Header().Set("Retry-After", p.opts.RetryAfter)
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>injected</Message></Error>`, code)
	}
}
