// Package scaletest makes package storages that look like a real one but are of
// any size: git repositories with the branches production, staging and snapshot.
// Like indextest, which writes small storages out by hand, it lies beside the
// package that reads them.
//
// What a real storage looks like is kept as numbers (statistics.json, which
// generate.go derives); every word of the generated packages is invented. The
// same options and statistics give the same commits on every machine.
package scaletest
