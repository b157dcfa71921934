//go:build !thorough

package testtools

// Thorough reports whether tests try everything. `go test` has a selection that
// still meets each property; with the tag thorough, as in `make test`, long
// enumerations are whole and random runs many.
const Thorough = false
