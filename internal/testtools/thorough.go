//go:build thorough

package testtools

// Thorough reports whether tests try everything: see quick.go.
const Thorough = true
