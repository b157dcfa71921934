package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/lint"
	"github.com/regsnap/regsnap/layout"
)

// config is regsnap.yml. docs/configuration.md documents every key.
type config struct {
	Bucket       string                 `yaml:"bucket"`
	Source       string                 `yaml:"source"`
	Environments map[string]environment `yaml:"environments"`
	Responses    responseBudget         `yaml:"responses"`
	Previews     *previews              `yaml:"previews"`

	place configPlace // where it was read; none for the defaults
}

// environment is one hostname's settings.
type environment struct {
	Hostname  string   `yaml:"hostname"`
	Branches  []string `yaml:"branches"`
	Overwrite string   `yaml:"overwrite"`
	// Diverged says whether a branch may go live whose history was rewritten:
	// allow or refuse. By default it is as Overwrite: refused where that is never.
	Diverged string `yaml:"diverged"`
	// Specification is how far packages of its own branch must obey the package
	// specification: off, warn, error or strict.
	Specification string `yaml:"specification"`
	// Regsnap is the version that must build it: "main" or a release.
	Regsnap string `yaml:"regsnap"`
	pinned  bool   // Regsnap was given
	preview bool   // it is one: only the command line names it
	// ServiceVersion is the version that "/" reports.
	ServiceVersion string     `yaml:"service_version"`
	Cache          cacheTimes `yaml:"cache"`
	// Catalog is whether there are pages for people below /catalog/: on or off.
	Catalog string `yaml:"catalog"`
	// Manifest is where a large manifest has what it lists: whole (in it) or lists (in
	// objects of their own).
	Manifest string `yaml:"manifest"`
	// PackageStorage is whether registries of another make find an index of what is
	// live in the bucket: v2.
	PackageStorage string `yaml:"package_storage"`
	// AfterPublish is told when another snapshot goes live.
	AfterPublish []hook `yaml:"after_publish"`
}

type cacheTimes struct {
	Index   *duration `yaml:"index"`
	Content *duration `yaml:"content"`
}

type responseBudget struct {
	Max   *int   `yaml:"max"`
	Bytes *int64 `yaml:"bytes"`
}

// duration is a length of time: "10s", "10m", "14d".
type duration time.Duration

func (d *duration) UnmarshalYAML(b []byte) error {
	var s string
	if err := yaml.Unmarshal(b, &s); err != nil {
		return err
	}
	v, err := parseTime(s)
	if err != nil || v%time.Second != 0 {
		return fmt.Errorf("%q is not a length of time in whole seconds such as 10s, 10m, 1h or 14d", s)
	}
	*d = duration(v)
	return nil
}

func (d *duration) seconds(otherwise int) int {
	if d == nil {
		return otherwise
	}
	return int(time.Duration(*d) / time.Second)
}

// The overwrite rules of released package versions.
const (
	overwriteNever    = "never"
	overwriteIfNeeded = "if-needed"
	overwriteAlways   = "always"
)

// What becomes of a branch whose history was rewritten.
const (
	divergedAllow  = "allow"
	divergedRefuse = "refuse"
)

// allowsDiverged reports whether what left the live snapshot's history goes live.
func (e environment) allowsDiverged() bool {
	if e.Diverged != "" {
		return e.Diverged == divergedAllow
	}
	return e.Overwrite == overwriteIfNeeded || e.Overwrite == overwriteAlways
}

// Whether an environment has a catalogue.
const (
	catalogOn  = "on"
	catalogOff = "off"
)

// defaultServiceVersion is the version of the registry API that regsnap answers.
const defaultServiceVersion = "1.40.1"

// defaultConfig is the three environments of a package storage.
func defaultConfig() config {
	env := func(name, overwrite string, branches ...string) environment {
		return environment{
			Hostname: name + ".registry.example", Branches: branches, Overwrite: overwrite,
			Regsnap: version(), ServiceVersion: defaultServiceVersion,
		}
	}
	return config{Environments: map[string]environment{
		"production": env("production", overwriteNever, "production"),
		"staging":    env("staging", overwriteIfNeeded, "production", "staging"),
		"snapshot":   env("snapshot", overwriteAlways, "production", "staging", "snapshot"),
	}}
}

// loadConfig reads a configuration; without a name, regsnap.yml if it is there,
// else the defaults. source is the repository that git:REF:PATH is about.
func loadConfig(ctx context.Context, name, source string) (config, error) {
	named := name != ""
	if !named {
		name = "regsnap.yml"
	}
	place, err := readConfig(ctx, name, source)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return defaultConfig(), nil
	}
	if err != nil {
		return config{}, err
	}
	c, err := parseConfig(place.text)
	if err == nil && place.protected() {
		err = c.guardHooks()
	}
	if err != nil {
		return config{}, usagef("%s: %w", name, err)
	}
	c.place = place
	return c, nil
}

