package image_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	"github.com/regsnap/regsnap/publish/image"
)

type rule = func(*front, http.ResponseWriter, *http.Request) bool

// once answers the first request of a step.
func once(step string, answer rule) rule {
	return func(f *front, w http.ResponseWriter, r *http.Request) bool {
		return f.first(r, step, 1) && answer(f, w, r)
	}
}

// always answers every request of a step.
func always(step string, answer rule) rule {
	return func(f *front, w http.ResponseWriter, r *http.Request) bool {
		return stepOf(r) == step && answer(f, w, r)
	}
}

// says refuses as the specification has it.
func says(status int, code, message string) rule {
	return func(_ *front, w http.ResponseWriter, _ *http.Request) bool { return refuse(w, status, code, message) }
}

// expired is what a registry says of a token whose time is over; late has it read the
// request first.
func expired(f *front, w http.ResponseWriter, _ *http.Request) bool { return f.unauthorized(w) }

func late(f *front, w http.ResponseWriter, r *http.Request) bool {
	_, _ = io.Copy(io.Discard, r.Body) // what is cut short is refused too
	return f.unauthorized(w)
}

// page is what a proxy says in place of the registry.
func page(status int) rule {
	return func(_ *front, w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		fmt.Fprint(w, "<html><h1>signed by nginx</h1></html>")
		return true
	}
}

// later is a limit of requests.
func later(seconds string) rule {
	return func(_ *front, w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Retry-After", seconds)
		return refuse(w, http.StatusTooManyRequests, "TOOMANYREQUESTS", "slow down")
	}
}

// cut closes the connection in the middle of a request.
func cut(_ *front, _ http.ResponseWriter, r *http.Request) bool {
	_, _ = io.CopyN(io.Discard, r.Body, 100) // however much there is
	panic(http.ErrAbortHandler)
}

// immutable keeps every tag that there is where it is, even if what is sent is the same.
func immutable(answer rule) rule {
	return always(putTag, func(f *front, w http.ResponseWriter, r *http.Request) bool {
		have := httptest.NewRecorder()
		f.registry.ServeHTTP(have, httptest.NewRequest(http.MethodGet, r.URL.Path, nil))
		return have.Code == http.StatusOK && answer(f, w, r)
	})
}

// location rewrites where a layer is to be sent to.
func location(to func(f *front, path string) string) func(*front, *http.Request, http.Header) {
	return func(f *front, r *http.Request, h http.Header) {
		if stepOf(r) == begin {
			h.Set("Location", to(f, h.Get("Location")))
		}
	}
}

// digestAt removes or changes the digest that the registry tells at a step.
func digestAt(step, is string) func(*front, *http.Request, http.Header) {
	return func(_ *front, r *http.Request, h http.Header) {
		switch {
		case step != "" && stepOf(r) != step:
		case is == "":
			h.Del("Docker-Content-Digest")
		default:
			h.Set("Docker-Content-Digest", is)
		}
	}
}

// elsewhere is a host of its own for layers, which is to see no login.
func elsewhere(f *front, path string) string {
	storage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a := r.Header.Get("Authorization"); a != "" {
			f.mu.Lock()
			f.seen = append(f.seen, "login at another host")
			f.mu.Unlock()
		}
		f.registry.ServeHTTP(w, r)
	}))
	context.AfterFunc(f.ctx, storage.Close)
	return strings.Replace(storage.URL, "127.0.0.1", "localhost", 1) + path
}

// dial leads a name of the field to the front.
func dial(f *front) *http.Transport {
	return &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, f.Listener.Addr().String())
	}}
}

// overTLS puts a certificate that nobody knows before the front.
func overTLS(f *front) http.RoundTripper {
	s := httptest.NewUnstartedServer(httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: f.Listener.Addr().String()}))
	s.Config.ErrorLog = silent
	s.StartTLS()
	context.AfterFunc(f.ctx, s.Close)
	return &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, s.Listener.Addr().String())
	}}
}

var (
	both = []string{"ID", "production"}
	mine = func(o *image.Options) { o.Tags = []string{"mine"} }
	kept = func(o *image.Options) { o.NoEnvironmentTag = true }
)

