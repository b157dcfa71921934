package image

// What the tests outside of the package see of it.

var ErrName = errName

func (p Program) Check() error { return p.check() }
