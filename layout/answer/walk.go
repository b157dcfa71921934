package answer

// Walk goes through the queries of /search and /categories whose answers can
// differ, class by class, the most important first. The order depends on nothing
// but the tables.
//
// Source: what clients send, as docs/queries.md says.
type Walk struct {
	tables tables
	names  []string
	values Values
	// families are queries that are combined from the same parameters.
	families []family
	limit    int
	work     int
}

// family is the current rules or the legacy ones.
type family struct {
	legacy bool
	// types come first: /categories has no such parameter.
	dimensions []dimension
}

// Class is a class of queries that have one answer.
type Class struct {
	// Query is the first of them.
	Query Query
	// Rows are those of each table that are in the answer, until a category is
	// picked. They are only good until the next class.
	Rows []Set

	queries *int
}

// Queries is how many queries the class stands for. It grows until the walk has
// ended: which queries share an answer is found out on the way.
func (c Class) Queries() int { return *c.queries }

// NewWalk prepares a walk through the queries of a table. It ends when so much
// work was done, in machine words and table rows that were looked at; 0 is no
// limit. Classes multiply, and some table could have few answers to very many.
func NewWalk(t *Table, limit int) *Walk {
	return newWalk(tables{{t, t.all}}, t.Names, limit)
}

func newWalk(ts tables, names []string, limit int) *Walk {
	v := ts.values()
	types, kibana := newDimension(ts, v.Types, setType), newDimension(ts, v.Kibana, setKibana)
	current := []dimension{
		types, newDimension(ts, v.Capabilities, setCapabilities), newDimension(ts, v.Specs, setSpecs),
		kibana, newDimension(ts, []bool{true, false}, setPrerelease),
	}
	return &Walk{tables: ts, names: names, values: v, limit: limit, families: []family{{false, current}, {true, []dimension{types, kibana}}}}
}

// Spend notes work that was done for a class.
func (w *Walk) Spend(work int) { w.work += work }

func (w *Walk) spent() bool { return w.limit > 0 && w.work > w.limit }

// Queries is how many queries there are: every combination of values.
func (w *Walk) Queries() int {
	n := 0
	for _, f := range w.families {
		counted := 1
		for _, d := range f.dimensions[1:] {
			counted *= d.values
		}
		n += 2*counted + f.dimensions[0].values*counted*(len(w.values.Categories)+2*len(w.names)+1)
	}
	return n
}

// Classes calls yield for each class until it returns false, or until the limit
// of work is reached.
func (w *Walk) Classes(yield func(Class) bool) {
	v := visit{Walk: w, yield: yield}
	for _, f := range w.families {
		v.lists(f, false)
		v.packages(f, false)
		v.counts(f)
		// Every version is what mirrors and test tools ask for: of all packages
		// or of one, never of a category.
		v.packages(f, true)
		v.lists(f, true)
	}
}

// visit is one way through the classes.
type visit struct {
	*Walk
	yield func(Class) bool
	// stopped: yield wants no more.
	stopped bool
}

func (v *visit) ended() bool { return v.stopped || v.spent() }

func (v *visit) class(c Class) {
	if !v.ended() {
		v.stopped = !v.yield(c)
	}
}

// lists are searches without a package name: first all without a category, which
// everyone asks for and which are the most work to assemble, then those for
// each category.
func (v *visit) lists(f family, all bool) {
	var found []Class
	v.distinct(v.everything(f), Query{Experimental: f.legacy, All: all}, f.dimensions, func(c Class) {
		v.class(c)
		c.Rows = nil // those of all would be too much to keep
		found = append(found, c)
	})
	if all {
		return
	}
	for _, c := range found {
		if v.ended() {
			return
		}
		c.Rows = v.newest(v.tables.filter(c.Query), c.Query)
		for _, category := range v.values.Categories[1:] { // the first stands for no category
			c.Query.Category = category
			v.Spend(len(v.tables[0].rows))
			v.class(c)
		}
	}
}

