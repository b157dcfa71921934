package parse

// What the tests outside of the package see of it.
var (
	Needed          = needed
	LookupCategory  = lookupCategory
	IngestionMethod = ingestionMethod
)
