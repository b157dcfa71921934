package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
	"github.com/regsnap/regsnap/publish/carry"
)

// latestQuery sees the newest version of each package, released or not.
const latestQuery = "prerelease=true"

func queryFlag() cli.Flag {
	return &cli.GenericFlag{Name: "query", Value: new(repeated), Usage: "take what the search `QUERY` sees, such as 'kibana.version=8.5.0&prerelease=true'; with &exact=true no more than it lists (repeat for several)"}
}

// repeated is a flag that is given several times. The library's own would cut a
// value at its commas, and a query may hold some.
type repeated []string

func (r *repeated) Set(value string) error {
	*r = append(*r, value)
	return nil
}

func (r *repeated) String() string { return strings.Join(*r, " ") }

func packageFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "package", Usage: "take the package `NAME[@VERSION]` too, or NAME-VERSION; without a version, all of its versions (repeat for several)"}
}

func latestFlag() cli.Flag {
	return &cli.BoolFlag{Name: "latest", Usage: "take the newest version of each package"}
}

func matrixFlag() cli.Flag {
	return &cli.StringFlag{Name: "matrix", Usage: "take what `FILE` asks for and no more: matrix × queries, and pinned packages, as the registry's download tool has them", TakesFile: true}
}

// sliceOf reads the flags that name a part of a snapshot; without any of them it
// is empty, which stands for all of it.
func sliceOf(c *cli.Context) (layout.Slice, error) {
	var s layout.Slice
	m, err := matrix(c)
	if err != nil {
		return s, err
	}
	if m != nil {
		s = m.Slice()
	}
	for _, q := range *c.Generic("query").(*repeated) {
		s.Queries = append(s.Queries, layout.SliceQuery{Query: q})
	}
	if c.Bool("latest") {
		s.Queries = append(s.Queries, layout.SliceQuery{Query: latestQuery})
	}
	s.Packages = append(s.Packages, c.StringSlice("package")...)
	if _, err := answer.NormalSlice(s); err != nil {
		return s, usageError{err}
	}
	return s, nil
}

// matrix reads --matrix; nil if it is not given.
func matrix(c *cli.Context) (*carry.Matrix, error) {
	file := c.String("matrix")
	if file == "" {
		return nil, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, usageError{err}
	}
	m, err := carry.ParseMatrix(data)
	if err != nil {
		return nil, usagef("%s: %w", file, err)
	}
	return m, nil
}

// matrixAddress is the registry that the file of --matrix names.
func matrixAddress(c *cli.Context) (string, error) {
	m, err := matrix(c)
	if err != nil || m == nil {
		return "", err
	}
	return m.Address, nil
}

// printSlice says of what a snapshot is a part, and which part.
func printSlice(w io.Writer, s *layout.SliceOf) {
	if s == nil {
		return
	}
	fmt.Fprintf(w, "slice of %s\n", clean(s.Snapshot))
	for i, q := range s.Queries {
		if i == maxListed {
			fmt.Fprintf(w, "  … and %d more queries (--json lists all)\n", len(s.Queries)-i)
			break
		}
		fmt.Fprintf(w, "  %s", clean(orAll(q.Query)))
		if q.Versions > 0 {
			fmt.Fprintf(w, " (%s)", plural(q.Versions, "version"))
		}
		fmt.Fprintln(w)
	}
	for i, p := range s.Packages {
		if i == maxListed {
			fmt.Fprintf(w, "  … and %s (--json lists all)\n", plural(len(s.Packages)-i, "more package"))
			break
		}
		fmt.Fprintf(w, "  %s\n", clean(p))
	}
}

// orAll names the query that has no parameter.
func orAll(query string) string {
	if query == "" {
		return "(no parameter)"
	}
	return query
}
