// Package testtools installs the programs that tests run: object stores, nginx,
// the runtime of Workers, a browser. "make tools" installs them into the user's
// cache, in pinned versions and without root; tests only look them up, and fail
// with that command in their message if one is missing.
//
// To add a tool, add a variable and name it in All. A test then calls Need:
//
//	browser := testtools.Chromium.Need(t)
//	cmd := exec.Command(browser.Program, "--headless", …)
//	cmd.Env = append(os.Environ(), browser.Env...)
package testtools

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// The tools. Go programs are pinned by modules/go.mod, npm packages by the
// package-lock.json of their folder, Debian's packages by the machine's release.
var (
	VersityGW = Tool{"versitygw", goProgram{"github.com/versity/versitygw/cmd/versitygw"}}
	FakeGCS   = Tool{"fake-gcs-server", goProgram{"github.com/fsouza/fake-gcs-server"}}
	ESBuild   = Tool{"esbuild", goProgram{"github.com/evanw/esbuild/cmd/esbuild"}}

	Nginx = Tool{"nginx", debian{
		packages: []string{"nginx", "libnginx-mod-http-js"},
		// Debian installs servers where not every PATH looks.
		command: []string{"nginx", "/usr/sbin/nginx"},
		program: "usr/sbin/nginx",
		needs:   []string{NginxJavaScript},
	}}
	Chromium = Tool{"chromium", debian{
		packages: []string{"chromium", "fonts-dejavu-core"},
		command:  []string{"chromium"},
		program:  "usr/lib/chromium/chromium",
	}}

	Zip    = Tool{"zip", debian{packages: []string{"zip"}, command: []string{"zip"}, program: "usr/bin/zip"}}
	Unzip  = Tool{"unzip", debian{packages: []string{"unzip"}, command: []string{"unzip"}, program: "usr/bin/unzip"}}
	BSDTar = Tool{"bsdtar", debian{packages: []string{"libarchive-tools"}, command: []string{"bsdtar"}, program: "usr/bin/bsdtar"}}

	// AWS is the command line of AWS, which knows what its services accept.
	AWS = Tool{"awscli", debian{packages: []string{"awscli"}, command: []string{"aws"}, program: "usr/bin/aws"}}

	// EdgeModules has TypeScript, Prettier and workerd; BrowserModules has
	// axe-core, html-validate and playwright-core. Their Root holds node_modules.
	EdgeModules    = Tool{"npm packages of the edge", npm{"serve/edge"}}
	BrowserModules = Tool{"npm packages for browser tests", npm{"internal/testtools/browser"}}
	// ZipModules has yauzl, which reads zip files for Kibana, and yazl, which writes them.
	ZipModules = Tool{"npm packages for zip files", npm{"internal/testtools/zip"}}
	// Wrangler deploys Workers; without an account it says whether it could.
	Wrangler = Tool{"npm packages of wrangler", npm{"internal/testtools/wrangler"}}
)

// All lists every tool that "make tools" installs.
var All = []Tool{VersityGW, FakeGCS, ESBuild, Nginx, Chromium, EdgeModules, BrowserModules, ZipModules, Wrangler, Zip, Unzip, BSDTar, AWS}

// NginxJavaScript is nginx's JavaScript module, below Place.Root.
const NginxJavaScript = "usr/lib/nginx/modules/ngx_http_js_module.so"

// Tool is a program that tests run, or a folder of modules that they load.
type Tool struct {
	Name   string
	method method
}

// method is one way to install tools.
type method interface {
	// system returns the tool if the machine has it without our help.
	system() (Place, bool)
	// version identifies what would be installed: other content, another folder.
	version(module string) ([]byte, error)
	// install puts the tool into an empty folder. It may keep downloads, which
	// only help the next attempt, in scratch.
	install(ctx context.Context, module, dir, scratch string) error
	// place returns the tool from the folder that install filled.
	place(dir string) Place
}

// Place is where a tool is installed.
type Place struct {
	// Program is the path of the executable; empty for npm packages.
	Program string
	// Root is the folder below which the tool's files lie: "/" for a program of
	// the system, the folder that holds node_modules for npm packages.
	Root string
	// Env is what the program needs in its environment, as os.Environ has it.
	Env []string
}

// errMissing reports that a tool is not installed.
var errMissing = errors.New(`not installed: run "make tools"`)

// Need returns where the tool is, and fails the test if it is not installed.
func (tool Tool) Need(t testing.TB) Place {
	t.Helper()
	place, err := tool.find()
	if err != nil {
		t.Fatalf("%s: %v", tool.Name, err)
	}
	return place
}

func (tool Tool) find() (Place, error) {
	if place, ok := tool.method.system(); ok {
		return place, nil
	}
	module, err := moduleRoot()
	if err != nil {
		return Place{}, err
	}
	dir, err := tool.cacheDir(module)
	if err != nil {
		return Place{}, err
	}
	installed := filepath.Join(dir, "installed")
	if _, err := os.Stat(installed); err != nil {
		return Place{}, errMissing
	}
	return tool.method.place(installed), nil
}

// Install installs those tools that are missing, and says what it is doing. A
// tool that cannot be installed does not keep the others from it.
func Install(ctx context.Context, log io.Writer, tools ...Tool) error {
	var errs []error
	for _, tool := range tools {
		if err := tool.install(ctx, log); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", tool.Name, err))
		}
	}
	return errors.Join(errs...)
}

func (tool Tool) install(ctx context.Context, log io.Writer) error {
	if _, err := tool.find(); !errors.Is(err, errMissing) {
		return err
	}
	module, err := moduleRoot()
	if err != nil {
		return err
	}
	dir, err := tool.cacheDir(module)
	if err != nil {
		return err
	}
	scratch := filepath.Join(dir, "scratch")
	if err := os.MkdirAll(scratch, 0o777); err != nil {
		return err
	}
	unlock, err := lockedfile.MutexAt(filepath.Join(dir, "lock")).Lock()
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := tool.find(); err == nil { // another process installed it
		return nil
	}
	fmt.Fprintf(log, "%s: installing in %s\n", tool.Name, dir)
	began := time.Now()
	temp := filepath.Join(dir, "new") // the lock is ours
	if err := os.RemoveAll(temp); err != nil {
		return err
	}
	if err := os.MkdirAll(temp, 0o777); err != nil {
		return err
	}
	if err := tool.method.install(ctx, module, temp, scratch); err != nil {
		return err
	}
	if err := os.Rename(temp, filepath.Join(dir, "installed")); err != nil {
		return err
	}
	fmt.Fprintf(log, "%s: installed in %s\n", tool.Name, time.Since(began).Round(time.Second))
	return os.RemoveAll(scratch)
}
