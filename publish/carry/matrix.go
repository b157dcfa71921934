package carry

import (
	"fmt"
	"net/url"
	"strconv"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// Matrix is the file that the registry's download tool takes: each entry of the
// matrix is combined with each query, whose parameters win, and pinned packages
// are added.
type Matrix struct {
	// Address is the registry to ask; what is taken from a bucket has no use for it.
	Address string `yaml:"address"`
	// Versions is how many of the newest versions of each package to take, where
	// neither query nor matrix entry says it; 0 is as the registry answers.
	Versions int              `yaml:"version.limit"`
	Matrix   []matrixQuery    `yaml:"matrix"`
	Queries  []matrixQuery    `yaml:"queries"`
	Packages []matrixPackage  `yaml:"packages"`
	Actions  []map[string]any `yaml:"actions"` // of the tool; of no use here
}

// matrixQuery are the parameters that the tool knows.
type matrixQuery struct {
	Package    literal `yaml:"package"`
	All        bool    `yaml:"all"`
	Prerelease bool    `yaml:"prerelease"`
	Type       literal `yaml:"type"`
	Kibana     literal `yaml:"kibana.version"`
	SpecMin    literal `yaml:"spec.min"`
	SpecMax    literal `yaml:"spec.max"`
	Versions   *int    `yaml:"version.limit"`
}

type matrixPackage struct {
	Name    literal `yaml:"name"`
	Version literal `yaml:"version"`
}

// literal is a scalar as it is written: 3.10 is a version, not a number.
type literal string

func (l *literal) UnmarshalYAML(node ast.Node) error {
	scalar, ok := node.(ast.ScalarNode)
	if !ok {
		return fmt.Errorf("line %d: want a single value", node.GetToken().Position.Line)
	}
	*l = literal(scalar.GetToken().Value)
	return nil
}

// ParseMatrix reads such a file. A key that is not known is an error.
func ParseMatrix(data []byte) (*Matrix, error) {
	m := new(Matrix)
	if err := yaml.UnmarshalWithOptions(data, m, yaml.Strict()); err != nil {
		return nil, err
	}
	for i, p := range m.Packages {
		if p.Name == "" || p.Version == "" {
			return nil, fmt.Errorf("packages[%d]: a package is pinned by name and version", i)
		}
	}
	if len(m.Queries)+len(m.Packages) == 0 {
		return nil, fmt.Errorf("neither queries nor packages: nothing is asked for (a query of {} asks for everything)")
	}
	return m, nil
}

// Slice is what the file asks for: what the searches list and no more, as the tool takes it.
func (m *Matrix) Slice() layout.Slice {
	var s layout.Slice
	matrix := m.Matrix
	if len(matrix) == 0 {
		matrix = []matrixQuery{{}}
	}
	for _, entry := range matrix {
		for _, q := range m.Queries {
			values := entry.values()
			values.Set(answer.Exact, "true")
			for name, v := range q.values() {
				values[name] = v
			}
			versions := m.Versions
			for _, own := range []*int{entry.Versions, q.Versions} {
				if own != nil {
					versions = *own
				}
			}
			s.Queries = append(s.Queries, layout.SliceQuery{Query: values.Encode(), Versions: max(versions, 0)})
		}
	}
	for _, p := range m.Packages {
		s.Packages = append(s.Packages, string(p.Name)+"-"+string(p.Version))
	}
	return s
}

func (q matrixQuery) values() url.Values {
	values := url.Values{}
	for _, p := range []struct {
		name  string
		value literal
	}{{"package", q.Package}, {"type", q.Type}, {"kibana.version", q.Kibana}, {"spec.min", q.SpecMin}, {"spec.max", q.SpecMax}} {
		if p.value != "" {
			values.Set(p.name, string(p.value))
		}
	}
	for name, on := range map[string]bool{"all": q.All, "prerelease": q.Prerelease} {
		if on {
			values.Set(name, strconv.FormatBool(on))
		}
	}
	return values
}
