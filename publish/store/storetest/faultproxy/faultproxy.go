// Package faultproxy is an HTTP proxy for tests that makes a store unreliable:
// it cuts connections, answers with errors, is late, and loses answers to
// requests that the store has carried out.
package faultproxy

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Fault is a way in which a request goes wrong.
type Fault string

const (
	// ResetBefore cuts the connection; the store never sees the request.
	ResetBefore Fault = "reset before"
	// ResetDuring cuts both connections in the middle of the request's body.
	ResetDuring Fault = "reset during"
	// LostResponse cuts the connection when the store has carried the request out.
	LostResponse Fault = "lost response"
	// Late answers nothing for Options.Delay, longer than the client waits, and
	// then has the store carry the request out.
	Late Fault = "late"
	// Truncated cuts the connection in the middle of the answer's body.
	Truncated Fault = "truncated"
	// Status429, Status500 and Status503 are answers; the store does not see the
	// request.
	Status429 Fault = "429"
	Status500 Fault = "500"
	Status503 Fault = "503"
)

// All are the faults there are.
var All = []Fault{ResetBefore, ResetDuring, LostResponse, Late, Truncated, Status429, Status500, Status503}

// Options say how unreliable a proxy is.
type Options struct {
	// Target is the host and port of the store.
	Target string
	// RewriteHost sends the store its own name as Host. Google's emulator looks
	// at it; S3 must get it as the client has signed it.
	RewriteHost bool
	// Rate is the share of requests that go wrong, from 0 to 1.
	Rate float64
	// Seed decides which: the same request, asked for the nth time, goes wrong in
	// the same way however the others fall.
	Seed uint64
	// Faults to choose from; all if there are none.
	Faults []Fault
	// Delay of late requests.
	Delay time.Duration
	// Watch, if set, is called with the number of every request, from 1: when it
	// comes, and, if the store gets it, when the store has answered and the
	// client does not know yet.
	Watch func(n int, done bool)
	// RetryAfter, if set, is the header of that name in answers 429 and 503.
	RetryAfter string
}

// Proxy is a running proxy.
type Proxy struct {
	// Addr is its host and port.
	Addr string

	opts      Options
	transport *http.Transport

	mu       sync.Mutex
	requests int
	busy     int // requests under way, those that have no client left included
	next     []Step
	asked    map[string]uint64 // how often, by method and object
	counts   map[Fault]int
}

// Step is a fault that a test puts in the way of the next requests.
type Step struct {
	// Fault is what goes wrong; nothing if it is empty.
	Fault Fault
	// Then, if set, is called when the store has done its part and before the
	// client learns anything.
	Then func()
}

// Next makes the requests that come next go wrong, a step each, whatever the
// rate is.
func (p *Proxy) Next(steps ...Step) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = append(p.next, steps...)
}

// Start runs a proxy on the loopback interface until the test ends.
func Start(t testing.TB, o Options) *Proxy {
	t.Helper()
	if len(o.Faults) == 0 {
		o.Faults = All
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{
		Addr: l.Addr().String(), opts: o, asked: map[string]uint64{}, counts: map[Fault]int{},
		transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
	}
	server := &http.Server{Handler: p}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		p.Settle()
		p.transport.CloseIdleConnections()
	})
	return p
}

// Counts tells how many faults were injected, by kind.
func (p *Proxy) Counts() map[Fault]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.counts)
}

// Requests is how many requests came, the faulty ones included.
func (p *Proxy) Requests() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests
}

// Settle waits until no request is under way any more, late ones included. The
// clients must be done: what they sent last may still be in a socket.
func (p *Proxy) Settle() {
	for quiet := 0; quiet < 3; quiet++ {
		time.Sleep(2 * time.Millisecond)
		p.mu.Lock()
		if p.busy > 0 {
			quiet = 0
		}
		p.mu.Unlock()
	}
}

// begin counts a request that is under way, or one with -1 that no longer is.
func (p *Proxy) begin(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy += n
}

