package edge

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// CloudflareOptions say what a Worker answers.
type CloudflareOptions struct {
	// Environment is the one that it answers for, Hostname where.
	Environment, Hostname string
	// Previews are the host names of previews; empty for none. Environments are those
	// that no preview may stand for.
	Previews     string
	Environments []string
	// Origin is where its bucket is read; empty if R2 is given.
	Origin Origin
	// R2 is the name of its bucket in Cloudflare R2.
	R2 string
	// Pointer is for how long the pointer need not be looked at again.
	Pointer time.Duration
	// Fallback is the URL of a server of the same environment, for long searches
	// that were not rendered ahead; empty for none.
	Fallback string
	// FallbackFrom is how many entries these have at least; 0 is as many as are
	// sure to fit the limits of the platform's free plan.
	FallbackFrom int
}

// freeEntries is how many entries of a search are put together within 10 ms of
// processor time, also by code that runs for the first time; see
// docs/performance.md.
const freeEntries = 1000

// compatibilityDate is the day whose behaviour of Workers the adapter was
// tested with.
const compatibilityDate = "2026-04-01"

// workerConfig is what cloudflare/worker.js is given.
type workerConfig struct {
	Environment    string  `json:"environment"`
	PointerSeconds float64 `json:"pointerSeconds"`
	Origin         string  `json:"origin,omitempty"`
	Region         string  `json:"region,omitempty"`
	Fallback       string  `json:"fallback,omitempty"`
	FallbackFrom   int     `json:"fallbackFrom,omitempty"`
	previewConfig
}

// Cloudflare makes the bundle of a Worker: worker.js, and wrangler.json to
// deploy it with.
func Cloudflare(o CloudflareOptions) ([]File, error) {
	if (o.R2 == "") == (o.Origin.URL == "") {
		return nil, fmt.Errorf("a Worker reads a bucket of R2, or one behind a URL: want exactly one of the two")
	}
	config := workerConfig{Environment: o.Environment, PointerSeconds: o.Pointer.Seconds(), Origin: o.Origin.URL, Region: o.Origin.Region, previewConfig: newPreviewConfig(o.Previews, o.Environments)}
	if o.Fallback != "" {
		config.Fallback, config.FallbackFrom = o.Fallback, cmp.Or(o.FallbackFrom, freeEntries)
	}
	code := configured("cloudflare", config)
	wrangler := wranglerConfig{
		Name: "registry-" + o.Environment, Main: "worker.js", CompatibilityDate: compatibilityDate, NoBundle: true,
	}
	if o.Hostname != "" {
		wrangler.Routes = []wranglerRoute{{Pattern: o.Hostname, CustomDomain: true}}
	}
	if o.Previews != "" {
		wrangler.Routes = append(wrangler.Routes, wranglerRoute{Pattern: o.Previews + "/*", Zone: zone(o.Previews)})
	}
	if o.R2 != "" {
		wrangler.R2Buckets = []wranglerR2{{Binding: "BUCKET", BucketName: o.R2}}
	}
	text, err := json.MarshalIndent(wrangler, "", "  ")
	return []File{{"worker.js", code}, {"wrangler.json", append(text, '\n')}}, err
}

// wranglerConfig is what Cloudflare's deploy tool wants to know.
type wranglerConfig struct {
	Name              string          `json:"name"`
	Main              string          `json:"main"`
	CompatibilityDate string          `json:"compatibility_date"`
	NoBundle          bool            `json:"no_bundle"`
	Routes            []wranglerRoute `json:"routes,omitempty"`
	R2Buckets         []wranglerR2    `json:"r2_buckets,omitempty"`
}

type wranglerRoute struct {
	Pattern      string `json:"pattern"`
	CustomDomain bool   `json:"custom_domain,omitempty"`
	Zone         string `json:"zone_name,omitempty"`
}

// zone is the domain that the host names of previews are of, by Cloudflare's account: the
// last two labels. Where it is another one, wrangler.json has to be changed.
func zone(hosts string) string {
	labels := strings.Split(hosts, ".")
	return strings.Join(labels[max(0, len(labels)-2):], ".")
}

// previewConfig is what edges have to know of previews.
type previewConfig struct {
	Previews     string   `json:"previews,omitempty"`
	Environments []string `json:"environments,omitempty"`
}

func newPreviewConfig(hosts string, environments []string) previewConfig {
	if hosts == "" {
		return previewConfig{}
	}
	return previewConfig{hosts, slices.Sorted(slices.Values(environments))}
}

type wranglerR2 struct {
	Binding    string `json:"binding"`
	BucketName string `json:"bucket_name"`
}
