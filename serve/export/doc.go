// Package export writes a snapshot as a folder of plain files for a web server,
// with the configuration for nginx that answers every request of the registry API
// from it. No process of regsnap runs where it is served.
//
//	DIR/current                 a link to the snapshot that is served
//	DIR/<snapshot id>/tree/     what any web server may show, under the paths of the API
//	DIR/<snapshot id>/data/     what the script for nginx reads: routes, lists of files, rendered answers
//	DIR/<snapshot id>/nginx/    the script, and the configuration
package export
