package check

// What the tests outside of the package see of it.
var ErrUnreachable = errUnreachable
