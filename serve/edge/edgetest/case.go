// Package edgetest makes the vectors that hold the JavaScript edge to the Go
// one, runs the edge's bundles where they run in earnest, and compares.
package edgetest

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Case is a request and what it gets: a vector.
type Case struct {
	Method string `json:"method"`
	// Target is path and query as they are sent.
	Target string `json:"target"`
	// Headers of the request; each is sent on one line.
	Headers map[string]string `json:"headers,omitempty"`
	Want    Want              `json:"want"`
}

func (c Case) String() string {
	var b strings.Builder
	b.WriteString(c.Method + " " + c.Target)
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		fmt.Fprintf(&b, " [%s: %s]", name, c.Headers[name])
	}
	return b.String()
}

// Want is what a request gets.
type Want struct {
	Status int `json:"status"`
	// Headers are those of Compared, by their names in lower case. Lines of one
	// name are joined, as anybody on the way may do (RFC 9110, section 5.3).
	Headers map[string]string `json:"headers"`
	// Length and SHA256 are the body's.
	Length int    `json:"length"`
	SHA256 string `json:"sha256"`
	// Key is the object that the router names, if it names one.
	Key string `json:"key,omitempty"`
}

// compared are the headers that every edge has to send alike.
var compared = []string{
	"accept-ranges", "access-control-allow-origin", "allow", "cache-control", "content-encoding", "content-range",
	"content-type", "etag", "last-modified", "location", "vary",
}

// Client sends requests just as they are given: net/http would not send all of
// what hostile clients do. It keeps one connection, and is for one goroutine.
type Client struct {
	// Addr is where to connect, Host what the Host header says.
	Addr, Host string
	// Proxy asks for whole URLs.
	Proxy bool
	conn  net.Conn
	in    *bufio.Reader
}

// Close ends the connection.
func (c *Client) Close() error {
	if c.conn == nil {
		return nil
	}
	err := c.conn.Close()
	c.conn = nil
	return err
}

// Reply is an answer that was read to its end.
type Reply struct {
	*http.Response
	Body []byte
}

// Do sends a request and reads the answer. A connection that the server closed
// meanwhile is opened again.
func (c *Client) Do(r Case) (*Reply, error) {
	fresh := c.conn == nil
	reply, err := c.try(r)
	if err != nil && !fresh {
		_ = c.Close()
		reply, err = c.try(r)
	}
	if err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("%s: %w", r, err)
	}
	return reply, nil
}

func (c *Client) try(r Case) (*Reply, error) {
	if c.conn == nil {
		conn, err := net.DialTimeout("tcp", c.Addr, 10*time.Second)
		if err != nil {
			return nil, err
		}
		c.conn, c.in = conn, bufio.NewReader(conn)
	}
	var b strings.Builder
	target := r.Target
	if c.Proxy {
		target = "http://" + c.Host + target
	}
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", r.Method, target, c.Host)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		b.WriteString("Content-Length: 0\r\n")
	}
	for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
		fmt.Fprintf(&b, "%s: %s\r\n", name, r.Headers[name])
	}
	b.WriteString("\r\n")
	if _, err := io.WriteString(c.conn, b.String()); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(c.in, &http.Request{Method: r.Method})
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.Close {
		_ = c.Close()
	}
	return &Reply{resp, body}, nil
}

// Want is an answer as a vector has it.
func (r *Reply) Want() Want {
	w := Want{Status: r.StatusCode, Headers: map[string]string{}}
	for _, name := range compared {
		if v := r.Header.Values(name); len(v) > 0 {
			w.Headers[name] = strings.Join(v, ", ")
		}
	}
	body := r.Body
	if media, params, err := mime.ParseMediaType(w.Headers["content-type"]); err == nil && media == "multipart/byteranges" {
		// Every server chooses a boundary of its own.
		body = bytes.ReplaceAll(body, []byte(params["boundary"]), []byte("BOUNDARY"))
		w.Headers["content-type"] = media
	}
	w.Length = len(body)
	if n, err := strconv.Atoi(r.Header.Get("Content-Length")); err == nil && r.Request != nil && r.Request.Method == http.MethodHead {
		w.Length = n
	}
	sum := sha256.Sum256(body)
	w.SHA256 = hex.EncodeToString(sum[:])
	return w
}

// Differences tells in what an answer is not as wanted; empty when it is.
func (w Want) Differences(r *Reply) []string {
	var out []string
	got := r.Want()
	if got.Status != w.Status {
		out = append(out, fmt.Sprintf("status %d, want %d", got.Status, w.Status))
	}
	for _, name := range compared {
		if got.Headers[name] != w.Headers[name] {
			out = append(out, fmt.Sprintf("%s %q, want %q", name, got.Headers[name], w.Headers[name]))
		}
	}
	if got.Length != w.Length || got.SHA256 != w.SHA256 {
		out = append(out, fmt.Sprintf("body of %d bytes with SHA-256 %.12s, want %d and %.12s: %.200q", got.Length, got.SHA256, w.Length, w.SHA256, r.Body))
	}
	return out
}

// Encode writes vectors, one a line.
func Encode(cases []Case) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	for _, c := range cases {
		// A bytes.Buffer takes everything, and the struct has nothing that JSON
		// cannot hold.
		_ = e.Encode(c)
	}
	return b.Bytes()
}
