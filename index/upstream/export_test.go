package upstream

// What the tests outside of the package see of it.
var (
	ErrRefused = errRefused
	ErrNothing = errNothing
	ErrQueries = errQueries
)
