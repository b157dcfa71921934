//go:build !bench

package testtools

// onDisk: see measured.go.
const onDisk = false
