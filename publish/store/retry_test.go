package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/publish/store/storetest"
	"github.com/regsnap/regsnap/publish/store/storetest/faultproxy"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
)

// hurry is how long an attempt may take where answers are late. A machine under
// load must keep to it, so nothing else has such a limit.
const hurry = time.Second

// soon are retries that follow each other quickly, of attempts that may take as
// long as they need.
var soon = store.RetryPolicy{Pause: 10 * time.Millisecond, MaxPause: 30 * time.Millisecond}

// soonIn is soon for a fault: only a late answer must not be waited for.
func soonIn(fault faultproxy.Fault) store.RetryPolicy {
	p := soon
	if fault == faultproxy.Late {
		p.Answer = hurry
	}
	return p
}

// unreliable is a store behind a proxy, and a bucket that is opened both ways.
type unreliable struct {
	proxy       *faultproxy.Proxy
	far, direct store.Store
}

// onBothClouds runs a test with S3 and with GCS.
func onBothClouds(t *testing.T, test func(t *testing.T, s *servers.Server)) {
	t.Run("s3", func(t *testing.T) { test(t, servers.StartS3(t)) })
	t.Run("gcs", func(t *testing.T) { test(t, servers.StartGCS(t)) })
}

// onBothAtOnce makes a bucket on S3 and on GCS for each fault, and runs a test on all
// of them side by side: what they do is wait.
func onBothAtOnce[T any](t *testing.T, cases map[string]T, open func(*servers.Server, T) unreliable, test func(*testing.T, unreliable, T)) {
	for _, s := range []*servers.Server{servers.StartS3(t), servers.StartGCS(t)} {
		for name, c := range cases {
			u := open(s, c) // here: it sets the environment
			t.Run(s.Kind()+"/"+name, func(t *testing.T) {
				t.Parallel()
				test(t, u, c)
			})
		}
	}
}

// byName are faults by their names.
func byName(faults ...faultproxy.Fault) map[string]faultproxy.Fault {
	out := map[string]faultproxy.Fault{}
	for _, f := range faults {
		out[string(f)] = f
	}
	return out
}

// newUnreliable opens a new bucket of a server, directly and through a proxy.
func newUnreliable(t *testing.T, s *servers.Server, o faultproxy.Options, p store.RetryPolicy) unreliable {
	t.Helper()
	o.Target, o.RewriteHost, o.Delay = s.Addr, s.Kind() == "gcs", hurry*3/2
	u := unreliable{proxy: faultproxy.Start(t, o)}
	name, via := s.NewBucket(t), s.Via(u.proxy.Addr)
	via.Setenv(t)
	u.far = openStore(t, via.URL(name), p)
	s.Setenv(t)
	u.direct = openStore(t, s.URL(name), store.RetryPolicy{})
	return u
}

func testObject(key string, body []byte) layout.Object {
	return layout.Object{Key: key, Body: body, ContentType: "application/json", CacheControl: "public, max-age=600"}
}

// TestOneFault makes every operation meet every fault once.
func TestOneFault(t *testing.T) {
	onBothAtOnce(t, byName(faultproxy.All...), func(s *servers.Server, fault faultproxy.Fault) unreliable {
		return newUnreliable(t, s, faultproxy.Options{}, soonIn(fault))
	}, oneFault)
}

func oneFault(t *testing.T, u unreliable, fault faultproxy.Fault) {
	ctx, far, direct := t.Context(), u.far, u.direct
	body := bytes.Repeat([]byte("0123456789"), 50_000)
	key, pointer := "responses/a.json", layout.PointerKey("production")
	next := func() { u.proxy.Next(faultproxy.Step{Fault: fault}) }

	next()
	if err := u.far.Put(ctx, testObject(key, body)); err != nil {
		t.Fatalf("put: %v", err)
	}
	next()
	if got, err := storetest.Read(ctx, u.far, key); err != nil || !bytes.Equal(got, body) {
		t.Errorf("read: %d bytes of %d, %v", len(got), len(body), err)
	}
	next()
	var listed []string
	for o, err := range u.far.List(ctx, "") {
		if err != nil {
			t.Fatalf("list: %v", err)
		}
		listed = append(listed, o.Key)
	}
	if len(listed) != 1 || listed[0] != key {
		t.Errorf("list: %q", listed)
	}
	next()
	if err := far.Swap(ctx, pointer, []byte("one"), ""); err != nil {
		t.Fatalf("first swap: %v", err)
	}
	next()
	_, token, err := far.Load(ctx, pointer)
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	next()
	if err := far.Swap(ctx, pointer, []byte("two"), token); err != nil {
		t.Fatalf("swap: %v", err)
	}
	u.proxy.Settle() // a late write is refused: it must not undo a later one
	if now, _, err := direct.Load(ctx, pointer); err != nil || string(now) != "two" {
		t.Errorf("the pointer says %q, %v", now, err)
	}
	next()
	if err := u.far.Delete(ctx, key); err != nil {
		t.Fatalf("delete: %v", err)
	}
	if got := u.proxy.Counts()[fault]; got != 7 {
		t.Errorf("%d faults were injected, want 7", got)
	}
}

