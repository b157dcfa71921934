package check

import (
	"cmp"
	"context"
	"encoding/binary"
	"hash/fnv"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/regsnap/regsnap/layout/answer"
)

// thorough is the part of queries and documents that are also asked with HEAD
// and conditionally: one in so many.
const thorough = 10

// plan is what is to be asked.
type plan struct {
	probes []probe
	// all is how many requests there would be without a bound, chosen how many
	// are left.
	all, chosen int
}

// newPlan lists the requests of an environment. The same options and snapshot
// give the same list. What a bound cuts off is a part of every kind.
func newPlan(ctx context.Context, ref *reference, o Options) (*plan, error) {
	t := ref.table
	var queries, documents []probe
	for target := range t.Questions {
		kind := kindSearch
		if strings.HasPrefix(target, "/categories") {
			kind = kindCategories
		}
		queries = append(queries, o.asked(kind, target))
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	for row := range t.Rows() {
		documents = append(documents, o.asked(kindDocument, "/package/"+t.Name(row)+"/"+url.PathEscape(t.Versions[row])+"/"))
	}
	pages := o.pages(t)
	packages, err := packages(ctx, ref, o)
	if err != nil {
		return nil, err
	}
	return o.choose(fixed(t, o.Level), queries, documents, pages, packages), nil
}

// pages are the addresses of the catalogue for people, which a registry of another
// make does not have.
func (o Options) pages(t *answer.Table) (out []probe) {
	if t.Site == "" || o.Level == API {
		return nil
	}
	add := func(paths ...string) {
		for _, p := range paths {
			out = append(out, o.asked(kindPage, "/catalog/"+p))
		}
	}
	add("", "-/environment/", "-/environment", "-/feed.xml", "-/packages.json", "-/none/", "none/")
	for row := range t.Rows() {
		name := t.Name(row)
		if row == 0 || t.Name(row-1) != name {
			add(name+"/", name+"/feed.xml", name+"/versions.json")
		}
		add(name + "/" + url.PathEscape(t.Versions[row]) + "/")
	}
	return out
}

// asked is a probe of an answer that is text.
func (o Options) asked(kind, target string) probe {
	p := probe{kind, http.MethodGet, target, plain | encoded}
	if fraction(o.Seed, "thorough "+target) < 1.0/thorough {
		p.ways |= head | conditional
	}
	return p
}

// choose puts the first list first and mixes the others, each spread evenly, and
// cuts off what is too much.
func (o Options) choose(first []probe, others ...[]probe) *plan {
	type placed struct {
		probe
		at float64
	}
	var mixed []placed
	for _, list := range others {
		order := slices.Clone(list)
		slices.SortStableFunc(order, func(a, b probe) int {
			return cmp.Compare(fraction(o.Seed, "order "+a.id()), fraction(o.Seed, "order "+b.id()))
		})
		for i, p := range order {
			mixed = append(mixed, placed{p, (float64(i) + 0.5) / float64(len(order))})
		}
	}
	slices.SortStableFunc(mixed, func(a, b placed) int { return cmp.Compare(a.at, b.at) })
	out := &plan{}
	add := func(p probe) {
		if o.ignores(p.kind) {
			return
		}
		n := p.requests()
		out.all += n
		if out.all <= o.MaxRequests {
			out.chosen += n
			out.probes = append(out.probes, p)
		}
	}
	for _, p := range first {
		add(p)
	}
	for _, p := range mixed {
		add(p.probe)
	}
	return out
}

// fraction is a number from 0 to below 1 that looks random and follows from the
// seed and a name.
func fraction(seed uint64, name string) float64 {
	h := fnv.New64a()
	h.Write(binary.LittleEndian.AppendUint64(nil, seed)) // never fails
	h.Write([]byte(name))
	// The last bytes of a name must reach the upper bits (Murmur3's finalizer).
	v := h.Sum64()
	v ^= v >> 33
	v *= 0xff51afd7ed558ccd
	v ^= v >> 33
	v *= 0xc4ceb9fe1a85ec53
	v ^= v >> 33
	return float64(v>>11) / (1 << 53)
}
