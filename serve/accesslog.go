package serve

import (
	"context"
	"log/slog"
	"time"
)

// logAccess writes the line of a request. Values that a client chose are
// attributes, which the handler of the log quotes.
func logAccess(log *slog.Logger, x *exchange, took time.Duration) {
	r := x.r
	attrs := []slog.Attr{
		slog.String("method", r.Method),
		slog.String("host", r.Host),
		slog.String("path", r.URL.Path),
		slog.String("query", r.URL.RawQuery),
		slog.Int("status", x.status),
		slog.Int64("bytes", x.bytes),
		slog.Float64("ms", float64(took.Microseconds())/1000),
		slog.String("env", x.env),
		slog.String("snapshot", x.snapshotID()),
		slog.String("route", x.route),
		slog.String("source", string(x.source)),
		slog.String("user_agent", r.UserAgent()),
		slog.String("remote", r.RemoteAddr),
	}
	if x.err != nil {
		attrs = append(attrs, slog.String("error", x.err.Error()))
	}
	// The request's context may have ended; the line is to be written all the same.
	log.LogAttrs(context.WithoutCancel(r.Context()), slog.LevelInfo, "request", attrs...)
}
