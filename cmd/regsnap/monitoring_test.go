package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/serve"
)

var metricName = regexp.MustCompile(`\bregsnap_[a-z_]+`)

// TestMonitoring holds the table of docs/monitoring.md, the alert rules and the
// dashboard to what a server that has answered a request really exposes.
func TestMonitoring(t *testing.T) {
	exposed, labels := exposedMetrics(t)
	read := func(name string) string {
		text, err := os.ReadFile("../../docs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	manual, rules, dashboard := read("monitoring.md"), read("monitoring/alerts.yml"), read("monitoring/dashboard.json")

	var listed []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(regsnap_[a-z_]+)` \\|([^|]*)\\|").FindAllStringSubmatch(manual, -1) {
		listed = append(listed, row[1])
		var said []string
		for _, l := range regexp.MustCompile("`([a-z]+)`").FindAllStringSubmatch(row[2], -1) {
			said = append(said, l[1])
		}
		if have, used := labels[row[1]]; used && !slices.Equal(said, have) {
			t.Errorf("docs/monitoring.md gives %s the labels %q, it has %q", row[1], said, have)
		}
	}
	slices.Sort(listed)
	if !slices.Equal(listed, exposed) {
		t.Errorf("docs/monitoring.md lists\n%q, a server has\n%q", listed, exposed)
	}
	for where, text := range map[string]string{"alerts.yml": rules, "dashboard.json": dashboard} {
		used := metricsIn(text)
		for _, name := range used {
			if !slices.Contains(exposed, name) {
				t.Errorf("%s uses %s, which no server has", where, name)
			}
		}
		if where == "dashboard.json" && !slices.Equal(used, exposed) {
			t.Errorf("the dashboard shows %q of %q", used, exposed)
		}
	}
	checkAlerts(t, rules, manual)
	var board struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal([]byte(dashboard), &board); err != nil || len(board.Panels) == 0 || len(board.Panels[0].Targets) == 0 {
		t.Errorf("dashboard.json: %d panels: %v", len(board.Panels), err)
	}
}

// checkAlerts holds the rules to the table that says what to do about each.
func checkAlerts(t *testing.T, rules, manual string) {
	t.Helper()
	var list struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	if err := yaml.Unmarshal([]byte(rules), &list); err != nil || len(list.Groups) != 1 {
		t.Fatalf("alerts.yml: %v", err)
	}
	for _, r := range list.Groups[0].Rules {
		if r.Expr == "" || !strings.Contains(manual, "| `"+r.Alert+"` |") {
			t.Errorf("docs/monitoring.md does not say what to do about %s", r.Alert)
		}
	}
	if rows := strings.Count(manual, "\n| `Regsnap"); rows != len(list.Groups[0].Rules) {
		t.Errorf("docs/monitoring.md explains %d alerts, there are %d", rows, len(list.Groups[0].Rules))
	}
}

// metricsIn are the metrics that a text names. Those of a histogram end in
// something that its name does not.
func metricsIn(text string) []string {
	found := metricName.FindAllString(text, -1)
	for i, name := range found {
		found[i] = strings.TrimSuffix(name, "_bucket")
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// exposedMetrics asks a server for its metrics: their names and, of those that
// have counted something, their labels.
func exposedMetrics(t *testing.T) (names []string, labels map[string][]string) {
	t.Helper()
	bucket := "file://" + t.TempDir()
	var out strings.Builder
	if code := run(t.Context(), []string{"regsnap", "build", "--quiet", "--config", "../../testdata/regsnap.yml", "--source", "dir:../../testdata/storage", "--bucket", bucket, "--env", "production", "--publish"}, &out, &out); code != 0 {
		t.Fatal(out.String())
	}
	b, err := publish.Open(t.Context(), bucket)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	registry := prometheus.NewRegistry()
	h, err := serve.New(t.Context(), serve.Options{Bucket: b, Default: "production", Environments: []serve.Environment{{Name: "production"}}, Metrics: registry})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/search", nil))
	page := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(page, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	text, err := io.ReadAll(page.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	labels = map[string][]string{}
	for line := range strings.Lines(string(text)) {
		if m := regexp.MustCompile(`^(regsnap_[a-z_]+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? `).FindStringSubmatch(line); m != nil {
			var of []string
			for _, l := range regexp.MustCompile(`([a-z]+)="`).FindAllStringSubmatch(m[2], -1) {
				if l[1] != "le" {
					of = append(of, l[1])
				}
			}
			labels[m[1]] = of
		}
	}
	return describedMetrics(registry), labels
}

// describedMetrics are all metrics of a registry, those included that have not
// counted anything yet: registering one again says so.
func describedMetrics(registry *prometheus.Registry) []string {
	ch := make(chan *prometheus.Desc)
	go func() {
		registry.Describe(ch)
		close(ch)
	}()
	var names []string
	for d := range ch {
		if m := regexp.MustCompile(`fqName: "([a-z_]+)"`).FindStringSubmatch(d.String()); m != nil {
			names = append(names, m[1])
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
