package parse

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Category is one entry of the registry's table of categories.
type Category struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	// Parent is the id of the category that this one refines; empty if none.
	Parent string `json:"parent,omitempty"`
}

var (
	//go:embed categories.json
	categoriesJSON []byte
	//go:embed ingestion_methods.json
	ingestionMethodsJSON []byte

	categories       = mustCategories(categoriesJSON)
	ingestionMethods = mustStrict[map[string]string](ingestionMethodsJSON)
)

// Categories is the table of categories, sorted by id. It is a copy.
func Categories() []Category { return slices.Clone(categories) }

// lookupCategory finds a category by its id.
func lookupCategory(id string) (Category, bool) {
	i, ok := slices.BinarySearchFunc(categories, id, func(c Category, id string) int {
		return strings.Compare(c.ID, id)
	})
	if !ok {
		return Category{}, false
	}
	return categories[i], true
}

// ingestionMethod names how an input of that type collects data ("File",
// "API", ...); empty when the table does not say.
func ingestionMethod(input string) string { return ingestionMethods[input] }

func mustCategories(data []byte) []Category {
	list := mustStrict[[]Category](data)
	slices.SortFunc(list, func(a, b Category) int { return strings.Compare(a.ID, b.ID) })
	return list
}

// mustStrict reads a table that is part of this program: one that does not fit
// is a mistake of the build, so it ends the program.
func mustStrict[T any](data []byte) T {
	var v T
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		panic(fmt.Sprintf("index: embedded table: %v", err))
	}
	return v
}
