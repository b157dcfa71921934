package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
	"github.com/regsnap/regsnap/publish"
)

func inspectCommand() *cli.Command {
	return &cli.Command{
		Name:      "inspect",
		Category:  groupOperate,
		Usage:     "show what is in a snapshot, or which response answers a URL and why",
		ArgsUsage: "[PATH-OR-URL]",
		Description: `   regsnap inspect --bucket file:///srv/registry --env production
   regsnap inspect --bucket file:///srv/registry --env production --packages
   regsnap inspect --bucket file:///srv/registry --env production '/search?kibana.version=8.5.0&package=nginx'

For a search the answer lists what is in it. With package=NAME, or --why NAME,
each version of that package that is left out comes with the reason.`,
		Flags: []cli.Flag{
			configFlag(), bucketFlag(), envFlag(),
			snapshotFlag("the live one"),
			&cli.BoolFlag{Name: "packages", Usage: "list every package version, its branch and revision"},
			&cli.StringFlag{Name: "why", Usage: "say for each version of package `NAME` why a search does not return it"},
			jsonFlag(),
		},
		Action: runInspect,
	}
}

func runInspect(c *cli.Context) (err error) {
	cfg, err := settings(c)
	if err != nil {
		return err
	}
	if c.Args().Len() > 1 {
		return usagef("regsnap inspect takes one path or URL")
	}
	env, err := oneEnv(c)
	if err != nil {
		return err
	}
	bucket, err := cfg.openEnvironment(c.Context, env)
	if err != nil {
		return err
	}
	defer closing(&err, "bucket", bucket)
	id, live, err := chosenSnapshot(c.Context, bucket, env, c.String("snapshot"))
	if err != nil {
		return err
	}
	if !c.Args().Present() {
		return inspectSnapshot(c, bucket, env, id, live)
	}
	return inspectRequest(c, bucket, env, id, c.Args().First())
}

// chosenSnapshot is the one that a command is about, by default the live one.
func chosenSnapshot(ctx context.Context, b *publish.Bucket, env, id string) (string, bool, error) {
	p, err := b.Pointer(ctx, env)
	switch {
	case errors.Is(err, fs.ErrNotExist) && id == "":
		return "", false, fmt.Errorf("environment %s has no live snapshot in this bucket: build with --publish, or name one with --snapshot", env)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", false, err
	case id == "":
		return p.Snapshot, true, nil
	}
	if id, err = namedSnapshot(ctx, b, env, id); err != nil {
		return "", false, err
	}
	return id, id == p.Snapshot, nil
}

// namedSnapshot is the id of the snapshot that a person named.
func namedSnapshot(ctx context.Context, b *publish.Bucket, env, name string) (string, error) {
	id, err := b.Resolve(ctx, env, name)
	if errors.Is(err, publish.ErrNotName) {
		return "", usagef("%w%s", err, didYouMean(name, append([]string{"live", "previous"}, tagNames(ctx, b, env)...)))
	}
	if errors.Is(err, publish.ErrAmbiguous) {
		return "", usageError{err}
	}
	return id, err
}

// tagNames are the tags of an environment, for suggestions: none if they cannot be read.
func tagNames(ctx context.Context, b *publish.Bucket, env string) []string {
	tags, err := b.Tags(ctx, env)
	if err != nil {
		return nil
	}
	var out []string
	for _, t := range tags {
		out = append(out, t.Name)
	}
	return out
}

// inspected is what `regsnap inspect --json` prints of a snapshot.
type inspected struct {
	Environment string `json:"environment"`
	Snapshot    string `json:"snapshot"`
	Live        bool   `json:"live"`
	// Manifest is as the bucket has it.
	Manifest *layout.Manifest `json:"manifest"`
}

