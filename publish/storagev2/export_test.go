package storagev2

// What the tests outside of the package see of it.
var ErrAhead = errAhead

// Wait waits for what is read and made ahead.
func (a *Ahead) Wait() { <-a.done }
