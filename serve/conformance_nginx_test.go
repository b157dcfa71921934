//go:build conformance

package serve_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/serve"
)

// TestConformanceNginx is TestConformance through nginx with the configuration
// of docs/nginx: once while its cache fills, and once out of the cache.
func TestConformanceNginx(t *testing.T) {
	folder := indextest.RealFolder(t)
	server := run(t, serve.ServerOptions{Handler: realHandler(t, folder, build.DefaultBudget), Listen: "127.0.0.1:0"})
	address := behindNginx(t, server.api.String())
	for _, round := range []string{"MISS", "HIT"} {
		t.Run(round, func(t *testing.T) {
			counted := &cacheStates{states: map[string]int{}}
			compareRecordings(t, folder, address, &http.Client{Transport: counted})
			t.Logf("by what the cache did: %v", counted.states)
			for state, n := range counted.states {
				// Errors and redirects are asked for each time, documents after
				// ten seconds; a few paths are recorded twice.
				if state != round && n > counted.states[round] {
					t.Errorf("%d answers are %s, %d are %s", n, state, counted.states[round], round)
				}
			}
		})
	}
	server.stop()
	if err := <-server.ended; err != nil {
		t.Error(err)
	}
}

// cacheStates counts what nginx says its cache did.
type cacheStates struct {
	mu     sync.Mutex
	states map[string]int
}

func (c *cacheStates) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		c.mu.Lock()
		c.states[resp.Header.Get("X-Cache")]++
		c.mu.Unlock()
	}
	return resp, err
}