func inspectSnapshot(c *cli.Context, b *publish.Bucket, env, id string, live bool) error {
	m, err := b.Manifest(c.Context, env, id)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return printJSON(c.App.Writer, inspected{env, id, live, m})
	}
	w := c.App.Writer
	state := ""
	if live {
		state = " (live)"
	}
	fmt.Fprintf(w, "%s %s%s, built by regsnap %s\n", env, id, state, m.Regsnap)
	t := table{columns: []column{{}, {}, {least: 10}, {least: 14}}}
	for _, br := range m.Branches {
		t.row(texts("branch "+br.Name, orDash(br.Commit, 12), plural(br.Packages, "package"), hidden(br))...)
		if br.Commit != "" {
			t.row(cell{}, cell{text: when(br.Time), short: br.Time.UTC().Format("2006-01-02")}, cell{text: clean(br.Author)}, cell{text: clean(br.Subject)})
		}
	}
	if err := t.write(w, screenOf(c)); err != nil {
		return err
	}
	printSlice(w, m.Slice)
	var bytes, gzip int64
	for _, r := range m.Responses {
		bytes += r.Size
		gzip += r.Gzip
	}
	fmt.Fprintf(w, "%s, %s (%s, %s encoded), routes %s\n", plural(len(m.Packages), "package version"),
		plural(len(m.Responses), "response"), size(bytes), size(gzip), size(m.Routes.Size))
	fmt.Fprintln(w, coverage(m.Coverage))
	if !c.Bool("packages") {
		return nil
	}
	fmt.Fprintln(w)
	t = table{columns: []column{{title: "PACKAGE", least: 12}, {title: "VERSION"}, {title: "BRANCH"}, {title: "REVISION", drop: 2}, {title: "HIDES", least: 8, drop: 1}}}
	for _, p := range m.Packages {
		t.row(texts(p.Name, p.Version, p.Branch, p.Revision, strings.Join(p.Hides, ", "))...)
	}
	return t.write(w, screenOf(c))
}

func orDash(s string, n int) string {
	if s == "" {
		return "no commit"
	}
	return s[:min(len(s), n)]
}

func hidden(b layout.ManifestBranch) string {
	if b.Hidden == 0 {
		return ""
	}
	return fmt.Sprintf("%d hidden by branches before it", b.Hidden)
}

// explained is what inspect finds about a request.
type explained struct {
	Environment string            `json:"environment"`
	Snapshot    string            `json:"snapshot"`
	Status      int               `json:"status"`
	ContentType string            `json:"content_type,omitempty"`
	Cache       []string          `json:"cache_control,omitempty"`
	Location    string            `json:"location,omitempty"`
	Key         string            `json:"key,omitempty"`
	Span        *explainedSpan    `json:"span,omitempty"` // of the object, if that is not all of it
	Rendered    *bool             `json:"rendered,omitempty"`
	Parts       []string          `json:"parts,omitempty"` // of the catalog, if it is not rendered ahead
	Body        string            `json:"body,omitempty"`
	Entries     []explainedEntry  `json:"entries,omitempty"`
	Left        []explainedReason `json:"left_out,omitempty"`
}

// explainedSpan is where an archive holds a file that is no object, in bytes.
type explainedSpan struct {
	Offset   int64 `json:"offset"`
	Size     int64 `json:"size"`
	Deflated bool  `json:"deflated"`
}

func (s *explainedSpan) String() string {
	if s == nil {
		return ""
	}
	form := "as it is"
	if s.Deflated {
		form = "deflated"
	}
	return fmt.Sprintf(", %d bytes from byte %d on, %s", s.Size, s.Offset, form)
}

type explainedEntry struct {
	Name      string `json:"package"`
	Version   string `json:"version"`
	Templates []int  `json:"kept_policy_templates,omitempty"`
}

type explainedReason struct {
	Name    string `json:"package"`
	Version string `json:"version"`
	Reason  string `json:"reason"`
}

func inspectRequest(c *cli.Context, b *publish.Bucket, env, id, target string) error {
	u, err := url.Parse(target)
	if err != nil {
		return usageError{err}
	}
	m, routes, err := b.Snapshot(c.Context, env, id)
	if err != nil {
		return err
	}
	t, err := answer.NewTable(routes)
	if err != nil {
		return err
	}
	if why := c.String("why"); why != "" && !slices.Contains(t.Names, why) {
		return usagef("--why %s: %s has no package of that name%s", why, id, didYouMean(why, t.Names))
	}
	a := t.Answer(http.MethodGet, u)
	e := explained{Environment: env, Snapshot: id, Status: a.Status, ContentType: a.ContentType, Cache: t.Cache.Header(a.Cache), Location: a.Location}
	switch a.Kind {
	case answer.Archive:
		e.Key = a.Revision.ArchiveKey()
	case answer.Signature:
		e.Key = a.Revision.SignatureKey()
	case answer.File:
		if err := explainFile(c.Context, b, m, &e, a); err != nil {
			return err
		}
	case answer.Document, answer.Search, answer.Count:
		if err := explainResponse(c.Context, b, m, t, &e, a); err != nil {
			return err
		}
	default:
		if strings.HasPrefix(a.ContentType, "text/plain") {
			e.Body = strings.TrimSpace(string(a.Body))
		}
	}
	if a.Query != nil && !a.Query.Counting {
		for _, row := range a.Selection.Rows {
			e.Entries = append(e.Entries, explainedEntry{t.Name(row), t.Versions[row], a.Selection.Kept[row]})
		}
		e.Left = leftOut(t, *a.Query, c.String("why"))
	}
	if c.Bool("json") {
		return printJSON(c.App.Writer, e)
	}
	return e.print(c.App.Writer, screenOf(c))
}

