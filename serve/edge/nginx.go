package edge

// Nginx is the script for nginx with its JavaScript module: it answers from the
// folder that package export writes. It is nginx/registry.js and all that it
// imports, lowered to the language that njs knows.
func Nginx() []byte { return bundle("nginx") }
