package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/image"
)

// defaultImageName is what an image is called in an archive for docker load.
const defaultImageName = "regsnap"

func imageCommand() *cli.Command {
	return &cli.Command{
		Name:     "image",
		Category: groupOffline,
		Usage:    "make a container image of a snapshot",
		Description: `Makes an OCI image without a container engine: regsnap and one snapshot, from scratch,
for a user without privileges and a read-only file system. It serves the registry on
port 8080. Its labels say of which commits it is, and its tag is the snapshot's id, or
what --tag says. An image of all that is live has the environment as a last tag, which
moves with the next one; a slice, or a --snapshot that is not live, leaves that tag where
it is, and so does --no-env-tag, for registries whose tags never move.

An image takes the environment's tag only if its snapshot is still live when the tag
moves (exit code 4 otherwise, unless --allow-older is given): of two jobs the one that
began first may end last. The image is there all the same, under its other tag.

What is the same in two files or packages is there once, and what did not change since
the last image is a layer that the registry has already. The same snapshot and the same
programs give the same digest, on every machine and day.

--push sends it to a registry, as who docker or podman is logged in there; --layout adds
it to a folder, as skopeo and others read it; --tarball writes a file for docker load and
podman load. --query, --package, --latest and --matrix take only a part of the snapshot.

The image is for the platforms that --binary names, a program for each; without, for
that of this very program. Each must be linked statically.

   regsnap image --env production --bucket s3://registry?region=eu-west-1 --push hub.example/registry
   regsnap image --env production --bucket file:///srv/registry --layout images \
     --binary linux/amd64=regsnap-amd64 --binary linux/arm64=regsnap-arm64
   regsnap image --env production --bucket file:///srv/registry --query kibana.version=8.5.0 --tarball registry.tar`,
		Flags: []cli.Flag{
			configFlag(), bucketFlag(), envFlag(),
			snapshotFlag("the live one"),
			queryFlag(), packageFlag(), latestFlag(), matrixFlag(),
			&cli.StringSliceFlag{Name: "binary", Usage: "put this program into the image for its platform: `PLATFORM=FILE`, such as linux/arm64=regsnap-arm64 (repeat for several)"},
			&cli.StringFlag{Name: "push", Usage: "send the image to `REPOSITORY`, such as hub.example/registry"},
			&cli.StringSliceFlag{Name: "tag", Usage: "give the image the tag `TAG` in place of the snapshot's id (repeat for several)"},
			&cli.BoolFlag{Name: "no-env-tag", Usage: "leave the environment's tag where it is"},
			&cli.StringFlag{Name: "layout", Usage: "add the image to the OCI image layout in `DIR`, which is made if it is not there", TakesFile: true},
			&cli.StringFlag{Name: "tarball", Usage: "write the image to `FILE` for docker load", TakesFile: true},
			&cli.StringFlag{Name: "name", Usage: "what the image in --tarball is called: `NAME`, to which its tags are added", Value: defaultImageName},
			allowOlderFlag("(the tag of the environment)"), dryRunFlag(),
			jsonFlag(),
		},
		Action: runImage,
	}
}

// imageResult is what image tells.
type imageResult struct {
	DryRun      bool           `json:"dry_run"`
	Environment string         `json:"environment"`
	Snapshot    string         `json:"snapshot"`
	SliceOf     string         `json:"slice_of,omitempty"`
	Tags        []string       `json:"tags"`
	Digest      string         `json:"digest"`
	Platforms   []string       `json:"platforms"`
	Layers      int            `json:"layers"`
	Bytes       int64          `json:"bytes"`
	Pushed      []string       `json:"pushed,omitempty"`
	Layout      *image.Written `json:"layout,omitempty"`
	Tarball     string         `json:"tarball,omitempty"`
}

func runImage(c *cli.Context) (err error) {
	if err := noArgs(c); err != nil {
		return err
	}
	cfg, err := settings(c)
	if err != nil {
		return err
	}
	o, err := imageOptions(c)
	if err != nil {
		return err
	}
	if o.From, err = cfg.openEnvironment(c.Context, o.Environment); err != nil {
		return err
	}
	defer closing(&err, "bucket", o.From)
	if o.Snapshot != "" {
		if o.Snapshot, err = namedSnapshot(c.Context, o.From, o.Environment, o.Snapshot); err != nil {
			return err
		}
	}
	bar := newProgress(c.App.ErrWriter, c.Bool("quiet") || c.Bool("json"))
	o.Copy.Progress = func(n publish.Copied) { bar.copied("copy the slice", n) }
	o.Render = bar.update
	o.Progress = bar.step
	made, err := image.Make(c.Context, o)
	bar.finish()
	if errors.Is(err, image.ErrProgram) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	defer closing(&err, "image", made)
	r, err := deliverImage(c, made, bar)
	bar.finish()
	if errors.Is(err, image.ErrNotLayout) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	for _, p := range o.Programs {
		r.Platforms = append(r.Platforms, "linux/"+p.Arch)
	}
	if c.Bool("json") {
		return printJSON(c.App.Writer, r)
	}
	printImage(c, r)
	return nil
}

