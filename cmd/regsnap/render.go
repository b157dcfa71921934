package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/layout"
)

// errRender: what is live is of the same commits, from another render version.
var errRender = errors.New("another render version is live")

func allowRenderFlag() cli.Flag {
	return &cli.BoolFlag{Name: "allow-render", Usage: "replace a live snapshot of the same commits that another render version made"}
}

// mayRender refuses to replace what is live by the same commits from another
// render version: two builders of different versions would do it in turns, and
// every client fetches all again. New commits, a version pinned in the settings,
// and --allow-render say that it is wanted.
func mayRender(c *cli.Context, cfg config, live []build.Live, m *layout.Manifest) error {
	if c.Bool("allow-render") || cfg.Environments[m.Environment].pinned {
		return nil
	}
	for _, l := range live {
		if l.Manifest == nil || l.Manifest.Environment != m.Environment || l.Manifest.Render == m.Render || !sameCommits(l.Manifest, m) {
			continue
		}
		return fmt.Errorf("%w in %s: %s is of the same commits, rendered by regsnap %s (render version %d, this is %d). %s is built and not live; make it live with --allow-render, or say which version builds %[2]s: regsnap in the settings",
			errRender, m.Environment, l.Manifest.ID(), l.Manifest.Regsnap, l.Manifest.Render, m.Render, m.ID())
	}
	return nil
}

// sameCommits reports whether two snapshots show the same commits of the same
// branches. A folder that is no commit's content is never the same.
func sameCommits(a, b *layout.Manifest) bool {
	return slices.EqualFunc(a.Branches, b.Branches, func(a, b layout.ManifestBranch) bool {
		return a.Name == b.Name && a.Commit == b.Commit && a.Commit != ""
	})
}
