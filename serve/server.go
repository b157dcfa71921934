package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// ServerOptions say where a Handler is served.
type ServerOptions struct {
	Handler *Handler
	// Listen is the address of the API, "host:port"; DefaultListen if empty.
	Listen string
	// Admin is the address of metrics and health; empty for none.
	Admin string
	// CertFile and KeyFile are PEM files; with both the API is served by HTTPS,
	// with HTTP/2.
	CertFile, KeyFile string
	// Drain is how long requests in work may go on after the end was asked
	// for; DefaultDrain if 0.
	Drain time.Duration
	// Started, if set, is told the addresses once both accept connections;
	// admin is nil when there is none.
	Started func(api, admin net.Addr)
	Log     *slog.Logger
}

// Values of ServerOptions that are not given.
const (
	DefaultListen = "localhost:8080"
	DefaultDrain  = 10 * time.Second
)

// Limits of a connection. Most clients send a few hundred bytes; a URL that lists
// discovery fields has tens of thousands. Each connection may hold so much.
const (
	maxHeaderBytes    = 256 << 10
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Second // headers and what body there may be
	idleTimeout       = 2 * time.Minute
)

// Run serves until ctx ends, then lets requests in work finish, and returns nil
// if all could. The Handler stays open.
func Run(ctx context.Context, o ServerOptions) error {
	o.Listen = orElse(o.Listen, DefaultListen)
	o.Drain = orElse(o.Drain, DefaultDrain)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	config, err := tlsConfig(o.CertFile, o.KeyFile)
	if err != nil {
		return err
	}
	api, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	defer api.Close()
	servers := []*http.Server{newServer(o.Handler, o.Handler.o.Stall, config, o.Log)}
	listeners := []net.Listener{api}
	var adminAddr net.Addr
	if o.Admin != "" {
		admin, err := net.Listen("tcp", o.Admin)
		if err != nil {
			return fmt.Errorf("serve: admin address: %w", err)
		}
		defer admin.Close()
		adminAddr = admin.Addr()
		servers = append(servers, newServer(o.Handler.admin(), DefaultStall, nil, o.Log))
		listeners = append(listeners, admin)
	}
	return serveOn(ctx, o, servers, listeners, func() {
		if o.Started != nil {
			o.Started(api.Addr(), adminAddr)
		}
	})
}

// serveOn serves until ctx ends, or a listener fails.
func serveOn(ctx context.Context, o ServerOptions, servers []*http.Server, listeners []net.Listener, started func()) (err error) {
	served := make(chan error, len(servers))
	for i, s := range servers {
		go func() {
			if s.TLSConfig != nil {
				served <- s.ServeTLS(listeners[i], "", "")
			} else {
				served <- s.Serve(listeners[i])
			}
		}()
	}
	started()
	serving := len(servers)
	select {
	case err = <-served:
		serving--
	case <-ctx.Done():
	}
	err = errors.Join(err, drain(o, servers))
	// A server that was ended before it began closes its listener only then.
	for range serving {
		<-served
	}
	return err
}

// drain ends the servers, the one of operators last: they may want to watch.
func drain(o ServerOptions, servers []*http.Server) error {
	o.Handler.draining.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), o.Drain)
	defer cancel()
	var errs []error
	for _, s := range servers {
		err := s.Shutdown(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			err = errors.Join(fmt.Errorf("serve: requests were still in work %s after the end was asked for", o.Drain), s.Close())
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func newServer(h http.Handler, stall time.Duration, config *tls.Config, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		TLSConfig:         config,
		MaxHeaderBytes:    maxHeaderBytes,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		IdleTimeout:       idleTimeout,
		// For what net/http writes by itself; the handler moves the deadline on
		// with every piece that a client accepts.
		WriteTimeout: stall,
		// Methods are the handler's to judge, also "OPTIONS *".
		DisableGeneralOptionsHandler: true,
		// What clients do wrong is not worth more.
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// tlsConfig is nil when neither file is named.
func tlsConfig(certFile, keyFile string) (*tls.Config, error) {
	if certFile == "" && keyFile == "" {
		return nil, nil
	}
	if certFile == "" || keyFile == "" {
		return nil, fmt.Errorf("serve: HTTPS needs both a certificate and a key file")
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("serve: certificate: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}
