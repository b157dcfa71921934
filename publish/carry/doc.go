// Package carry takes registries along: it copies snapshots, or slices of them,
// from bucket to bucket, for other clouds, for sites without internet and for
// images.
//
// A slice is what some queries see of a snapshot. It is a snapshot itself, with
// routes and responses of its own, and says of which snapshot it is a part.
package carry
