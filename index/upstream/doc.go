// Package upstream makes a source of an existing package registry: any server
// that speaks the registry API, or the bucket of a package storage v2. It asks what
// there is, fetches archives and signatures into a folder that is kept, and hands that
// folder on as a branch of a package storage.
//
// Neither server nor bucket is trusted. Whatever they send is bounded in size, number
// and time; names and versions are checked before they become names of files; and
// redirects do not lead to other hosts than those that were named.
package upstream
