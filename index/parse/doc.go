// Package parse reads the content of package versions, as directories or as
// ready-made archives, and checks it against the rules in docs/rules.md.
//
// Start reading at load.go, which loads many entries at once, and at parser.go,
// which parses one. yaml.go reads YAML as the reference registry does; zip.go
// opens ready-made archives; check.go holds the rules about files.
package parse
