// Package nginx runs Debian's nginx for tests, with a configuration that is
// written for production: the one that a manual shows is the one that is tested.
package nginx

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/internal/child"
	"github.com/regsnap/regsnap/internal/testtools"
)

// frame is what Debian's nginx.conf has around the files of conf.d, as far as it
// may change answers, the JavaScript module and "gzip on" among it. Without a master there are no workers
// that could outlive a test.
const frame = `load_module %[3]s;
daemon off;
master_process off;
pid %[1]s/nginx.pid;
error_log stderr notice;
events { worker_connections 768; }
http {
    access_log off;
    default_type application/octet-stream;
    sendfile on;
    tcp_nopush on;
    gzip on;
    client_body_temp_path %[1]s/client;
    proxy_temp_path %[1]s/proxy;
    fastcgi_temp_path %[1]s/fastcgi;
    uwsgi_temp_path %[1]s/uwsgi;
    scgi_temp_path %[1]s/scgi;
%[2]s
}
`

// Replacement is an address or a folder of a configuration, and what a test has
// instead. What is to be replaced must be there: else the test would run
// something that the manual does not say.
type Replacement struct{ Old, New string }

// Start runs nginx with a configuration, as a file in conf.d, until the test
// ends, and gives its address. The configuration says "listen 80;", which
// becomes that address. DIR in a replacement is a folder for nginx to write to.
func Start(t testing.TB, configuration string, replace ...Replacement) (address string) {
	t.Helper()
	program := testtools.Nginx.Need(t)
	javaScript := filepath.Join(program.Root, testtools.NginxJavaScript)
	dir := t.TempDir()
	return child.Serve(t, program.Program, program.Env, func(address string) []string {
		text := configuration
		for _, r := range append(replace, Replacement{"listen 80;", "listen " + address + ";"}) {
			if !strings.Contains(text, r.Old) {
				t.Fatalf("the configuration of nginx does not say %q", r.Old)
			}
			text = strings.ReplaceAll(text, r.Old, strings.ReplaceAll(r.New, "DIR", dir))
		}
		file := filepath.Join(dir, "nginx.conf")
		if err := os.WriteFile(file, fmt.Appendf(nil, frame, dir, text, javaScript), 0o666); err != nil {
			t.Fatal(err)
		}
		return []string{"-p", dir, "-c", file}
	})
}
