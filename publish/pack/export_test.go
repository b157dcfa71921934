package pack

// What the tests outside of the package see of it.
var ErrDamaged = errDamaged
