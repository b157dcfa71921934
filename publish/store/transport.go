package store

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	// idleConnections are kept per host. Go's default of 2 makes almost every
	// one of many parallel uploads wait for a new connection: 3,781 instead of
	// 4,669 small objects a second at 30 ms of latency, 256 at once.
	idleConnections = 256
	// silence is how long a connection may say and take nothing during a
	// request before it counts as dead. It is apart from the time for an
	// attempt, which must leave a slow line time for a large object.
	silence = 30 * time.Second
)

// tuneTransport fits a transport to many small requests to one host.
func tuneTransport(t *http.Transport) {
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 0, idleConnections
	// Objects are read as they are stored.
	t.DisableCompression = true
	dial := t.DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &watchedConn{c, silence}, nil
	}
}

// watchedConn fails when nothing moves. An unused connection of the pool is
// closed by that too, which costs nothing but the next handshake.
type watchedConn struct {
	net.Conn
	silence time.Duration
}

func (c *watchedConn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.silence)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

// Write gives the answer as much time as the request: the transport began to
// wait for it when the answer before had come.
func (c *watchedConn) Write(p []byte) (int, error) {
	if err := c.SetDeadline(time.Now().Add(c.silence)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// isAnonymous reports whether the URL asks for requests without credentials, as
// gocloud reads it.
func isAnonymous(q url.Values) bool {
	anonymous, err := strconv.ParseBool(q.Get("anonymous"))
	return err == nil && anonymous || q.Get("access_id") == "-"
}
