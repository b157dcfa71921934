package edge

import (
	"encoding/json"
	"fmt"
	"time"
)

// CloudflareOptions say what a Worker answers.
type CloudflareOptions struct {
	// Environment is the one that it answers for, Hostname where.
	Environment, Hostname string
	// Origin is where its bucket is read; empty if R2 is given.
	Origin Origin
	// R2 is the name of its bucket in Cloudflare R2.
	R2 string
	// Pointer is for how long the pointer need not be looked at again.
	Pointer time.Duration
}

// compatibilityDate is the day whose behaviour of Workers the adapter was
// tested with.
const compatibilityDate = "2026-04-01"

// workerConfig is what cloudflare/worker.js is given.
type workerConfig struct {
	Environment    string  `json:"environment"`
	PointerSeconds float64 `json:"pointerSeconds"`
	Origin         string  `json:"origin,omitempty"`
	Region         string  `json:"region,omitempty"`
}

// Cloudflare makes the bundle of a Worker: worker.js, and wrangler.json to
// deploy it with.
func Cloudflare(o CloudflareOptions) ([]File, error) {
	if (o.R2 == "") == (o.Origin.URL == "") {
		return nil, fmt.Errorf("a Worker reads a bucket of R2, or one behind a URL: want exactly one of the two")
	}
	config := workerConfig{o.Environment, o.Pointer.Seconds(), o.Origin.URL, o.Origin.Region}
	code, err := bundle("import { worker } from \"./cloudflare/worker.js\";\nexport default worker(" + script(config) + ");\n")
	if err != nil {
		return nil, err
	}
	wrangler := wranglerConfig{
		Name: "registry-" + o.Environment, Main: "worker.js", CompatibilityDate: compatibilityDate, NoBundle: true,
	}
	if o.Hostname != "" {
		wrangler.Routes = []wranglerRoute{{Pattern: o.Hostname, CustomDomain: true}}
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
	CustomDomain bool   `json:"custom_domain"`
}

type wranglerR2 struct {
	Binding    string `json:"binding"`
	BucketName string `json:"bucket_name"`
}