// TestSwapLostToAnother: an attempt that failed is no claim to the pointer. If
// someone else moved it meanwhile, the next attempt must find that out.
func TestSwapLostToAnother(t *testing.T) {
	onBothClouds(t, func(t *testing.T, s *servers.Server) {
		for _, fault := range []faultproxy.Fault{faultproxy.ResetBefore, faultproxy.LostResponse, faultproxy.Status503} {
			t.Run(string(fault), func(t *testing.T) {
				u := newUnreliable(t, s, faultproxy.Options{}, soon)
				far, direct := u.far, u.direct
				key := layout.PointerKey("production")
				if err := direct.Swap(t.Context(), key, []byte("old"), ""); err != nil {
					t.Fatal(err)
				}
				_, token, err := far.Load(t.Context(), key)
				if err != nil {
					t.Fatal(err)
				}
				u.proxy.Next(faultproxy.Step{Fault: fault, Then: func() {
					_, now, err := direct.Load(t.Context(), key)
					if err == nil {
						err = direct.Swap(t.Context(), key, []byte("theirs"), now)
					}
					if err != nil {
						t.Error(err)
					}
				}})
				if err := far.Swap(t.Context(), key, []byte("ours"), token); !errors.Is(err, store.ErrConflict) {
					t.Errorf("swap gives %v, want ErrConflict", err)
				}
				if now, _, err := direct.Load(t.Context(), key); err != nil || string(now) != "theirs" {
					t.Errorf("the pointer says %q, %v", now, err)
				}
			})
		}
	})
}

// TestGivesUp: attempts are bounded, and the SDK makes none of its own.
func TestGivesUp(t *testing.T) {
	onBothAtOnce(t, byName(faultproxy.ResetBefore, faultproxy.Status500, faultproxy.Status429), func(s *servers.Server, fault faultproxy.Fault) unreliable {
		return newUnreliable(t, s, faultproxy.Options{Rate: 1, Faults: []faultproxy.Fault{fault}}, soonIn(fault))
	}, func(t *testing.T, u unreliable, _ faultproxy.Fault) {
		err := u.far.Put(t.Context(), testObject("responses/a.json", []byte("{}")))
		if err == nil {
			t.Fatal("the put succeeded")
		}
		if n := u.proxy.Requests(); n != 10 {
			t.Errorf("%d requests, want 10; %v", n, err)
		}
		t.Log(err)
		before := u.proxy.Requests()
		if _, err = storetest.Read(t.Context(), u.far, "responses/a.json"); err == nil {
			t.Error("the read succeeded")
		}
		if n := u.proxy.Requests() - before; n != 10 {
			t.Errorf("%d requests to read, want 10; %v", n, err)
		}
	})
}

// TestObeysRetryAfter: a store that says for how long it wants to be left alone
// is, but not for longer than is reasonable.
func TestObeysRetryAfter(t *testing.T) {
	type asked struct {
		fault       faultproxy.Fault
		header      string
		most, least time.Duration
	}
	cases := map[string]asked{}
	for _, fault := range []faultproxy.Fault{faultproxy.Status429, faultproxy.Status503} {
		cases[string(fault)+" after 1"] = asked{fault, "1", time.Hour, time.Second}
		cases[string(fault)+" after 3600"] = asked{fault, "3600", 300 * time.Millisecond, 300 * time.Millisecond}
	}
	onBothAtOnce(t, cases, func(s *servers.Server, c asked) unreliable {
		policy := soon
		policy.Asked = c.most
		return newUnreliable(t, s, faultproxy.Options{RetryAfter: c.header}, policy)
	}, func(t *testing.T, u unreliable, c asked) {
		var refused, again time.Time
		u.proxy.Next(
			faultproxy.Step{Fault: c.fault, Then: func() { refused = time.Now() }},
			faultproxy.Step{Fault: faultproxy.LostResponse, Then: func() { again = time.Now() }},
		)
		if err := u.far.Put(t.Context(), testObject("responses/a.json", []byte("{}"))); err != nil {
			t.Fatal(err)
		}
		if waited := again.Sub(refused); waited < c.least {
			t.Errorf("the next attempt came after %s", waited)
		}
	})
}

