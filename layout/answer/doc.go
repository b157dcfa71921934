// Package answer turns a request of the registry API into its answer, given the
// routes of a snapshot. It is pure, as package layout is.
//
// Start reading at answer.go, which routes a request. A query of /search or
// /categories is parsed by query.go; select.go chooses the rows of the Table
// (table.go) that answer it, and categories.go counts them. What was not
// rendered ahead is assembled from the catalog (catalog.go, block.go,
// fragment.go). questions.go and compare.go enumerate the queries whose answers
// can differ.
package answer
