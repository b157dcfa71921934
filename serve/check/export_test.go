package check

// What the tests outside of the package see of it.
var ErrUnreachable = errUnreachable

// SetSlack changes slack, and gives what it was.
func SetSlack(n int64) int64 {
	was := slack
	slack = n
	return was
}

// SetAttempts changes how often a request is sent until an answer comes, and gives back
// what it was by the function that it returns.
func SetAttempts(n int) (restore func()) {
	was := retries
	retries.Attempts = n
	return func() { retries = was }
}
