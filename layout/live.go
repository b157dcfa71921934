package layout

// LivePath is where an edge says, below the catalogue, what its pointer does. No page
// of a snapshot can: who made it live, when and why is decided after it was built.
const LivePath = "-/live.json"

// LiveFormat is the version of that answer's format.
const LiveFormat = 1

// LiveEntries is how many entries of the audit log an edge looks for, from the
// pointer's generation down; liveNames and liveBranches are how many package versions
// and branches of each are named. So the answer is never long.
const (
	LiveEntries  = 10
	liveNames    = 20
	liveBranches = 10
)

// Live is what an edge says of the pointer that it follows.
type Live struct {
	Format      int    `json:"format"`
	Environment string `json:"environment"`
	// Snapshot is empty where nothing is known of a pointer, as in an export.
	Snapshot string `json:"snapshot,omitempty"`
	Pinned   *Pin   `json:"pinned,omitempty"`
	// Moves are the last MaxMoves, the newest first.
	Moves []LiveMove `json:"moves,omitempty"`
}

// LiveMove is a move, and what the audit log adds to it if the edge may read that.
type LiveMove struct {
	Move
	Before string `json:"before,omitempty"`
	// Branches are the commits that the snapshot was built from.
	Branches []AuditBranch `json:"branches,omitempty"`

	Added   []string `json:"added,omitempty"`
	Removed []string `json:"removed,omitempty"`
	Changed []string `json:"changed,omitempty"`
	// More is how many package versions differ beside those that are named.
	More int `json:"more,omitempty"`
}

// NewLive says what a pointer does. The log are the entries that could be read.
func NewLive(p Pointer, log []Audit) Live {
	l := Live{Format: LiveFormat, Environment: p.Environment, Snapshot: p.Snapshot, Pinned: p.Pinned}
	for _, m := range p.Moves[:min(len(p.Moves), MaxMoves)] {
		move := LiveMove{Move: m}
		for _, a := range log {
			if a.Of(m) {
				move.describe(a)
				break
			}
		}
		l.Moves = append(l.Moves, move)
	}
	return l
}

// describe takes over what an entry says of the move.
func (m *LiveMove) describe(a Audit) {
	m.Before, m.More = a.Before, a.More
	m.Branches = a.Branches[:min(len(a.Branches), liveBranches)]
	left := liveNames
	for _, list := range []struct {
		from []string
		to   *[]string
	}{{a.Added, &m.Added}, {a.Removed, &m.Removed}, {a.Changed, &m.Changed}} {
		n := min(left, len(list.from))
		*list.to = list.from[:n:n]
		left -= n
		m.More += len(list.from) - n
	}
}

// Of reports whether the entry is of a move that a pointer remembers.
func (a Audit) Of(m Move) bool {
	return a.Snapshot == m.Snapshot && a.At.Equal(m.At) && a.By == m.By && a.Reason == m.Reason &&
		(a.Kind == m.Kind || a.Kind == MoveRecover)
}
