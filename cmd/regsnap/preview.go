package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/regsnap/regsnap/layout"
)

// How long the answers of a preview may be kept: whoever looks at one waits for
// what he has just pushed.
const (
	previewIndex   = duration(0)
	previewContent = duration(5 * time.Second)
)

// defaultPreviewTTL is how long a preview stays after it was last made.
const defaultPreviewTTL = 14 * 24 * time.Hour

// previews are the settings of environments that only the command line names.
type previews struct {
	// Hostname is "*.DOMAIN": the names by which previews are answered for.
	Hostname string `yaml:"hostname"`
	// TTL is how long after it was last made prune ends one.
	TTL *duration `yaml:"ttl"`
}

func (p *previews) validate() error {
	switch {
	case p == nil:
		return nil
	case p.TTL != nil && *p.TTL <= 0:
		return errors.New("ttl: want a time in which people can look at a preview, such as 14d")
	case p.Hostname == "":
		return nil
	}
	if err := layout.PreviewHosts(p.Hostname).Validate(); err != nil {
		return fmt.Errorf("hostname: %w", err)
	}
	return nil
}

// previewHosts are the host names of previews; empty for none.
func (c config) previewHosts() layout.PreviewHosts {
	if c.Previews == nil {
		return ""
	}
	return layout.PreviewHosts(c.Previews.Hostname)
}

// previewFrom is what the pointer of an environment says of it as a preview that is made
// now; nil if it is not a preview, or if regsnap.yml has nothing about previews.
func (c config) previewFrom(env string, now time.Time) *layout.Preview {
	if !c.Environments[env].preview || c.Previews == nil {
		return nil
	}
	ttl := defaultPreviewTTL
	if c.Previews.TTL != nil {
		ttl = time.Duration(*c.Previews.TTL)
	}
	return &layout.Preview{Until: now.Add(ttl).UTC().Truncate(time.Second)}
}

// preview adds an environment that only the command line names.
func (c config) preview(names, branches []string) error {
	if len(names) != 1 {
		return usagef("--branches needs one --env NAME, such as pr-123")
	}
	name := names[0]
	if _, configured := c.Environments[name]; configured {
		return usagef("environment %s is configured: its branches are those of regsnap.yml; choose another name for --branches", name)
	}
	if !layout.ValidEnvironment(name) {
		return usagef("environment %q: a name has small letters, digits and hyphens", name)
	}
	index, content := previewIndex, previewContent
	e := environment{
		Branches: branches, Overwrite: overwriteNever, Diverged: divergedAllow, Regsnap: version(), ServiceVersion: defaultServiceVersion,
		Cache: cacheTimes{Index: &index, Content: &content}, preview: true,
	}
	if err := e.validate(); err != nil {
		return usageError{fmt.Errorf("--branches: %w", err)}
	}
	c.Environments[name] = e
	return nil
}