func registryRows() []registryRow {
	rows := []registryRow{
		// Who asks.
		{name: "no login", tags: both},
		{name: "tokens", login: true, tags: both},
		{name: "no login is known", login: true, known: "-", fails: []string{"no login for HOST is known here", "docker login HOST", "DOCKER_CONFIG"}},
		{name: "a wrong password", login: true, known: "babbage-1791", fails: []string{"HOST refuses the login", "docker login HOST", "GET HOST/token: 401"}},
		{name: "401 whatever the token", login: true, before: always(begin, expired), fails: []string{"HOST refuses the login", "docker login HOST", "POST HOST/v2/packages/registry/blobs/uploads/: 401"}},
		{name: "403", login: true, before: always(begin, says(403, "DENIED", "requested access to the resource is denied")),
			fails: []string{"HOST does not let this login push to packages/registry", "requested access to the resource is denied"}},
		{name: "tokens fail once at first", login: true, before: once(token, page(503)), tags: both, more: 2}, // ping, token
		{name: "tokens fail for ever", login: true, before: always(token, page(503)), fails: []string{"gave up after 3 attempts", "GET HOST/token: 503"}},
		{name: "no new token at a layer", login: true, before: func(f *front, w http.ResponseWriter, r *http.Request) bool {
			return f.first(r, putBlob, 1) && f.unauthorized(w) || !f.first(r, token, 1) && f.first(r, token, 2) && page(503)(f, w, r)
		}, tags: both, more: 4}, // token, HEAD, POST, PUT
		{name: "tokens of three requests", login: true, before: func(f *front, w http.ResponseWriter, r *http.Request) bool {
			// Others may use up the new token before a request that was refused is made
			// again: the same is not refused twice, and none that looks like others (POST).
			request := r.Method + " " + r.URL.Path
			f.mu.Lock()
			over := stepOf(r) != token && r.Method != http.MethodPost && f.uses[r.Header.Get("Authorization")] >= 3 && f.uses[request] == 0
			f.uses[r.Header.Get("Authorization")]++
			if f.uses[request] = 0; over {
				f.uses[request] = 1
			}
			f.mu.Unlock()
			return over && late(f, w, r)
		}, tags: both, unsure: true},
		// What has no time, or breaks.
		{name: "429, wait", before: once(putBlob, later("7")), tags: both, more: 3, waits: 7 * time.Second},
		{name: "429, wait for an hour", before: once(putTag, later("3600")), tags: both, more: 1, waits: time.Minute},
		{name: "429 for ever", before: always(putBlob, later("")), fails: []string{"HOST takes no more requests for now", "run again later", "slow down"}},
		{name: "a layer is too large", before: always(putBlob, page(413)), fails: []string{"larger than HOST", "client_max_body_size"}},
		{name: "connection closed within a layer", before: once(putBlob, cut), tags: both, more: 3},
		{name: "connection closed within every layer", before: always(putBlob, cut), fails: []string{"gave up after 3 attempts", "HOST/v2/packages/registry/blobs/uploads/"}},
		{name: "connection closed at the tag", before: once(putTag, cut), tags: both, more: 1},
		{name: "the upload was forgotten", before: once(putBlob, says(404, "BLOB_UPLOAD_UNKNOWN", "")), tags: both, more: 3},
		{name: "a layer was damaged on the way", before: once(putBlob, says(400, "DIGEST_INVALID", "")), tags: both, more: 3},
		{name: "a layer is not seen at once", before: once(putImage, says(404, "MANIFEST_BLOB_UNKNOWN", "")), tags: both, more: 1},
		// Where layers go.
		{name: "an absolute location", after: location(func(f *front, path string) string { return f.URL + path }), tags: both},
		{name: "a relative location", after: location(func(_ *front, path string) string { return path[strings.LastIndexByte(path, '/')+1:] }), tags: both},
		{name: "a signed location", after: location(func(_ *front, path string) string { return path + "?_state=signed%2Bby;you&x" }), tags: both,
			before: always(putBlob, func(_ *front, w http.ResponseWriter, r *http.Request) bool {
				return !strings.HasPrefix(r.URL.RawQuery, "_state=signed%2Bby;you&x&digest=sha256") && refuse(w, 400, "SIGNATURE", r.URL.RawQuery)
			})},
		{name: "a signed location that is refused", after: location(func(_ *front, path string) string { return path + "?_state=signed" }),
			before: always(putBlob, cut), fails: []string{"gave up"}},
		{name: "another host", login: true, after: location(elsewhere), tags: both, unsure: true},
		{name: "another host, in a private network", after: location(func(_ *front, path string) string { return "http://10.1.2.3" + path }), fails: []string{"leads to the private address 10.1.2.3"}},
		{name: "no location", after: location(func(*front, string) string { return "" }), fails: []string{"POST HOST/v2/packages/registry/blobs/uploads/", "does not say where to send the layer"}},
		{name: "takes no PATCH", before: always(patchBlob, page(405)), tags: both},
		{name: "wants chunks of a size", after: func(_ *front, _ *http.Request, h http.Header) { h.Set("OCI-Chunk-Min-Length", "1000000") }, tags: both},
		{name: "takes no whole layer", before: always(putBlob, says(405, "UNSUPPORTED", "PATCH it")), fails: []string{"does not take a layer in one request", "skopeo copy", "PUT HOST", "405", "PATCH it"}},
		// What the registry says that it has.
		{name: "HEAD of a layer is 405", before: always(hasBlob, page(405)), tags: both},
		{name: "HEAD of a layer is 403", before: always(hasBlob, page(403)), tags: both},
		{name: "HEAD of a layer leads to storage that refuses it", before: always(hasBlob, func(_ *front, w http.ResponseWriter, r *http.Request) bool {
			if strings.Contains(r.URL.Path, "/storage/") {
				return refuse(w, 403, "SignatureDoesNotMatch", "")
			}
			http.Redirect(w, r, "/v2/storage/blobs/x?signed", http.StatusTemporaryRedirect)
			return true
		}), tags: both, unsure: true},
		{name: "HEAD of a manifest is 403", before: always(hasTag, page(403)), tags: both},
		{name: "no lengths", after: func(_ *front, _ *http.Request, h http.Header) { h.Del("Content-Length") }, tags: both},
		{name: "no digests", after: digestAt("", ""), tags: both},
		{name: "another digest of a layer", after: digestAt(putBlob, "sha256:0"), fails: []string{"PUT HOST", "says that it holds sha256:0"}},
		{name: "another digest of a manifest", after: digestAt(putImage, "sha256:0"), fails: []string{"PUT HOST", "stores something else"}},
		{name: "another digest of a tag that is there", there: both, after: digestAt(hasTag, "sha256:0"), tags: both, unsure: true},
		{name: "no such repository", before: always(begin, says(404, "NAME_UNKNOWN", "no repository with that name")), fails: []string{"HOST has no repository packages/registry", "make it there first"}},
		{name: "no image index", before: always(putTag, says(400, "MANIFEST_INVALID", "unknown media type")), fails: []string{"--tarball", "unknown media type"}},
		{name: "no image index, by media type", before: always(putTag, page(415)), fails: []string{"--tarball", "415"}},
		{name: "no index, and a proxy says so", before: always(putTag, page(400)), fails: []string{"--tarball", "400"}},
		// Tags that stay, or must have a form.
		{name: "tags of another form", before: always(putTag, says(400, "TAG_INVALID", "want vN.N.N")), fails: []string{"HOST does not take a tag of that name", "--tag", "--no-env-tag", "want vN.N.N"}},
		{name: "immutable tags", before: immutable(says(400, "TAG_INVALID", "immutable")), tags: both},
		{name: "immutable tags, and no tag that moves", change: kept, there: []string{"production"}, before: immutable(says(400, "TAG_INVALID", "immutable")), tags: []string{"ID"}, unsure: true},
		{name: "immutable tags, and this one is another's", there: []string{"ID"}, before: immutable(says(400, "TAG_INVALID", "immutable")),
			fails: []string{":ID: ", "keeps this tag at sha256:", "keep that one", "--tag"}},
		{name: "a tag of one's own", there: both, change: mine, tags: []string{"mine", "production"}, unsure: true},
		// Where it is.
		{name: "a certificate that nobody knows", host: "hub.example", via: overTLS, fails: []string{"certificate of hub.example", "SSL_CERT_FILE"}},
		{name: "no TLS", host: "hub.example", via: func(f *front) http.RoundTripper { t := dial(f); t.TLSClientConfig = &tls.Config{}; return t }, fails: []string{"hub.example does not speak TLS"}},
		{name: "no such host", host: "hub.example", via: func(*front) http.RoundTripper {
			return &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.DNSError{Name: "hub.example", Err: "no such host", IsNotFound: true}
			}}
		}, fails: []string{"no host hub.example"}},
		{name: "nobody listens", host: "127.0.0.1:1", fails: []string{"gave up after 3 attempts", "127.0.0.1:1"}},
	}
	// A token may expire at every step, and every step may fail once.
	again := map[string]int{ping: 1, hasTag: 1, hasImage: 1, hasBlob: 1, begin: 2, putBlob: 3, putImage: 1, putTag: 1}
	for _, step := range []string{hasTag, hasImage, hasBlob, begin, putBlob, putImage, putTag} {
		rows = append(rows,
			registryRow{name: "a token expires at " + step, login: true, before: once(step, expired), tags: both, more: 2},
			registryRow{name: "a token expires while " + step + " is read", login: true, before: once(step, late), tags: both, more: 2})
	}
	for step := range again {
		rows = append(rows, registryRow{name: "503 for ever at " + step, before: always(step, page(503)), fails: []string{"gave up after 3 attempts", "503"}})
	}
	for step, more := range again {
		rows = append(rows, registryRow{name: "503 once at " + step, before: once(step, page(503)), tags: both, more: more})
	}
	// How registries say that a tag stays: ECR, Harbor, Artifact Registry, ACR, GitLab, a proxy.
	for name, answer := range map[string]rule{
		"400": says(400, "TAG_INVALID", "The image tag already exists and cannot be overwritten"), "412": says(412, "PRECONDITION", "configured as immutable"),
		"409": says(409, "MANIFEST_INVALID", "cannot update tag"), "405": says(405, "UNSUPPORTED", "locked"), "403": says(403, "DENIED", "protected tag"), "page": page(409),
	} {
		rows = append(rows, registryRow{name: "immutable tags, and the environment's is another's: " + name, there: []string{"production"}, before: immutable(answer), tags: []string{"ID"},
			fails: []string{":production: ", "keeps this tag at sha256:", "--no-env-tag", "the image is there as HOST/packages/registry:ID"}})
	}
	return rows
}
