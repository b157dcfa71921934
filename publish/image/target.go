package image

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/regsnap/regsnap/internal/retry"
)

// target is a repository of a registry (OCI distribution specification 1.1).
type target struct {
	repo      name.Repository
	http      *http.Client
	retries   retry.Policy
	anonymous bool // no login is known
	whole     bool // all that the image's index names is there
	sent      *transfer
}

// connect asks the registry how it wants to know who asks, and logs in.
func (t *target) connect(ctx context.Context, inner http.RoundTripper, agent string) error {
	auth, err := authn.Resolve(ctx, authn.DefaultKeychain, t.repo)
	if err != nil {
		return fmt.Errorf("the login for %s could not be read: %w", t.repo.RegistryStr(), err)
	}
	t.anonymous = auth == authn.Anonymous
	if inner == nil {
		inner = registryTransport
	}
	return t.retries.Do(ctx, func() error {
		as, err := transport.NewWithContext(ctx, t.repo.Registry, auth, transport.NewUserAgent(reopening{inner}, agent), []string{t.repo.Scope(transport.PushScope)})
		t.http = &http.Client{Transport: as, CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return fmt.Errorf("%w: more than %d redirects", errLeads, maxRedirects)
			}
			return mayGo(via[0].URL, r.URL)
		}}
		return again(unsigned(err))
	})
}

// content is the body of a request.
type content struct {
	mediaType string
	size      int64
	open      func() (io.ReadCloser, error)
}

func (m *manifest) content() *content {
	return &content{m.mediaType, int64(len(m.body)), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(m.body)), nil }}
}

// answer is what a registry says to a request.
type answer struct {
	*http.Response
	body []byte
}

// maxAnswer bounds what is read of an answer: a manifest has up to 4 MiB by the
// specification.
const maxAnswer = 4 << 20

