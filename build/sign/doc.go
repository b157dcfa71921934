// Package sign makes and checks OpenPGP signatures of package archives: detached,
// as a file beside the archive that ends in .sig.
//
// A signature says when it was made. Archives of the same content must have the
// same signature wherever and whenever they are built, so it is not the clock
// that says it but the key: see Key.
package sign
