package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/carry"
	"github.com/regsnap/regsnap/publish/storagev2"
)

// indexFlag asks for an index; more says where.
func indexFlag(more ...string) cli.Flag {
	return &cli.BoolFlag{Name: "v2", Usage: strings.Join(append([]string{"write the index of package storage v2 for what is live"}, more...), " ")}
}

// packageStorageV2 is the value of package_storage: there is an index for registries
// of another make.
const packageStorageV2 = "v2"

// errIndex: what is live is live, but the index of package storage v2 does not say so yet.
var errIndex = errors.New("the index of package storage v2 is behind")

// checkIndexed refuses what cannot be: an index where no one would read it.
func (c config) checkIndexed(env string) error {
	if c.Environments[env].PackageStorage == "" {
		return nil
	}
	return checkIndexBucket(c.Bucket, "environments."+env+".package_storage: ")
}

func checkIndexBucket(bucket, what string) error {
	u, err := url.Parse(bucket)
	if err != nil || u.Scheme == "gs" || bucket == "" { // who opens it says what is wrong
		return nil
	}
	return usagef("%sregistries read an index of package storage v2 with Google's client, from gs:// buckets only, and this one is %s://: keep it, and copy the environment with regsnap mirror --v2 to a gs:// bucket, which writes the index there with each mirror",
		what, u.Scheme)
}

// keptDocuments keeps what a build stores of package documents; nil if no environment has
// an index.
func keptDocuments(cfg config, environments []build.Environment) *storagev2.Documents {
	if !slices.ContainsFunc(environments, func(e build.Environment) bool { return cfg.Environments[e.Name].PackageStorage != "" }) {
		return nil
	}
	return new(storagev2.Documents)
}

// beginIndex begins the index of what is to go live in an environment; nil if it is to have
// none.
func beginIndex(c *cli.Context, cfg config, bucket *publish.Bucket, env string, t storagev2.Target) *storagev2.Ahead {
	if cfg.Environments[env].PackageStorage == "" || c.Bool("dry-run") {
		return nil
	}
	return storagev2.Begin(c.Context, bucket, env, t)
}

// followIndex writes the index of an environment after its pointer moved, and what an
// earlier run could not write. What fails does not undo anything.
func followIndex(c *cli.Context, cfg config, bucket *publish.Bucket, m *publish.Moved, ahead *storagev2.Ahead) error {
	if cfg.Environments[m.Environment].PackageStorage == "" || c.Bool("dry-run") {
		return nil
	}
	return followMove(c.Context, c.App.ErrWriter, bucket, m, ahead)
}

func followMove(ctx context.Context, w io.Writer, bucket *publish.Bucket, m *publish.Moved, ahead *storagev2.Ahead) error {
	r, err := ahead.FollowMove(ctx, bucket, m)
	_, err = sayIndex(w, m.Environment, r, err)
	return err
}

// sayIndex says what became of an index.
func sayIndex(w io.Writer, env string, r *storagev2.Result, err error) (*storagev2.Result, error) {
	if err != nil {
		return nil, fmt.Errorf("%w: %w; the next publish writes it, and so does regsnap publish --env %s --v2", errIndex, err, env)
	}
	if r.Empty {
		fmt.Fprintf(w, "%s: %s\n", env, emptyIndex(r.State))
	}
	if r.Written {
		fmt.Fprintf(w, "%s: index of package storage v2 %s: %s, %s\n", env, layout.Cursor(r.Cursor), plural(r.Packages, "package"), size(r.Bytes))
	}
	return r, nil
}

// followMirrored writes the indexes of a mirror's target, if they are wanted there.
func followMirrored(c *cli.Context, cfg config, to *publish.Bucket, results []*carry.Result) (err error) {
	for _, r := range results {
		if r.Moved == nil || c.Bool("dry-run") {
			continue
		}
		if c.Bool("v2") || cfg.Environments[r.Environment].PackageStorage != "" && checkIndexBucket(c.Args().Get(1), "") == nil {
			err = errors.Join(err, followMove(c.Context, c.App.ErrWriter, to, r.Moved, nil))
		}
	}
	return err
}

// runPublishIndex is regsnap publish --v2.
func runPublishIndex(c *cli.Context) (err error) {
	if id, err := snapshotArgument(c); err != nil || id != "" {
		return errors.Join(err, usagef("--v2 is about what is live: give no snapshot with it"))
	}
	if c.Bool("dry-run") {
		return usagef("--v2 has no --dry-run: regsnap status says whether the index is behind")
	}
	p, err := openPlace(c)
	if err != nil {
		return err
	}
	defer closing(&err, "bucket", p.bucket)
	if err := checkIndexBucket(p.cfg.Bucket, "--v2: "); err != nil {
		return err
	}
	r, err := storagev2.Follow(c.Context, p.bucket, p.env)
	if r, err = sayIndex(c.App.ErrWriter, p.env, r, err); err != nil {
		return err
	}
	switch {
	case c.Bool("json"):
		return printJSON(c.App.Writer, r)
	case r.Empty: // said above
	case r.Generation == 0:
		return fmt.Errorf("environment %s: %w", p.env, publish.ErrNothingLive)
	case !r.Written:
		fmt.Fprintf(c.App.Writer, "%s: the index of package storage v2 says what is live already\n", p.env)
	default:
		fmt.Fprintf(c.App.Writer, "%s: the index of package storage v2 says what is live\n", p.env)
	}
	return nil
}

// emptyIndex says what an index is of an environment without packages.
func emptyIndex(s storagev2.State) string {
	if s.Cursor == 0 {
		return "it has no packages, and registry servers refuse an index of package storage v2 without any: it has no index yet"
	}
	return fmt.Sprintf("it has no packages, and registry servers refuse an index of package storage v2 without any: that of generation %d stays", s.Cursor)
}

// printIndexes says which indexes are not where they should be.
func printIndexes(w io.Writer, all []environmentStatus) {
	for _, s := range all {
		switch i := s.Index; {
		case i == nil:
		case i.Fault != "":
			fmt.Fprintf(w, "%s: index of package storage v2: %s\n", s.Environment, clean(i.Fault))
		case i.Empty:
			fmt.Fprintf(w, "%s: %s\n", s.Environment, emptyIndex(*i))
		case i.Behind && i.Cursor == 0:
			fmt.Fprintf(w, "%s: there is no index of package storage v2 yet: regsnap publish --env %s --v2 writes it\n", s.Environment, s.Environment)
		case i.Behind:
			fmt.Fprintf(w, "%s: the index of package storage v2 is behind, at generation %d of %d: regsnap publish --env %s --v2 writes it\n", s.Environment, i.Cursor, i.Generation, s.Environment)
		}
	}
}

// indexState is where the index of an environment is, for regsnap status; nil if it is to
// have none.
func indexState(ctx context.Context, cfg config, bucket *publish.Bucket, env string) *storagev2.State {
	if cfg.Environments[env].PackageStorage == "" {
		return nil
	}
	s, err := storagev2.Look(ctx, bucket, env)
	if err != nil {
		s.Fault = err.Error()
	}
	return &s
}