func explainFile(ctx context.Context, b *publish.Bucket, m *layout.Manifest, e *explained, a answer.Answer) error {
	i := slices.IndexFunc(m.Packages, func(p layout.ManifestPackage) bool {
		return p.Name == a.Revision.Name && p.Version == a.Revision.Version
	})
	if i < 0 {
		return fmt.Errorf("%w: routes and manifest of %s disagree about %s-%s", publish.ErrDamaged, e.Snapshot, a.Revision.Name, a.Revision.Version)
	}
	_, contents, err := b.Contents(ctx, a.Revision, m.Packages[i].Contents)
	if err = b.Explain(ctx, m.Environment, e.Snapshot, err); err != nil {
		return err
	}
	f := contents.Find(a.Path)
	if f == nil {
		none := answer.NoResource()
		e.Status, e.ContentType, e.Body = none.Status, none.ContentType, strings.TrimSpace(string(none.Body))
		return nil
	}
	e.Key, e.ContentType = a.Revision.FileKey(a.Path), f.Type
	if !contents.Own(f) {
		offset, size := f.Span()
		e.Key, e.Span = a.Revision.ArchiveKey(), &explainedSpan{offset, size, f.Deflate != nil}
	}
	return nil
}

// explainResponse reports whether the answer was rendered ahead, plain or encoded:
// the manifest says so, and the object is there and sound.
func explainResponse(ctx context.Context, b *publish.Bucket, m *layout.Manifest, t *answer.Table, e *explained, a answer.Answer) error {
	i := slices.IndexFunc(m.Responses, func(r layout.ManifestResponse) bool { return r.Digest == a.Digest && !r.Part })
	rendered := i >= 0
	e.Rendered = &rendered
	if !rendered {
		for _, part := range t.Parts(a.Selection.Rows) {
			e.Parts = append(e.Parts, layout.PartKey(t.Catalog[part].Digest))
		}
		return nil
	}
	r := m.Responses[i]
	want := layout.ObjectDigest{Size: r.Size, SHA256: r.SHA256}
	e.Key = r.Keys()[0]
	var err error
	if r.EncodedOnly {
		err = b.FetchEncoded(ctx, e.Key, io.Discard, r.Gzip, want)
	} else {
		err = b.Fetch(ctx, e.Key, io.Discard, want)
	}
	return b.Explain(ctx, m.Environment, e.Snapshot, err)
}

// leftOut gives the reasons for the versions of one package.
func leftOut(t *answer.Table, q answer.Query, name string) []explainedReason {
	if name == "" {
		name = q.Package
	}
	var out []explainedReason
	from, to := t.Versioned(name)
	for row := from; row < to; row++ {
		if reason := t.Explain(q, row); reason != "" {
			out = append(out, explainedReason{name, t.Versions[row], reason})
		}
	}
	return out
}

func (e explained) print(w io.Writer, s screen) error {
	fmt.Fprintf(w, "snapshot       %s\nstatus         %d %s\n", e.Snapshot, e.Status, http.StatusText(e.Status))
	for _, line := range []struct{ name, value string }{
		{"content type", e.ContentType}, {"cache control", strings.Join(e.Cache, ", ")},
		{"location", e.Location}, {"body", clean(e.Body)},
	} {
		if line.value != "" {
			fmt.Fprintf(w, "%-14s %s\n", line.name, line.value)
		}
	}
	switch {
	case e.Rendered == nil && e.Key != "":
		fmt.Fprintf(w, "%-14s %s%s\n", "object", e.Key, e.Span)
	case e.Rendered != nil && *e.Rendered:
		fmt.Fprintf(w, "%-14s %s (rendered ahead)\n", "object", e.Key)
	case e.Rendered != nil:
		fmt.Fprintf(w, "%-14s assembled by the edge from %s\n", "object", plural(len(e.Parts), "part")+" of the catalog")
		for _, key := range e.Parts {
			fmt.Fprintf(w, "%-14s %s\n", "", key)
		}
	}
	if len(e.Entries) > 0 || len(e.Left) > 0 {
		fmt.Fprintf(w, "%-14s %s\n", "entries", plural(len(e.Entries), "package version"))
	}
	t := table{indent: "  ", columns: []column{{least: 12}, {}, {least: 20}}}
	for _, x := range e.Entries {
		kept := ""
		if x.Templates != nil {
			kept = fmt.Sprintf("only policy templates %v", x.Templates)
		}
		t.row(texts("+ "+x.Name, x.Version, kept)...)
	}
	for _, x := range e.Left {
		t.row(texts("- "+x.Name, x.Version, x.Reason)...)
	}
	return t.write(w, s)
}
