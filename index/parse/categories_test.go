package parse_test

import (
	"testing"

	"github.com/regsnap/regsnap/index/parse"
)

func TestCategories(t *testing.T) {
	list := parse.Categories()
	for i, c := range list {
		if i > 0 && list[i-1].ID >= c.ID {
			t.Errorf("%s is not after %s", c.ID, list[i-1].ID)
		}
		if c.Title == "" {
			t.Errorf("%s has no title", c.ID)
		}
		if c.Parent != "" {
			if p, ok := parse.LookupCategory(c.Parent); !ok || p.Parent != "" {
				t.Errorf("the parent of %s, %s, is not a category at the top", c.ID, c.Parent)
			}
		}
		if got, ok := parse.LookupCategory(c.ID); !ok || got != c {
			t.Errorf("LookupCategory(%s) = %+v, %v", c.ID, got, ok)
		}
	}
	if _, ok := parse.LookupCategory("nonsense"); ok {
		t.Error("nonsense is a category")
	}
	list[0].Title = "changed"
	if parse.Categories()[0].Title == "changed" {
		t.Error("Categories gives its own table away")
	}
}

func TestIngestionMethod(t *testing.T) {
	if got := parse.IngestionMethod("logfile"); got != "File" {
		t.Errorf("logfile: %q", got)
	}
	if got := parse.IngestionMethod("nonsense"); got != "" {
		t.Errorf("nonsense: %q", got)
	}
}