// packages are searches for one package by name. Few of the classes differ in
// its few rows.
func (v *visit) packages(f family, all bool) {
	everything := v.everything(f)
	for _, name := range v.names {
		if v.ended() {
			return
		}
		only := v.tables.slice(everything, name)
		dimensions := make([]dimension, len(f.dimensions))
		for i, d := range f.dimensions {
			dimensions[i] = d.within(v.tables, name)
			v.Spend(len(d.classes) * len(only))
		}
		v.distinct(only, Query{Experimental: f.legacy, All: all, Package: name}, dimensions, v.class)
	}
}

// counts are the requests to /categories.
func (v *visit) counts(f family) {
	v.distinct(v.everything(f), Query{Experimental: f.legacy, Counting: true}, f.dimensions[1:], func(c Class) {
		for _, templates := range []bool{true, false} {
			c.Query.IncludePolicyTemplates = templates
			v.class(c)
		}
	})
}

// everything are the rows without any parameter of a family.
func (w *Walk) everything(f family) Set {
	return w.tables.filter(Query{Experimental: f.legacy, Prerelease: true})
}

// newest is step 2 of a search, in every table.
func (w *Walk) newest(rows Set, q Query) []Set {
	out := w.tables.split(rows)
	for i, t := range w.tables {
		w.Spend(len(out[i]) + len(t.Names))
		out[i] = t.newest(out[i], q.Experimental, q.All)
	}
	return out
}

// distinct calls found for the combinations of dimensions that leave different
// rows after step 2 of a search. The others are counted to the one before that
// leaves the same.
func (v *visit) distinct(rows Set, base Query, dimensions []dimension, found func(Class)) {
	filtered, answered := map[rowsKey]*int{}, map[rowsKey]*int{}
	v.combine(rows, base, dimensions, func(rows Set, values int, query func() Query) {
		k := keyOf(rows)
		if n := filtered[k]; n != nil {
			*n += values
			return
		}
		q := query()
		if q.Package != "" {
			rows = v.tables.filter(q) // those at hand are cut to the package
		}
		newest := v.newest(rows, q)
		var all Set
		for _, s := range newest {
			all = append(all, s...)
		}
		a := keyOf(all)
		if n := answered[a]; n != nil {
			filtered[k] = n
			*n += values
			return
		}
		n := new(int)
		*n, filtered[k], answered[a] = values, n, n
		found(Class{q, newest, n})
	})
}

// combine calls visit for the combinations of dimensions, the most important
// first.
//
// How important a combination is follows from the places that its classes have
// among those of their dimensions: their product counts. So a rare value of one
// parameter comes early if the others have none, and rare values of several late.
func (v *visit) combine(from Set, base Query, dimensions []dimension, visit func(rows Set, values int, query func() Query)) {
	chosen := make([]class, len(dimensions))
	most := 1
	for _, d := range dimensions {
		most *= len(d.classes)
	}
	rows := from.clone()
	query := func() Query {
		q := base
		for _, c := range chosen {
			c.set(&q)
		}
		return q
	}
	for product := 1; product <= most && !v.ended(); product++ {
		v.places(product, dimensions, chosen, func() {
			copy(rows, from)
			values := 1
			for _, c := range chosen {
				rows.and(c.rows)
				values *= c.values
			}
			v.Spend(len(rows) + classWork)
			visit(rows, values, query)
		})
	}
}

// classWork is what a class costs beside its rows, in the unit of the limit. It
// bounds the memory for those that were seen, too.
const classWork = 256

// places calls visit for each choice of a class of every dimension whose places,
// counted from 1, have that product.
func (v *visit) places(product int, dimensions []dimension, chosen []class, visit func()) {
	at := len(chosen) - len(dimensions)
	classes := dimensions[0].classes
	if len(dimensions) == 1 {
		if product <= len(classes) && !v.ended() {
			chosen[at] = classes[product-1]
			visit()
		}
		return
	}
	n := min(product, len(classes))
	v.Spend(n)
	for i := range n {
		if product%(i+1) == 0 {
			chosen[at] = classes[i]
			v.places(product/(i+1), dimensions[1:], chosen, visit)
		}
	}
}
