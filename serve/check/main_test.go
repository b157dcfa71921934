package check_test

import (
	"testing"

	"github.com/regsnap/regsnap/internal/testtools"
)

func TestMain(m *testing.M) { testtools.RunInMemory(m) }
