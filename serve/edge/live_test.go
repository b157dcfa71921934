package edge_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/serve/edge"
	"github.com/regsnap/regsnap/serve/edge/edgetest"
)

const liveTarget = "/catalog/" + layout.LivePath

// moved is a pointer with random moves to a snapshot, and the entries of its log: some
// are missing, some are of other moves, and prunes took generations in between.
func moved(r *rand.Rand, snapshot string) (layout.Pointer, []layout.Audit) {
	text := func() string {
		parts := []string{"", "a", "Ä", "😀", "<script>ran=1</script>", `"`, `\`, "\n", "\t", "\x01", "\x7f", "\u2028", "\u2029", "\ufffd", "&amp;", "\U0010ffff"}
		var b strings.Builder
		for range r.IntN(6) {
			b.WriteString(parts[r.IntN(len(parts))])
		}
		return b.String()
	}
	at := func() time.Time { return time.Unix(1.7e9+r.Int64N(1e8), r.Int64N(2)*r.Int64N(1e9)).UTC() }
	names := func(n int) (out []string) {
		for range r.IntN(n + 1) {
			out = append(out, fmt.Sprintf("web_server-1.%d.0", r.IntN(99)))
		}
		return out
	}
	p := layout.Pointer{Format: layout.PointerFormat, Environment: vectorsEnv, Snapshot: snapshot}
	var log []layout.Audit
	for range r.IntN(2 * layout.MaxMoves) {
		m := layout.Move{Snapshot: snapshot, Kind: []layout.MoveKind{layout.MovePublish, layout.MoveRollback, layout.MovePin, layout.MoveUnpin}[r.IntN(4)], At: at(), By: text(), Reason: text()}
		m.Pin = m.Kind == layout.MoveRollback && r.IntN(2) == 0
		p = p.After(vectorsEnv, m)
		a := layout.Audit{Format: layout.AuditFormat, Environment: vectorsEnv, Generation: p.Generation, Move: m, More: r.IntN(2) * r.IntN(9)}
		a.Added, a.Removed, a.Changed = names(40), names(30), names(30)
		for i := range r.IntN(3) * r.IntN(6) {
			a.Branches = append(a.Branches, layout.AuditBranch{Name: fmt.Sprint("b", i), Commit: []string{"", "0123456789abcdef0123456789abcdef01234567"}[r.IntN(2)]})
		}
		switch r.IntN(6) {
		case 0: // its writer died, or the edge may not read it
			continue
		case 1:
			a.Reason += "of another move"
		case 2:
			a.Kind = layout.MoveRecover
		case 3:
			a.Before = "20200101T000000Z-0123456789ab"
		case 4:
			p.Generation += r.Int64N(3)
		}
		log = append(log, a)
	}
	return p, log
}

// saidOf is what an edge has to say of a pointer, by the words of docs/catalog.md: the
// last twenty moves, each with what the log's ten newest generations say of it, twenty
// package versions at most.
func saidOf(p layout.Pointer, log []layout.Audit) map[string]any {
	plain := func(v any) map[string]any {
		var out map[string]any
		data, _ := json.Marshal(v) // plain structs
		_ = json.Unmarshal(data, &out)
		return out
	}
	out := map[string]any{"format": 1.0, "environment": p.Environment, "snapshot": p.Snapshot}
	if p.Pinned != nil {
		out["pinned"] = plain(p.Pinned)
	}
	var moves []any
	for _, m := range p.Moves[:min(20, len(p.Moves))] {
		move := plain(m)
		i := slices.IndexFunc(log, func(a layout.Audit) bool {
			same := a.Move
			if same.Kind == layout.MoveRecover {
				same.Kind = m.Kind
			}
			return a.Generation > p.Generation-10 && same == m
		})
		if i >= 0 {
			a, shown := log[i], 0
			if a.Before != "" {
				move["before"] = a.Before
			}
			for _, b := range a.Branches[:min(10, len(a.Branches))] {
				list, _ := move["branches"].([]any)
				move["branches"] = append(list, plain(b))
			}
			for _, l := range []struct {
				name string
				list []string
			}{{"added", a.Added}, {"removed", a.Removed}, {"changed", a.Changed}} {
				var list []any
				for _, n := range l.list {
					if shown++; shown <= 20 {
						list = append(list, n)
					}
				}
				if list != nil {
					move[l.name] = list
				}
			}
			if more := a.More + max(0, shown-20); more > 0 {
				move["more"] = float64(more)
			}
		}
		moves = append(moves, move)
	}
	if moves != nil {
		out["moves"] = moves
	}
	return out
}

// TestLive: all edges that follow a pointer say the same of it and of its log, and they
// say what both have.
func TestLive(t *testing.T) {
	bucket, dir := demo(t)
	pointer, err := bucket.Pointer(t.Context(), vectorsEnv)
	if err != nil {
		t.Fatal(err)
	}
	origin := edgetest.ServeFolder(t, dir)
	worker := edgetest.StartWorkerd(t, edgetest.Worker{CloudflareOptions: edge.CloudflareOptions{Environment: vectorsEnv, Origin: origin}}).Client(vectorsEnv)
	put := func(o layout.Object) {
		file := filepath.Join(dir, filepath.FromSlash(o.Key))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, o.Body, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	r := rand.New(rand.NewPCG(18, 1))
	for range 30 {
		if err := os.RemoveAll(filepath.Join(dir, "audit")); err != nil {
			t.Fatal(err)
		}
		p, log := moved(r, pointer.Snapshot)
		put(layout.Object{Key: layout.PointerKey(vectorsEnv), Body: p.Encode()})
		for _, a := range log {
			put(layout.AuditObject(a))
		}
		own, err := edgetest.NewRecorder(t.Context(), bucket, vectorsEnv)
		if err != nil {
			t.Fatal(err)
		}
		var cases []edgetest.Case
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			c, err := own.Complete(edgetest.Case{Method: method, Target: liveTarget})
			if err != nil {
				t.Fatal(err)
			}
			cases = append(cases, c)
		}
		client := edgetest.Client{Addr: own.Addr(), Host: "snapshot.registry.example"}
		reply, err := client.Do(cases[0])
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(reply.Body, &got); err != nil || !reflect.DeepEqual(got, saidOf(p, log)) {
			t.Fatalf("%v: %s\nwant %v", err, reply.Body, saidOf(p, log))
		}
		if cache := reply.Header.Values("Cache-Control"); strings.Join(cache, ", ") != "max-age=0, private, no-store" || len(reply.Body) > 64<<10 {
			t.Errorf("Cache-Control %q, %d bytes", cache, len(reply.Body))
		}
		_ = client.Close()
		own.Close()
		passes(t, worker, vectorsEnv, cases)
		if t.Failed() {
			return
		}
	}
	own, err := edgetest.NewRecorder(t.Context(), bucket, vectorsEnv)
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	c, err := own.Complete(edgetest.Case{Method: http.MethodGet, Target: liveTarget})
	if err != nil {
		t.Fatal(err)
	}
	behindCloudFront(t, edge.CloudFrontOptions{Environment: vectorsEnv, Origin: origin}, []edgetest.Case{c})
}

// TestLiveUnknown: an edge that follows no pointer says so, and says no more.
func TestLiveUnknown(t *testing.T) {
	_, dir := demo(t)
	vector := edgetest.Case{Method: http.MethodGet, Target: liveTarget}
	body := []byte(`{"format":1,"environment":"snapshot"}` + "\n")
	vector.Want = edgetest.Want{Status: http.StatusOK, Length: len(body), SHA256: fmt.Sprintf("%x", sha256.Sum256(body)), Headers: map[string]string{
		"access-control-allow-origin": "*", "cache-control": "max-age=0, private, no-store", "content-type": "application/json",
		"etag": `"` + string(layout.DigestOf(body)) + `"`, "vary": "Accept-Encoding",
	}}
	file := filepath.Join(t.TempDir(), "vectors.jsonl")
	if err := os.WriteFile(file, edgetest.Encode([]edgetest.Case{vector}), 0o666); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", node(t, "test/vectors.js", file, dir, vectorsEnv))
}
