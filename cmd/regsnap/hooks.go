package main

import (
	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/publish"
)

func afterPublish(*cli.Context, config, *publish.Bucket, *publish.Moved) error { return nil }
