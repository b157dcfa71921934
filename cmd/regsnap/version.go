package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/internal/commit"
	"github.com/regsnap/regsnap/layout"
)

// release is set by the linker for releases: -ldflags "-X main.release=v1.2.3".
var release string

// development is the version of a build that is no release.
const development = "main"

// version is the release this program was built as, or "main". It stands in
// manifests, so it must be the same for everybody who builds the same release.
func version() string {
	if release != "" {
		return release
	}
	return development
}

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "print the version, and the formats that it reads and writes",
		Flags: []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			info := struct {
				Version  string `json:"version"`
				Commit   string `json:"commit,omitempty"`
				Go       string `json:"go"`
				Platform string `json:"platform"`
				Render   int    `json:"render_version"`
				Manifest int    `json:"manifest_format"`
				Routes   int    `json:"routes_format"`
			}{version(), builtFrom(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH,
				build.RenderVersion, layout.ManifestFormat, layout.RoutesFormat}
			if c.Bool("json") {
				return printJSON(c.App.Writer, info)
			}
			fmt.Fprintf(c.App.Writer, "regsnap %s", info.Version)
			if info.Commit != "" {
				fmt.Fprintf(c.App.Writer, " (commit %s)", info.Commit)
			}
			fmt.Fprintf(c.App.Writer, "\n%s %s\nrender version %d, manifest format %d, routes format %d\n",
				info.Go, info.Platform, info.Render, info.Manifest, info.Routes)
			return nil
		},
	}
}

// builtFrom is the commit of this program; empty when it is not known.
func builtFrom() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return commit.Of(info)
}

func printJSON(w interface{ Write([]byte) (int, error) }, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