// Summary is Requests and Counts for a log.
func (p *Proxy) Summary() string {
	counts := p.Counts()
	var parts []string
	total := 0
	for _, f := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s %d", f, counts[f]))
		total += counts[f]
	}
	return fmt.Sprintf("%d requests, %d faults (%s)", p.Requests(), total, strings.Join(parts, ", "))
}

// choose decides about a request. It does so by what is asked for and how often
// it was, not by the order in which requests arrive, which differs every time.
func (p *Proxy) choose(r *http.Request) (number int, step Step) {
	what := r.Method + " " + r.URL.Path + " " + r.URL.Query().Get("name")
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests++
	if len(p.next) > 0 {
		step := p.next[0]
		p.next = p.next[1:]
		if step.Fault != "" {
			p.counts[step.Fault]++
		}
		return p.requests, step
	}
	nth := p.asked[what]
	p.asked[what]++
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %d %s", p.opts.Seed, nth, what)
	random := mix(h.Sum64())
	if float64(random>>11)/(1<<53) >= p.opts.Rate {
		return p.requests, Step{}
	}
	f := p.opts.Faults[mix(random)%uint64(len(p.opts.Faults))]
	p.counts[f]++
	return p.requests, Step{Fault: f}
}

// mix spreads the bits of x (the finisher of SplitMix64): those of FNV differ
// little between similar texts.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// numberKey is where the context of a request has its number.
type numberKey struct{}

// ServeHTTP passes a request on, or makes it go wrong.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.begin(1)
	defer p.begin(-1)
	number, step := p.choose(r)
	if p.opts.Watch != nil {
		p.opts.Watch(number, false)
		r = r.WithContext(context.WithValue(r.Context(), numberKey{}, number))
	}
	then := step.Then
	if then == nil {
		then = func() {}
	}
	switch step.Fault {
	case "":
		p.forward(w, r)
	case ResetBefore:
		then()
		reset(w)
	case ResetDuring:
		// The store sees a body that ends too soon.
		r.Body = cut(r.Body, r.ContentLength/2)
		p.carryOut(r.Context(), r)
		then()
		reset(w)
	case LostResponse:
		p.carryOut(r.Context(), r)
		then()
		reset(w)
	case Late:
		p.answerLate(w, r, then)
	case Truncated:
		p.truncate(w, r, then)
	default:
		then()
		p.refuse(w, r, step.Fault)
	}
}

// carryOut has the store answer, and drops the answer.
func (p *Proxy) carryOut(ctx context.Context, r *http.Request) {
	resp, err := p.send(ctx, r)
	if err != nil {
		return // as good as a lost answer
	}
	io.Copy(io.Discard, resp.Body) // whatever it says, nobody will know
	resp.Body.Close()
}

func (p *Proxy) send(ctx context.Context, r *http.Request) (*http.Response, error) {
	out := r.Clone(ctx)
	out.RequestURI = ""
	out.URL.Scheme, out.URL.Host = "http", p.opts.Target
	if p.opts.RewriteHost {
		out.Host = p.opts.Target
	}
	resp, err := p.transport.RoundTrip(out)
	if number, ok := ctx.Value(numberKey{}).(int); ok {
		p.opts.Watch(number, true)
	}
	return resp, err
}

func (p *Proxy) forward(w http.ResponseWriter, r *http.Request) {
	resp, err := p.send(r.Context(), r)
	if err != nil {
		reset(w) // the client has gone, or the store has cut the connection
		return
	}
	defer resp.Body.Close()
	copyHeader(w, resp)
	if _, err := io.Copy(w, resp.Body); err != nil {
		reset(w)
	}
}

func copyHeader(w http.ResponseWriter, resp *http.Response) {
	maps.Copy(w.Header(), resp.Header)
	if resp.ContentLength >= 0 {
		w.Header().Set("Content-Length", fmt.Sprint(resp.ContentLength))
	}
	w.WriteHeader(resp.StatusCode)
}
