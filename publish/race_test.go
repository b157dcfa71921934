//go:build race

package publish

// raceEnabled tells whether the race detector is on.
const raceEnabled = true
