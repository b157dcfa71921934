package serve

import (
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// exchange is a request and the writing of its answer. It keeps what log and
// metrics tell, and gives up on clients that stop reading.
type exchange struct {
	http.ResponseWriter
	r *http.Request
	// u is the URL without the deployment's prefix.
	u       *url.URL
	control *http.ResponseController
	stall   time.Duration

	env, route string
	preview    bool // env is one
	// snapshot answers the whole request, however the pointer moves meanwhile;
	// nil until one was found. answer is what its table says.
	snapshot *snapshot
	answer   answer.Answer

	status int
	bytes  int64
	source source
	err    error // why there is no proper answer
	// releases let go of what is held for the answer.
	releases []func()
	// lost: the client no longer takes what is written.
	lost bool
}

// source tells where the body of an answer came from.
type source string

const (
	fromTable    source = ""          // the routes alone answered
	fromCache    source = "hit"       // an object that was in memory
	fromStore    source = "miss"      // an object that was read into memory
	fromStream   source = "stream"    // an object too large to keep
	fromAssembly source = "assembled" // put together from summaries
)

func newExchange(w http.ResponseWriter, r *http.Request, stall time.Duration) *exchange {
	return &exchange{ResponseWriter: w, r: r, control: http.NewResponseController(w), stall: stall}
}

// end lets go of all that was held.
func (x *exchange) end() {
	for _, release := range x.releases {
		release()
	}
}

// snapshotID is empty as long as no snapshot was found.
func (x *exchange) snapshotID() string {
	if x.snapshot == nil {
		return ""
	}
	return x.snapshot.id
}

// head sets the headers that every form of an answer has: its type, how long it
// may be kept, and that it may come encoded.
func (x *exchange) head() {
	h, a := x.Header(), x.answer
	if a.ContentType != "" {
		h["Content-Type"] = []string{a.ContentType}
	}
	if c := x.snapshot.cacheControl[a.Cache]; c != nil {
		h["Cache-Control"] = c
	}
	if a.Status == http.StatusOK && layout.Compressible(a.ContentType) {
		h["Vary"] = varyByEncoding
	}
}

// settled sets the ETag of the representation that is about to be sent, and
// answers the request if a precondition says that it need not be.
func (x *exchange) settled(tag string) bool {
	x.Header()["Etag"] = []string{tag}
	switch status := precondition(x.r.Header, tag, x.Header().Get("Last-Modified")); status {
	case http.StatusNotModified:
		for _, name := range []string{"Content-Type", "Content-Encoding", "Accept-Ranges"} {
			delete(x.Header(), name)
		}
		x.WriteHeader(status)
		return true
	case http.StatusPreconditionFailed:
		x.fail(status, "precondition failed")
		return true
	}
	return false
}

// send writes a whole body, or for HEAD only its length.
func (x *exchange) send(status int, body []byte) {
	x.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	x.WriteHeader(status)
	if x.r.Method != http.MethodHead && len(body) > 0 {
		// A client that went away is not worth more than its line in the log, which is to
		// say why this is an error, if it is one.
		if _, err := x.Write(body); x.err == nil {
			x.err = err
		}
	}
}

// fail answers with an error that nobody may keep.
func (x *exchange) fail(status int, text string) {
	h := x.Header()
	for _, name := range []string{"Etag", "Accept-Ranges", "Content-Encoding", "Vary"} {
		delete(h, name)
	}
	h["Content-Type"] = []string{"text/plain; charset=utf-8"}
	h["Cache-Control"] = noStore
	x.send(status, []byte(text+"\n"))
}

// unavailable answers 503 and says when to ask again.
func (x *exchange) unavailable(text string, retry time.Duration) {
	seconds := max(1, int((retry+time.Second-1)/time.Second))
	x.Header()["Retry-After"] = []string{strconv.Itoa(seconds)}
	x.fail(http.StatusServiceUnavailable, text)
}

// WriteHeader notes the status.
func (x *exchange) WriteHeader(status int) {
	if x.status == 0 {
		x.status = status
	}
	x.ResponseWriter.WriteHeader(status)
}

// writePiece is how much is written under one deadline, in bytes.
const writePiece = 128 << 10

// Write sends p piece by piece, each with its own deadline: a slow client may
// take as long as it needs, one that stopped reading may not.
func (x *exchange) Write(p []byte) (int, error) {
	written := 0
	for first := true; first || len(p) > 0; first = false {
		// Not every ResponseWriter has deadlines; then the server's hold.
		_ = x.control.SetWriteDeadline(time.Now().Add(x.stall))
		piece := p[:min(len(p), writePiece)]
		n, err := x.ResponseWriter.Write(piece)
		written += n
		x.bytes += int64(n)
		if err != nil {
			x.lost = true
			return written, err
		}
		p = p[len(piece):]
	}
	return written, nil
}

// Unwrap lets http.ResponseController reach the connection.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

var buffers = sync.Pool{New: func() any { b := make([]byte, writePiece); return &b }}

// copyFrom sends exactly n bytes of r.
func (x *exchange) copyFrom(r io.Reader, n int64) error {
	if m, ok := r.(memory); ok {
		_, err := x.Write(m.part)
		return err
	}
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	for n > 0 {
		k, err := io.ReadFull(r, (*buf)[:min(n, writePiece)])
		if k > 0 {
			if _, err := x.Write((*buf)[:k]); err != nil {
				return err
			}
			n -= int64(k)
		}
		if err != nil && n > 0 {
			return err
		}
	}
	return nil
}
