package upstream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/internal/suggest"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

const (
	// maxSearch is the largest answer to a search, in bytes: some 40,000 versions.
	maxSearch = 128 << 20
	// maxDocument is the largest package document, in bytes.
	maxDocument = 64 << 20
	// maxPackages is how many package versions a registry may have.
	maxPackages = 200_000
)

// everything is what to ask for when nothing was said.
const everything = "all=true&prerelease=true"

// offer is a package version that the registry has.
type offer struct {
	Name          string `json:"name"`
	Version       string `json:"version"`
	Download      string `json:"download"`
	SignaturePath string `json:"signature_path"`
	// Of stands for what an index says of the version, and for where its archive comes
	// from: what was fetched for the same need not be asked for again. A registry's
	// answers to searches do not say enough for that.
	Of string `json:"of,omitempty"`
}

func (o offer) id() string { return o.Name + "-" + o.Version }

// check refuses what cannot be a package of a registry. Names become file names.
func (o offer) check() error {
	if !git.ValidName(o.Name) {
		return fmt.Errorf("%w: a package called %.60q", errRefused, o.Name)
	}
	if _, err := semver.StrictNewVersion(o.Version); err != nil {
		return fmt.Errorf("%w: %s has the version %.60q", errRefused, o.Name, o.Version)
	}
	if len(o.id()) > index.MaxElement-len(".zip.sig") {
		return fmt.Errorf("%w: %.60s…: the name and version have %d characters", errRefused, o.id(), len(o.id()))
	}
	for _, p := range []string{o.Download, o.SignaturePath} {
		if err := checkPath(p); err != nil {
			return fmt.Errorf("%s: %w", o.id(), err)
		}
	}
	if o.Download == "" {
		return fmt.Errorf("%w: %s has no path to download it from", errRefused, o.id())
	}
	return nil
}

// checkPath wants a path on the same server, as the API has them.
func checkPath(p string) error {
	if p == "" {
		return nil
	}
	u, err := url.Parse(p)
	if err != nil || u.Host != "" || u.Scheme != "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		!strings.HasPrefix(u.Path, "/") || strings.Contains(u.Path+"/", "/../") || len(p) > 1000 {
		return fmt.Errorf("%w: %.100q is not a path on the registry", errRefused, p)
	}
	return nil
}

// list asks what belongs to a slice.
func (c *client) list(ctx context.Context, s layout.Slice, progress func(done, total int)) ([]offer, error) {
	s, err := answer.NormalSlice(s)
	if err != nil {
		return nil, err
	}
	if s.Empty() {
		s.Queries = []layout.SliceQuery{{Query: everything}}
	}
	found := map[string]offer{}
	total := len(s.Queries) + len(s.Packages)
	for i, q := range s.Queries {
		offers, err := c.search(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, o := range offers {
			found[o.id()] = o
		}
		if len(found) > maxPackages {
			return nil, fmt.Errorf("%w: more than %d package versions", errRefused, maxPackages)
		}
		progress(i+1, total)
	}
	var missing []string
	for i, p := range s.Packages {
		offers, err := c.named(ctx, p)
		if err != nil {
			return nil, err
		}
		if len(offers) == 0 {
			missing = append(missing, p)
		}
		for _, o := range offers {
			found[o.id()] = o
		}
		progress(len(s.Queries)+i+1, total)
	}
	if len(missing) > 0 {
		// What it has is worth asking for only now. Without an answer there is no hint.
		all, _ := c.search(ctx, layout.SliceQuery{Query: everything})
		return nil, noSuch("the registry", missing, all)
	}
	if len(found) == 0 {
		return nil, errNothing
	}
	return sorted(maps.Values(found)), nil
}

// noSuch says which of the packages asked for are missing, and what may have been
// meant.
func noSuch(where string, missing []string, offers []offer) error {
	var known []string
	for _, o := range offers {
		known = append(known, o.Name, o.id())
	}
	hint := ""
	for _, p := range missing {
		if hint = suggest.DidYouMean(p, known); hint != "" {
			break
		}
	}
	return fmt.Errorf("%s has no %s%s", where, strings.Join(missing, ", "), hint)
}

// search asks one query.
func (c *client) search(ctx context.Context, q layout.SliceQuery) ([]offer, error) {
	values, err := url.ParseQuery(q.Query)
	if err != nil {
		return nil, err
	}
	values.Del(answer.Exact) // as all of them are here
	if q.Versions > 1 {
		values.Set("all", "true")
	}
	query := values.Encode()
	body := new(memory)
	if _, err := c.get(ctx, "/search", query, state{}, maxSearch, body); err != nil {
		return nil, fmt.Errorf("search: %w", missingRoute(err))
	}
	var offers []offer
	if err := json.Unmarshal(body.Bytes(), &offers); err != nil {
		return nil, fmt.Errorf("/search?%s: %w: it is not a list of packages: %w", query, errRefused, err)
	}
	for i, o := range offers {
		if err := o.check(); err != nil {
			return nil, fmt.Errorf("/search?%s: %w", query, err)
		}
		offers[i].Of = "" // no server says that
	}
	if q.Versions > 1 {
		offers = newest(offers, q.Versions)
	}
	return offers, nil
}

// newest keeps at most that many of the newest versions of each name.
func newest(offers []offer, most int) []offer {
	byName := map[string][]offer{}
	for _, o := range offers {
		byName[o.Name] = append(byName[o.Name], o)
	}
	var out []offer
	for _, list := range byName {
		slices.SortFunc(list, func(a, b offer) int {
			return semver.MustParse(b.Version).Compare(semver.MustParse(a.Version))
		})
		out = append(out, list[:min(most, len(list))]...)
	}
	return out
}

// named asks for "name", which is all versions, or "name-version". It gives none if the
// registry has none.
func (c *client) named(ctx context.Context, p string) ([]offer, error) {
	name, version, one := strings.Cut(p, "-")
	if !one {
		return c.search(ctx, layout.SliceQuery{Query: everything + "&package=" + name})
	}
	path := "/package/" + name + "/" + version + "/"
	body := new(memory)
	if _, err := c.get(ctx, path, "", state{}, maxDocument, body); errors.Is(err, errMissing) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var o offer
	err := json.Unmarshal(body.Bytes(), &o)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w: it is not a package: %w", path, errRefused, err)
	case o.id() != p:
		return nil, fmt.Errorf("%s: %w: it is %.60q, version %.60q", path, errRefused, o.Name, o.Version)
	}
	o.Of = ""
	return []offer{o}, o.check()
}

// missingRoute says what it means that there is no search.
func missingRoute(err error) error {
	if errors.Is(err, errMissing) {
		return fmt.Errorf("%w: the server has no /search: is it a package registry?", errRefused)
	}
	return err
}

// memory is a target.
type memory struct{ bytes.Buffer }

func (m *memory) reset() error {
	m.Buffer.Reset()
	return nil
}
