package pack

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/regsnap/regsnap/internal/testtools"
)

// TestFullDiskAtTheEnd: a pack whose tables do not fit on the disk is an error, and its file
// goes.
func TestFullDiskAtTheEnd(t *testing.T) {
	if !testtools.Alone(t) {
		return
	}
	p := craft(t)
	for i := range 1000 {
		content := fmt.Append(nil, i)
		p.put(blobTable, idOf(content), content)
	}
	p.sheet("a", &sheet{contents: []byte("{}")})
	if err := testtools.WithMaxFileSize(t, 8000, func() error { _, err := p.w.close(); return err }); !errors.Is(err, syscall.EFBIG) {
		t.Errorf("%v", err)
	}
	names, err := os.ReadDir(p.dir)
	if err != nil || len(names) > 0 && strings.HasPrefix(names[0].Name(), "pack-") {
		t.Errorf("%v were left: %v", names, err)
	}
}
