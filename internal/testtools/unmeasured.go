//go:build !bench && !conformance

package testtools

// onDisk: see measured.go.
const onDisk = false