// TestCancelWhileWaiting: who ends the program need not wait for a pause, which
// here is longer than any test may run.
func TestCancelWhileWaiting(t *testing.T) {
	onBothClouds(t, func(t *testing.T, s *servers.Server) {
		u := newUnreliable(t, s, faultproxy.Options{Rate: 1, Faults: []faultproxy.Fault{faultproxy.Status503}}, store.RetryPolicy{Pause: 1000 * time.Hour, MaxPause: 1000 * time.Hour})
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		if err := u.far.Put(ctx, testObject("responses/a.json", []byte("{}"))); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

// TestForbiddenIsFinal: what will not be better next time is asked for once. The
// requests have no body: a server that refuses one before it has read its body may
// cut the connection, and a connection that is cut is worth another attempt.
func TestForbiddenIsFinal(t *testing.T) {
	s := servers.StartS3(t)
	t.Setenv("AWS_SECRET_ACCESS_KEY", "wrong")
	proxy := faultproxy.Start(t, faultproxy.Options{Target: s.Addr})
	b := openStore(t, s.Via(proxy.Addr).URL(s.NewBucket(t)), store.RetryPolicy{})
	requests := map[string]func() error{
		"read":   func() error { _, err := storetest.Read(t.Context(), b, "responses/a.json"); return err },
		"load":   func() error { _, _, err := b.Load(t.Context(), "channels/a.json"); return err },
		"delete": func() error { return b.Delete(t.Context(), "responses/a.json") },
	}
	for name, request := range requests {
		before := proxy.Requests()
		if err := request(); err == nil || !strings.Contains(err.Error(), "the secret key does not fit") {
			t.Errorf("%s with a wrong key: %v", name, err)
		}
		if n := proxy.Requests() - before; n != 1 {
			t.Errorf("%s: %d requests, want 1", name, n)
		}
	}
}

// TestReadResumes: a read that is cut over and over goes on where it was.
func TestReadResumes(t *testing.T) {
	onBothClouds(t, func(t *testing.T, s *servers.Server) {
		u := newUnreliable(t, s, faultproxy.Options{}, soon)
		body := make([]byte, 5<<20)
		rand.NewChaCha8([32]byte{7}).Read(body) // it never fails
		if err := u.direct.Put(t.Context(), testObject("packages/a.zip", body)); err != nil {
			t.Fatal(err)
		}
		for range 12 { // more than there are attempts without progress
			u.proxy.Next(faultproxy.Step{Fault: faultproxy.Truncated})
		}
		got, err := storetest.Read(t.Context(), u.far, "packages/a.zip")
		if err != nil || !bytes.Equal(got, body) {
			t.Errorf("%d bytes of %d, %v", len(got), len(body), err)
		}
		if n := u.proxy.Requests(); n != 13 {
			t.Errorf("%d requests, want 13", n)
		}
	})
}

// TestEncodedReadResumes is TestReadResumes with objects that are marked gzip:
// their bytes come as they are stored, all of them, wherever the read is cut.
func TestEncodedReadResumes(t *testing.T) {
	onBothClouds(t, func(t *testing.T, s *servers.Server) {
		u := newUnreliable(t, s, faultproxy.Options{}, soon)
		for _, size := range []int{3, 1175, 100_001} {
			body := make([]byte, size)
			rand.NewChaCha8([32]byte{8}).Read(body) // it never fails
			o := testObject(fmt.Sprintf("responses/%d.json.gz", size), body)
			o.ContentEncoding = "gzip"
			if err := u.direct.Put(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			for cuts := 1; cuts <= 4; cuts++ {
				for range cuts {
					u.proxy.Next(faultproxy.Step{Fault: faultproxy.Truncated})
				}
				if got, err := storetest.Read(t.Context(), u.far, o.Key); err != nil || !bytes.Equal(got, body) {
					t.Errorf("%d bytes of %d after %d cuts, %v", len(got), size, cuts, err)
				}
			}
		}
	})
}

// TestTruncatedPointer: a pointer that is moved while it is read is not gone.
func TestTruncatedPointer(t *testing.T) {
	onBothClouds(t, func(t *testing.T, s *servers.Server) {
		u := newUnreliable(t, s, faultproxy.Options{}, soon)
		far, direct := u.far, u.direct
		key := layout.PointerKey("production")
		if err := direct.Swap(t.Context(), key, []byte("old"), ""); err != nil {
			t.Fatal(err)
		}
		_, token, err := direct.Load(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		u.proxy.Next(faultproxy.Step{Fault: faultproxy.Truncated, Then: func() {
			if err := direct.Swap(t.Context(), key, []byte("new"), token); err != nil {
				t.Error(err)
			}
		}})
		if got, _, err := far.Load(t.Context(), key); err != nil || string(got) != "new" {
			t.Errorf("read %q, %v", got, err)
		}
	})
}

// TestNoBucket: that there is no bucket is not the same as an empty one.
func TestNoBucket(t *testing.T) {
	s := servers.StartS3(t)
	b := openStore(t, s.URL("regsnap-no-such-bucket"), store.RetryPolicy{})
	_, _, err := b.Load(t.Context(), layout.PointerKey("production"))
	if err == nil || !strings.Contains(err.Error(), "there is no bucket of this name") {
		t.Errorf("a missing bucket gives %v", err)
	}
}

// TestAnonymous: an anonymous reader of S3 is told 403 for what is not there.
func TestAnonymous(t *testing.T) {
	s := servers.StartS3(t)
	b := openStore(t, s.URL(s.NewBucket(t))+"&anonymous=true", store.RetryPolicy{})
	if _, err := storetest.Read(t.Context(), b, "responses/a.json"); err == nil {
		t.Error("an anonymous read of nothing succeeded")
	} else if got := fmt.Sprint(http.StatusForbidden); bytes.Contains([]byte(err.Error()), []byte(got)) {
		t.Error(err)
	}
}