func parseConfig(data []byte) (config, error) {
	var c config
	if err := yaml.UnmarshalWithOptions(data, &c, yaml.Strict()); err != nil {
		return config{}, suggestKey(err)
	}
	if c.Environments == nil {
		c.Environments = defaultConfig().Environments
	}
	for name, e := range c.Environments {
		if !layout.ValidEnvironment(name) {
			return config{}, fmt.Errorf("environments.%s: a name has small letters, digits and hyphens", name)
		}
		if e.pinned = e.Regsnap != ""; !e.pinned {
			e.Regsnap = version()
		}
		if e.ServiceVersion == "" {
			e.ServiceVersion = defaultServiceVersion
		}
		if e.Overwrite == "" {
			e.Overwrite = overwriteNever
		}
		if err := e.validate(); err != nil {
			return config{}, fmt.Errorf("environments.%s.%w", name, err)
		}
		c.Environments[name] = e
	}
	if err := c.Previews.validate(); err != nil {
		return config{}, fmt.Errorf("previews.%w", err)
	}
	if b := c.budget(); b.Responses < 0 || b.Bytes < 0 {
		return config{}, fmt.Errorf("responses: %d responses and %d bytes: want 0 or more", b.Responses, b.Bytes)
	}
	hosts := map[string]string{}
	for _, name := range c.names() {
		host := strings.ToLower(c.Environments[name].Hostname)
		if other, taken := hosts[host]; taken && host != "" {
			return config{}, fmt.Errorf("environments.%s.hostname: %s is that of environment %s", name, host, other)
		}
		hosts[host] = name
		if _, preview := c.previewHosts().Match(strings.TrimSuffix(host, ".")); preview {
			return config{}, fmt.Errorf("environments.%s.hostname: %s is one of previews.hostname", name, host)
		}
	}
	return c, nil
}

var releaseVersion = regexp.MustCompile(`^v?[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$`)

func (e environment) validate() error {
	switch e.Overwrite {
	case overwriteNever, overwriteIfNeeded, overwriteAlways:
	default:
		return fmt.Errorf("overwrite: %q is not a rule: want never, if-needed or always", e.Overwrite)
	}
	switch e.Diverged {
	case "", divergedAllow, divergedRefuse:
	default:
		return fmt.Errorf("diverged: %q: want allow or refuse", e.Diverged)
	}
	if e.Specification != "" && !lint.Level(e.Specification).Valid() {
		return fmt.Errorf("specification: %q is not a level: want off, warn, error or strict", e.Specification)
	}
	if len(e.Branches) == 0 {
		return errors.New("branches: at least one is needed")
	}
	for i, b := range e.Branches {
		if b == "" || slices.Contains(e.Branches[:i], b) {
			return fmt.Errorf("branches: %q is empty or twice there", b)
		}
	}
	if e.Regsnap != development && !releaseVersion.MatchString(e.Regsnap) {
		return fmt.Errorf("regsnap: %q is neither main nor a release such as v1.2.3", e.Regsnap)
	}
	if !releaseVersion.MatchString(e.ServiceVersion) {
		return fmt.Errorf("service_version: %q is not a version such as %s", e.ServiceVersion, defaultServiceVersion)
	}
	for i, h := range e.AfterPublish {
		if err := h.validate(); err != nil {
			return fmt.Errorf("after_publish[%d]: %w", i, err)
		}
	}
	if e.Catalog != "" && e.Catalog != catalogOn && e.Catalog != catalogOff {
		return fmt.Errorf("catalog: %q: want on or off", e.Catalog)
	}
	if e.Manifest != "" && e.Manifest != manifestWhole && e.Manifest != manifestLists {
		return fmt.Errorf("manifest: %q: want whole or lists", e.Manifest)
	}
	if e.PackageStorage != "" && e.PackageStorage != packageStorageV2 {
		return fmt.Errorf("package_storage: %q: want v2, or leave it out", e.PackageStorage)
	}
	if err := e.cachePolicy().Validate(); err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	return nil
}

// The values of manifest.
const (
	manifestWhole = "whole"
	manifestLists = "lists"
)

// inline is build.Environment.Inline.
func (e environment) inline() int {
	if e.Manifest == manifestLists {
		return layout.InlineLists
	}
	return 0
}

func (e environment) cachePolicy() layout.CachePolicy {
	return layout.CachePolicy{
		Index:   e.Cache.Index.seconds(layout.DefaultCachePolicy.Index),
		Content: e.Cache.Content.seconds(layout.DefaultCachePolicy.Content),
	}
}

// names are the environments, those that show fewer branches first: production
// before staging before snapshot.
func (c config) names() []string {
	var names []string
	for name := range c.Environments {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := len(c.Environments[a].Branches) - len(c.Environments[b].Branches); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return names
}

// choose gives the named environments, or all of them.
func (c config) choose(names []string) ([]string, error) {
	if len(names) == 0 {
		return c.names(), nil
	}
	for _, name := range names {
		if _, ok := c.Environments[name]; !ok {
			return nil, errNoEnvironment(name, c.names())
		}
	}
	return names, nil
}

func errNoEnvironment(name string, known []string) error {
	return usagef("environment %q is not configured%s; there are %s", name, didYouMean(name, known), strings.Join(known, ", "))
}

// buildEnvironment is what a build needs of an environment. A pinned version of
// regsnap that is not this one refuses.
func (c config) buildEnvironment(name string) (build.Environment, error) {
	e := c.Environments[name]
	if e.Regsnap != version() {
		return build.Environment{}, usagef("environment %s is pinned to regsnap %s, this is %s: use that version, or change the pin", name, e.Regsnap, version())
	}
	return build.Environment{Name: name, Branches: e.Branches, ServiceVersion: e.ServiceVersion, Cache: e.cachePolicy(), Catalogue: e.Catalog == catalogOn, Inline: e.inline()}, nil
}

func (c config) budget() layout.Budget {
	b := build.DefaultBudget
	if c.Responses.Max != nil {
		b.Responses = *c.Responses.Max
	}
	if c.Responses.Bytes != nil {
		b.Bytes = *c.Responses.Bytes
	}
	return b
}