// imageOptions reads the flags that say what to put into the image.
func imageOptions(c *cli.Context) (image.Options, error) {
	env, err := oneEnv(c)
	if err != nil {
		return image.Options{}, err
	}
	o := image.Options{Environment: env, Snapshot: c.String("snapshot"), Back: c.Bool("allow-older"), Regsnap: version(),
		Tags: c.StringSlice("tag"), NoEnvironmentTag: c.Bool("no-env-tag")}
	if err := image.CheckTags(env, o.Tags); err != nil {
		return o, usagef("--tag: %w", err)
	}
	if o.Slice, err = sliceOf(c); err != nil {
		return o, err
	}
	if o.Programs, err = programs(c.StringSlice("binary")); err != nil {
		return o, err
	}
	switch {
	case c.String("push")+c.String("layout")+c.String("tarball") == "":
		return o, usagef("where to? Give --push REPOSITORY, --layout DIR or --tarball FILE")
	case c.String("tarball") != "" && len(o.Programs) != 1:
		return o, usagef("--tarball is of one platform: give one --binary, or a --layout")
	}
	return o, checkTargets(c)
}

// checkTargets looks at where the image is to go before it is made, which may take
// minutes.
func checkTargets(c *cli.Context) error {
	for _, flag := range []string{"push", "name"} {
		if v := c.String(flag); v != "" || c.IsSet(flag) {
			if err := image.CheckRepository(v); err != nil {
				return usagef("--%s: %w", flag, err)
			}
		}
	}
	file := c.String("tarball")
	if file == "-" {
		return usagef("--tarball -: want the name of a file")
	}
	if file == "" {
		return nil
	}
	// What has the name is replaced: a device or a link is not to be lost.
	if info, err := os.Lstat(file); err == nil && !info.Mode().IsRegular() {
		return usagef("--tarball %s: there is something of that name that is no regular file", file)
	}
	return nil
}

// programs are those of --binary, by platform.
func programs(flags []string) ([]image.Program, error) {
	if len(flags) == 0 {
		self, err := os.Executable()
		if err != nil {
			return nil, usagef("which program is to be in the image? Give --binary PLATFORM=FILE (%w)", err)
		}
		return []image.Program{{Arch: runtime.GOARCH, Path: self}}, nil
	}
	var list []image.Program
	for _, f := range flags {
		platform, file, _ := strings.Cut(f, "=")
		arch, err := image.ParsePlatform(platform)
		if err != nil || file == "" {
			return nil, usagef("--binary %q: want PLATFORM=FILE, such as linux/arm64=regsnap-arm64", f)
		}
		if slices.ContainsFunc(list, func(p image.Program) bool { return p.Arch == arch }) {
			return nil, usagef("--binary: %s is given twice", platform)
		}
		list = append(list, image.Program{Arch: arch, Path: file})
	}
	// The order of flags makes no other image.
	slices.SortFunc(list, func(a, b image.Program) int { return strings.Compare(a.Arch, b.Arch) })
	return list, nil
}

// deliverImage brings the image to where it is wanted, to the registry last: what
// is there is seen by others.
func deliverImage(c *cli.Context, made *image.Image, bar *progress) (*imageResult, error) {
	digest, err := made.Index.Digest()
	if err != nil {
		return nil, err
	}
	m := made.Manifest
	r := &imageResult{DryRun: c.Bool("dry-run"), Environment: m.Environment, Snapshot: m.ID(), Tags: made.Tags(), Digest: digest.String(), Layers: made.Layers(), Bytes: made.Bytes()}
	if m.Slice != nil {
		r.SliceOf = m.Slice.Snapshot
	}
	if r.DryRun {
		return r, nil
	}
	if dir := c.String("layout"); dir != "" {
		if r.Layout, err = made.WriteLayout(c.Context, dir); err != nil {
			return nil, err
		}
	}
	if file := c.String("tarball"); file != "" {
		if err := made.WriteTarball(c.Context, file, c.String("name")); err != nil {
			return nil, err
		}
		r.Tarball = file
	}
	if repository := c.String("push"); repository != "" {
		r.Pushed, err = made.Push(c.Context, repository, "regsnap/"+version(), func(done, total int64) {
			bar.step("push, in KiB", int(done>>10), int(total>>10))
		})
		if err != nil {
			return nil, err
		}
	}
	return r, nil
}

func printImage(c *cli.Context, r *imageResult) {
	w := c.App.Writer
	fmt.Fprintf(w, "%s %s %s", r.Environment, r.Snapshot, r.Digest)
	if r.SliceOf != "" {
		fmt.Fprintf(w, ", a slice of %s", r.SliceOf)
	}
	fmt.Fprintln(w)
	e := c.App.ErrWriter
	fmt.Fprintf(e, "   %s in %s, for %s\n", size(r.Bytes), plural(r.Layers, "layer"), strings.Join(r.Platforms, " and "))
	tags, stays := "tags "+strings.Join(r.Tags, " and "), ""
	if len(r.Tags) == 1 {
		tags = "tag " + r.Tags[0]
	}
	if !slices.Contains(r.Tags, r.Environment) {
		stays = "; " + r.Environment + " stays where it is"
	}
	fmt.Fprintf(e, "   %s%s\n", tags, stays)
	if r.Layout != nil && r.Layout.Blobs > 0 {
		fmt.Fprintf(e, "   %s: %s added, %s\n", c.String("layout"), plural(r.Layout.Blobs, "blob"), size(r.Layout.Bytes))
	} else if r.Layout != nil {
		fmt.Fprintf(e, "   %s had all of it\n", c.String("layout"))
	}
	if r.Tarball != "" {
		fmt.Fprintf(e, "   %s: docker load --input %[1]s\n", r.Tarball)
	}
	for _, ref := range r.Pushed {
		fmt.Fprintf(e, "   pushed %s\n", ref)
	}
	if r.DryRun {
		fmt.Fprintln(w, dryRunText)
	}
}
