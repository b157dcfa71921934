package serve

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// lazyListener takes a minute to say that it was closed.
type lazyListener struct {
	net.Listener
	closed chan struct{}
	once   *sync.Once
	ended  *atomic.Bool
}

func (l lazyListener) Accept() (net.Conn, error) {
	<-l.closed
	time.Sleep(time.Minute)
	l.ended.Store(true)
	return nil, net.ErrClosed
}

func (l lazyListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// TestEndsWithItsServers: a server has ended when none of its listeners is waited at any more,
// whether it was asked to end or one of them failed.
func TestEndsWithItsServers(t *testing.T) {
	failure := errors.New("too many open files")
	for _, fails := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			o := ServerOptions{Handler: new(Handler), Drain: time.Hour, Log: slog.New(slog.DiscardHandler)}
			var servers []*http.Server
			var listeners []net.Listener
			var lazy []lazyListener
			for range 2 {
				l := lazyListener{closed: make(chan struct{}), once: new(sync.Once), ended: new(atomic.Bool)}
				lazy = append(lazy, l)
				servers, listeners = append(servers, newServer(http.NotFoundHandler(), time.Minute, nil, o.Log)), append(listeners, l)
			}
			ctx, stop := context.WithCancel(t.Context())
			if fails {
				servers, listeners = append(servers, newServer(http.NotFoundHandler(), time.Minute, nil, o.Log)), append(listeners, failingListener{lazyListener{closed: make(chan struct{}), once: new(sync.Once)}, failure})
			} else {
				time.AfterFunc(time.Second, stop)
			}
			err := serveOn(ctx, o, servers, listeners, func() { time.Sleep(time.Millisecond) })
			stop()
			if errors.Is(err, failure) != fails || !fails && err != nil {
				t.Error(err)
			}
			for i, l := range lazy {
				if !l.ended.Load() {
					t.Errorf("listener %d is still waited at", i)
				}
			}
		})
	}
}

// closing is a listener that notes that it was closed.
type closing struct{ *closedOnce }

type closedOnce struct {
	once   sync.Once
	closed chan struct{}
}

func (c closing) Accept() (net.Conn, error) {
	<-c.closed
	return nil, net.ErrClosed
}

func (c closing) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

func (closing) Addr() net.Addr { return &net.TCPAddr{} }

// TestEndsBeforeItBegins: a server that is asked to end before it listens has closed its
// listeners when it has ended.
func TestEndsBeforeItBegins(t *testing.T) {
	ended, stop := context.WithCancel(t.Context())
	stop()
	for range 200 { // in some of them it has begun
		o := ServerOptions{Handler: new(Handler), Drain: time.Hour, Log: slog.New(slog.DiscardHandler)}
		var servers []*http.Server
		var listeners []net.Listener
		for range 2 {
			servers, listeners = append(servers, newServer(http.NotFoundHandler(), time.Minute, nil, o.Log)), append(listeners, closing{&closedOnce{closed: make(chan struct{})}})
		}
		if err := serveOn(ended, o, servers, listeners, func() {}); err != nil {
			t.Fatal(err)
		}
		for _, l := range listeners {
			select {
			case <-l.(closing).closed:
			default:
				t.Fatal("it still listens")
			}
		}
	}
}
