// Package image makes OCI images of snapshots, without a container engine: the
// program itself and one snapshot as package pack keeps it, from scratch.
//
// Each pack is a layer of its own, the program is one, and so is what every
// snapshot has of its own. So a registry that has the image of the snapshot before needs
// only what changed. Nothing in an image depends on the clock, the machine or the
// run: the same snapshot and the same programs give the same digest.
//
//   - image.go: from a snapshot to an image; snapshot.go, program.go: what goes in;
//   - layer.go, config.go: how it is written;
//   - layout.go, push.go, tarball.go: where to; target.go, refusal.go: what a registry
//     is asked, and what its answers mean.
package image
