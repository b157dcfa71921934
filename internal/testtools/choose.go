package testtools

// Choose is few in a quick run of the tests, and all in a thorough one.
func Choose[T any](few, all T) T {
	if Thorough {
		return all
	}
	return few
}
