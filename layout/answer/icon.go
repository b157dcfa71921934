package answer

import _ "embed"

// icon is what /favicon.ico answers: our own, 16 by 16 pixels.
//
//go:embed icon.ico
var icon []byte
