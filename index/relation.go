package index

// Relation is how one commit stands to another in the history of a branch.
type Relation int

const (
	// Same: they are one commit.
	Same Relation = iota + 1
	// Descendant: the second comes from the first, so it is newer.
	Descendant
	// Ancestor: the first comes from the second, so the second is older.
	Ancestor
	// Diverged: neither comes from the other, as after a force push.
	Diverged
)
