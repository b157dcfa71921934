//go:build bench || conformance

package testtools

// onDisk keeps temporary files on the disk, as those of users are.
const onDisk = true
