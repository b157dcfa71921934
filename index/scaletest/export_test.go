package scaletest

// What the tests outside of the package see of it.
var (
	Derive  = derive
	Derived = derived
)
