// Package ci holds the ready-made files for CI systems. They are here to be read
// and copied; regsnap init writes them.
package ci

import "embed"

// Files are the files of each system, and the scripts that all of them run.
//
//go:embed buildkite github gitlab jenkins scripts
var Files embed.FS