// ask sends a request. An answer of one of the statuses that may pass is an error that
// may pass.
func (t *target) ask(ctx context.Context, method string, u *url.URL, body *content) (*answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", strings.Join([]string{string(types.OCIImageIndex), string(types.OCIManifestSchema1), "*/*"}, ", "))
	if body != nil {
		if r.Body, err = body.open(); err != nil {
			return nil, err
		}
		r.GetBody, r.ContentLength = body.open, body.size
		r.Header.Set("Content-Type", body.mediaType)
	}
	resp, err := t.http.Do(r)
	if err != nil {
		return nil, again(unsigned(err))
	}
	defer resp.Body.Close()
	a := &answer{Response: resp}
	if a.body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer)); err != nil {
		return nil, again(err)
	}
	if slices.Contains(passingStatus, a.StatusCode) {
		return nil, retry.After(t.refusalOf(a), retry.Asked(a.Header, time.Now()))
	}
	return a, nil
}

func (t *target) url(path string) *url.URL {
	return &url.URL{Scheme: t.repo.Scheme(), Host: t.repo.RegistryStr(), Path: "/v2/" + t.repo.RepositoryStr() + "/" + path}
}

// digestHeader is what a registry says that it holds.
const digestHeader = "Docker-Content-Digest"

// has reports whether a manifest is there under a name. Without a digest in
// the answer, what is under a tag may be another one. A login that may write but not read gets none.
func (t *target) has(ctx context.Context, ref string, m *manifest) (there bool, err error) {
	err = t.retries.Do(ctx, func() error {
		a, err := t.ask(ctx, http.MethodHead, t.url("manifests/"+ref), nil)
		if err != nil {
			return err
		}
		told := a.Header.Get(digestHeader)
		there = a.StatusCode == http.StatusOK && (told == m.digest || told == "" && ref == m.digest)
		return nil
	})
	return there, err
}

// put stores a manifest under its digest or a tag.
func (t *target) put(ctx context.Context, ref string, m *manifest) error {
	return t.retries.Do(ctx, func() error {
		a, err := t.ask(ctx, http.MethodPut, t.url("manifests/"+ref), m.content())
		if err == nil {
			err = t.stored(a, m.digest)
		}
		return err
	})
}

// stored looks at the answer to what was to be stored.
func (t *target) stored(a *answer, digest string) error {
	switch a.StatusCode {
	case http.StatusOK, http.StatusCreated, http.StatusNoContent:
	default:
		if r := t.refusalOf(a); r.broken() {
			return retry.Again(r)
		} else {
			return r
		}
	}
	if told := a.Header.Get(digestHeader); told != "" && told != digest {
		return fmt.Errorf("%s: the registry says that it holds %s: it stores something else than it is sent", t.place(a.Response), told)
	}
	return nil
}

// digestOf is what a tag has, by its content; empty if there is no such tag, or no answer
// that says so.
func (t *target) digestOf(ctx context.Context, tag string) (digest string) {
	_ = t.retries.Do(ctx, func() error {
		a, err := t.ask(ctx, http.MethodGet, t.url("manifests/"+tag), nil)
		if err == nil && a.StatusCode == http.StatusOK {
			digest = fmt.Sprintf("sha256:%x", sha256.Sum256(a.body))
		}
		return err
	})
	return digest
}

// blob is a layer or a configuration.
type blob struct {
	digest string
	size   int64
	open   func() (io.ReadCloser, error)
	known  bool // to be lacking
}

// blobsOf are the layers of an image and its configuration.
func blobsOf(img v1.Image) ([]*blob, error) {
	layers, err := img.Layers()
	if err != nil {
		return nil, err
	}
	config, err := partial.ConfigLayer(img)
	if err != nil {
		return nil, err
	}
	var blobs []*blob
	for _, l := range append(layers, config) {
		digest, err := l.Digest()
		if err != nil {
			return nil, err
		}
		size, err := l.Size()
		if err != nil {
			return nil, err
		}
		blobs = append(blobs, &blob{digest: digest.String(), size: size, open: l.Compressed})
	}
	return blobs, nil
}

// send stores a blob unless the registry has it. If that fails for a reason that may
// pass, it starts over: what a registry keeps of half an upload is its own affair.
func (t *target) send(ctx context.Context, b *blob) error {
	return t.retries.Do(ctx, func() error {
		// Some registries answer no HEAD, or not everyone. Sending the blob tells why.
		a, err := t.ask(ctx, http.MethodHead, t.url("blobs/"+b.digest), nil)
		if err != nil || a.StatusCode == http.StatusOK {
			return err
		}
		if !b.known {
			b.known = true
			t.sent.add(0, b.size)
		}
		if a, err = t.ask(ctx, http.MethodPost, t.url("blobs/uploads/"), nil); err != nil {
			return err
		}
		if a.StatusCode != http.StatusAccepted {
			return t.refusalOf(a)
		}
		to, err := t.uploadTo(a, b.digest)
		if err != nil {
			return err
		}
		body, count := t.sent.counting(b)
		if a, err = t.ask(ctx, http.MethodPut, to, body); err == nil {
			err = t.stored(a, b.digest)
		}
		if err != nil {
			count.reset()
		}
		return err
	})
}

// uploadTo is where a blob is sent to. The query is kept as it is: it may be signed.
func (t *target) uploadTo(a *answer, digest string) (*url.URL, error) {
	location := a.Header.Get("Location")
	to, err := a.Request.URL.Parse(location)
	if location == "" || err != nil {
		return nil, fmt.Errorf("%s: the registry does not say where to send the layer: Location %q", t.place(a.Response), location)
	}
	if err := mayGo(a.Request.URL, to); err != nil {
		return nil, fmt.Errorf("%s: %w", t.place(a.Response), err)
	}
	if to.RawQuery != "" {
		to.RawQuery += "&"
	}
	to.RawQuery += "digest=" + url.QueryEscape(digest)
	return to, nil
}

// mayGo refuses an address within a private network that another host names: a
// registry must not reach through us what only we can reach.
func mayGo(from, to *url.URL) error {
	if from.Hostname() == to.Hostname() {
		return nil
	}
	a, _ := netip.ParseAddr(to.Hostname()) // a name gives the zero address, which is neither
	if a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsUnspecified() {
		return fmt.Errorf("%w to the private address %s: a registry behind a proxy must know the name by which it is asked", errLeads, to.Host)
	}
	return nil
}

// transfer counts what is sent.
type transfer struct {
	mu          sync.Mutex
	done, total int64
	told        func(done, total int64)
}

func (t *transfer) add(done, total int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done, t.total = t.done+done, t.total+total
	if t.told != nil {
		t.told(t.done, t.total)
	}
}

// counting is the content of a blob, which counts what is read. Opened again, it
// counts from the beginning.
func (t *transfer) counting(b *blob) (*content, *counter) {
	c := &counter{transfer: t}
	return &content{"application/octet-stream", b.size, func() (io.ReadCloser, error) {
		c.reset()
		r, err := b.open()
		if err != nil {
			return nil, err
		}
		return &countedReader{ReadCloser: r, counter: c, turn: c.turn}, nil
	}}, c
}

// counter counts one blob. Only the reader that was opened last does.
type counter struct {
	transfer *transfer
	mu       sync.Mutex
	n        int64
	turn     int
}

func (c *counter) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.transfer.add(-c.n, 0)
	c.n = 0
	c.turn++
}

type countedReader struct {
	io.ReadCloser
	counter *counter
	turn    int
}

func (r *countedReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.counter.mu.Lock()
	defer r.counter.mu.Unlock()
	if r.turn == r.counter.turn {
		r.counter.n += int64(n)
		r.counter.transfer.add(int64(n), 0)
	}
	return n, err
}
