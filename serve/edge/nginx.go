package edge

import _ "embed"

// nginxScript is nginx/registry.js and all that it imports, lowered to the
// language that njs knows. That takes Node, so it is done ahead: TestNginxScript
// holds it to its sources.
//
//go:embed njs.js
var nginxScript []byte

// Nginx is the script for nginx with its JavaScript module: it answers from the
// folder that package export writes.
func Nginx() []byte { return nginxScript }
