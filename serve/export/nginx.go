package export

import (
	_ "embed"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/regsnap/regsnap/serve/edge"
)

// Files of the configuration of nginx.
const (
	scriptName   = "registry.js"
	registryName = "registry.conf"
	siteName     = "site.conf"
)

//go:embed nginx/registry.conf
var registryConf string

//go:embed nginx/site.conf
var siteConf string

// The templates name this folder and this host.
const (
	templateDir  = "/srv/registry"
	templateHost = "epr.example.org"
)

// plainPath matches the paths that mean themselves in a configuration of nginx,
// without quotes and in quotes.
var plainPath = regexp.MustCompile(`^/[A-Za-z0-9._/+@,=-]*[A-Za-z0-9._+@,=-]$`)

// ErrPath: a path that cannot be written into a configuration of nginx.
var ErrPath = fmt.Errorf("not a path for a configuration of nginx")

// configuration is what nginx needs to serve exports that it finds in a folder.
func configuration(at, hostname string) (map[string][]byte, error) {
	at = path.Clean(at)
	if !plainPath.MatchString(at) {
		return nil, fmt.Errorf("%q: %w: want an absolute one of letters, digits and . _ / + @ , = -", at, ErrPath)
	}
	if hostname == "" {
		hostname = templateHost
	}
	fill := strings.NewReplacer(templateDir, at, templateHost, hostname)
	return map[string][]byte{
		scriptName:   edge.Nginx(),
		registryName: []byte(fill.Replace(registryConf)),
		siteName:     []byte(fill.Replace(siteConf)),
	}, nil
}
