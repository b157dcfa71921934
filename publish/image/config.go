package image

import (
	"fmt"
	"strconv"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/regsnap/regsnap/layout"
)

// versionNote is the annotation with the id of an image's snapshot.
const versionNote = "org.opencontainers.image.version"

// Where things lie in an image, and how it runs.
const (
	programPath  = "regsnap"
	registryPath = "registry"
	// user is the number that images without users of their own have for "nobody
	// in particular": Kubernetes' runAsNonRoot wants a number.
	user = "65532:65532"
	// port is not a privileged one: the user may not open those everywhere.
	port = "8080"
)

// How an engine asks whether a container is well.
const (
	healthInterval = 10 * time.Second
	healthTimeout  = 3 * time.Second
	healthStart    = 5 * time.Second
	healthRetries  = 3
)

// configFile says how an image of a snapshot runs. Its layers are added later.
func configFile(m *layout.Manifest, p Program) *v1.ConfigFile {
	labels := provenance(m)
	if at := p.builtFrom(); at != "" {
		labels["regsnap.program"] = at
	}
	return &v1.ConfigFile{
		OS: "linux", Architecture: p.Arch, Created: v1.Time{Time: m.Time().UTC()},
		RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{
			User:         user,
			WorkingDir:   "/",
			Entrypoint:   []string{"/" + programPath, "serve", "--bucket", "pack:///" + registryPath, "--env", m.Environment},
			Env:          []string{"REGSNAP_LISTEN=:" + port},
			ExposedPorts: map[string]struct{}{port + "/tcp": {}},
			StopSignal:   "SIGTERM",
			Labels:       labels,
			// There is no shell: the program asks itself.
			Healthcheck: &v1.HealthConfig{
				Test:     []string{"CMD", "/" + programPath, "health"},
				Interval: healthInterval, Timeout: healthTimeout, StartPeriod: healthStart, Retries: healthRetries,
			},
		},
	}
}

// provenance says where a snapshot comes from, as labels and annotations.
func provenance(m *layout.Manifest) map[string]string {
	id := m.ID()
	out := map[string]string{
		"org.opencontainers.image.title":       "Package registry, " + m.Environment,
		"org.opencontainers.image.description": fmt.Sprintf("Snapshot %s of the %s environment: %d package versions, served by regsnap", id, m.Environment, len(m.Packages)),
		versionNote:                            id,
		"regsnap.environment":                  m.Environment,
		"regsnap.snapshot":                     id,
		"regsnap.version":                      m.Regsnap,
		"regsnap.render":                       strconv.Itoa(m.Render),
		"regsnap.packages":                     strconv.Itoa(len(m.Packages)),
	}
	if at := m.Time(); !at.IsZero() {
		out["org.opencontainers.image.created"] = at.UTC().Format(time.RFC3339)
	}
	for _, b := range m.Branches {
		if b.Commit == "" {
			continue
		}
		out["regsnap.commit."+b.Name] = b.Commit
		if b.Time.Equal(m.Time()) {
			out["org.opencontainers.image.revision"] = b.Commit
		}
	}
	if m.Slice != nil {
		out["regsnap.slice-of"] = m.Slice.Snapshot
	}
	return out
}
