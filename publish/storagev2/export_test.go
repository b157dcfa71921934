package storagev2

// What the tests outside of the package see of it.
var ErrAhead = errAhead
