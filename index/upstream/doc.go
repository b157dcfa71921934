// Package upstream makes a source of an existing package registry: any server
// that speaks the registry API. It asks what there is, fetches archives and
// signatures into a folder that is kept, and hands that folder on as a branch of
// a package storage.
//
// The server is not trusted. Whatever it sends is bounded in size, number and
// time; names and versions are checked before they become names of files; and
// redirects do not lead to other hosts than those that were named.
package upstream
