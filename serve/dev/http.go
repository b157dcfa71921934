package dev

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/regsnap/regsnap/layout"
)

// Paths of what only a live registry has. No package can be called "-".
const (
	FindingsPath    = "/-/dev/findings"
	eventsPath      = "/-/dev/events"
	stylePath       = "/-/dev/banner.css"
	CertificatePath = "/-/dev/certificate.pem"
)

// HandlerOptions say who may ask.
type HandlerOptions struct {
	// Hosts are names by which this machine may be called, beside localhost.
	Hosts []string
	// Beyond: requests come from other machines too.
	Beyond bool
	// Certificate, if set, is served for clients to trust, in PEM.
	Certificate []byte
	// Stop ends the streams of events.
	Stop context.Context
}

// Handler answers requests. Nothing of a request is ever taken for the path of a file:
// what is served is what was built.
func (r *Registry) Handler(o HandlerOptions) http.Handler {
	g := guard{beyond: o.Beyond}
	for _, h := range o.Hosts {
		if name, ok := hostname(h); ok {
			g.hosts = append(g.hosts, name)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !g.allowed(req) {
			w.Header().Set("Cache-Control", "no-store")
			http.Error(w, "this is a registry for one machine: the request names another host, or a page of another site has made it; regsnap dev --allow-host NAME lets a name in", http.StatusForbidden)
			return
		}
		switch req.URL.Path {
		case FindingsPath:
			r.findings(w, req)
		case eventsPath:
			r.events(w, req, o.Stop)
		case stylePath:
			w.Header().Set("Content-Type", "text/css; charset=utf-8")
			fixed(w, req, []byte(style))
		case CertificatePath:
			if o.Certificate == nil {
				http.NotFound(w, req)
				return
			}
			w.Header().Set("Content-Type", "application/x-pem-file")
			fixed(w, req, o.Certificate)
		default:
			r.answer(w, req)
		}
	})
}

// fixed sends a body of our own.
func fixed(w http.ResponseWriter, req *http.Request, body []byte) {
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if req.Method == http.MethodGet {
		_, _ = w.Write(body)
	}
}

// findings sends the state as JSON.
func (r *Registry) findings(w http.ResponseWriter, req *http.Request) {
	s, _ := r.now()
	w.Header().Set("Content-Type", "application/json")
	fixed(w, req, layout.Encode(s, " "))
}

// events tells a browser of every new generation, until it goes away.
func (r *Registry) events(w http.ResponseWriter, req *http.Request, stop context.Context) {
	if req.Method != http.MethodGet {
		fixed(w, req, nil)
		return
	}
	control := http.NewResponseController(w)
	if err := control.SetWriteDeadline(time.Time{}); err != nil {
		http.Error(w, "events cannot be sent on this connection", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	for {
		s, changed := r.now()
		if _, err := fmt.Fprintf(w, "data: %d\n\n", s.Generation); err != nil {
			return
		}
		if control.Flush() != nil {
			return
		}
		select {
		case <-changed:
		case <-req.Context().Done():
			return
		case <-stop.Done():
			return
		}
	}
}

// answer answers as production would: but for what pages show of the state, and that
// no other site may read what is not public yet.
func (r *Registry) answer(w http.ResponseWriter, req *http.Request) {
	s, _ := r.now()
	page := req.URL.Path == "/catalog" || strings.HasPrefix(req.URL.Path, "/catalog/")
	if s.Building != nil && !page {
		if e := r.early.Load(); e != nil && e.ready(req) {
			r.handler.ServeHTTP(&private{ResponseWriter: w}, req)
			return
		}
		s, _ = r.now()
	}
	switch {
	case s.Building != nil:
		stillBuilding(w, req, s, page)
	case s.Snapshot == "" && page:
		emptyPage(w, req, s)
	case s.Snapshot == "":
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "there is no valid package to show yet; "+FindingsPath+" lists what is wrong", http.StatusServiceUnavailable)
	case page:
		r.page(w, req, s)
	default:
		r.handler.ServeHTTP(&private{ResponseWriter: w}, req)
	}
}

// retryAfter is after how many seconds a client is to ask again while the registry is
// being built.
const retryAfter = "1"

// stillBuilding says how far the first build is. An answer of a part of the packages would
// look like one of all of them, so nothing is answered before all of them are known.
func stillBuilding(w http.ResponseWriter, req *http.Request, s State, page bool) {
	w.Header().Set("Retry-After", retryAfter)
	if page {
		w.Header().Set("Refresh", retryAfter) // the script only hears of what is built
		emptyPage(w, req, s)
		return
	}
	body := layout.Encode(map[string]any{"error": s.Building.text(), "building": s.Building}, " ")
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusServiceUnavailable)
	if req.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

// text says how far a build is.
func (b *Building) text() string {
	if b.Phase == "" {
		return "the registry is being built: looking for packages"
	}
	if b.Answering {
		return fmt.Sprintf("the registry answers clients already, its catalogue is being built: %s, %d of %d", b.Phase, b.Done, b.Total)
	}
	return fmt.Sprintf("the registry is being built: %s, %d of %d", b.Phase, b.Done, b.Total)
}

// private is a response that other sites may not read.
type private struct{ http.ResponseWriter }

func (w *private) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *private) WriteHeader(status int) {
	w.Header().Del("Access-Control-Allow-Origin")
	w.ResponseWriter.WriteHeader(status)
}

func (w *private) Write(p []byte) (int, error) {
	w.Header().Del("Access-Control-Allow-Origin")
	return w.ResponseWriter.Write(p)
}
