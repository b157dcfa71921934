// Package dev serves a live registry of packages that are being edited. It builds
// into memory with the same build, and answers with the same handler, as production
// does; what it adds is noticing changes, keeping the last good state of a broken
// package, and telling browsers.
package dev
