// Package storagev2 keeps an index of what is live for registries of another make: that
// of package storage v2, which docs/storage-v2.md describes. A registry that reads it
// has the package documents from there, and archives and files from an edge.
//
// The pointer decides what is live, and the index follows it: it is written after
// the pointer has moved, and the next run writes what could not be written. Of its two objects the one that is written first, the index, never
// changes, and the second, the cursor, only grows.
package storagev2
