package check

// What the tests outside of the package see of it.
var ErrUnreachable = errUnreachable

// SetSlack changes slack, and gives what it was.
func SetSlack(n int64) int64 {
	was := slack
	slack = n
	return was
}
