// Package pack keeps one snapshot in few files, each content once, and answers
// reads of the objects of a bucket out of them, byte for byte. It is what an
// image carries: a folder with
//
//	environments/<env>.json                          the pointer,
//	snapshots/<env>/<id>/manifest.json, routes.json  as in a bucket,
//	packs/<digest>.pack                              package files and responses,
//	packs.json                                       which packs there are, and how long.
//
// A pack holds blobs: the data of an entry of an archive, mostly a deflate
// stream, or a response. An archive is the bytes between its entries' data, which
// the sheet of its package revision has, and the blobs; a file is a blob, or what
// one inflates to; a response is what its encoded twin inflates to. So an image
// that many versions share is there once, and a range of an archive is read
// without inflating anything.
//
// Which pack holds what follows from the snapshot alone: neighbours in the order
// of names and versions, cut at places that their content chooses. The next
// snapshot has the same packs but for those that hold what changed.
//
//   - format.go, table.go, sheet.go, list.go: what the bytes say;
//   - store.go, find.go, file.go, block.go, compose.go: reading;
//   - make.go, scan.go, archive.go, response.go, scratch.go: taking a snapshot apart;
//   - plan.go, groups.go, writer.go: writing it.
//
// A pack begins with its blobs and then its sheets, several to a block that is
// compressed with zstd; its tables and a footer of fixed size end it. Tables are
// searched where they lie. Numbers are little-endian. Every span of bytes has a
// CRC-32C, so that a damaged disk is an error that names the file, and not a
// wrong answer; whether a snapshot is what it should be was checked against the
// digests of its manifest when the packs were made.
package pack
