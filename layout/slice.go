package layout

// Slice says which package versions to take from a snapshot: what its queries
// see, and the packages that it names. Its order has no meaning.
type Slice struct {
	Queries []SliceQuery `json:"queries,omitempty"`
	// Packages are "name", which is every version, or "name-version".
	Packages []string `json:"packages,omitempty"`
}

// SliceQuery is a search whose answer is to be part of a slice.
type SliceQuery struct {
	// Query is the query string of a search, "kibana.version=8.5.0&prerelease=true". With
	// exact=true it takes what that search lists, else also what its clients ask besides.
	Query string `json:"query"`
	// Versions, above 1, takes that many of the newest versions of each package
	// that the query accepts, not only the newest.
	Versions int `json:"versions,omitempty"`
}

// SliceOf is what a manifest says of a snapshot that is a slice.
type SliceOf struct {
	// Snapshot is the id of the snapshot that it is a part of.
	Snapshot string `json:"snapshot"`
	Slice
}

// Empty tells that the slice names nothing; it stands for the whole snapshot.
func (s Slice) Empty() bool { return len(s.Queries)+len(s.Packages) == 0 }
