package main

import (
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
		Cache: cacheTimes{Index: &index, Content: &content},
	}
	if err := e.validate(); err != nil {
		return usageError{fmt.Errorf("--branches: %w", err)}
	}
	c.Environments[name] = e
	return nil
}
