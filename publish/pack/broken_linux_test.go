package pack

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
)

// TestFullDiskAtTheEnd: a pack whose tables do not fit on the disk is an error, and its file
// goes.
func TestFullDiskAtTheEnd(t *testing.T) {
	p := craft(t)
	for i := range 1000 {
		content := fmt.Append(nil, i)
		p.put(blobTable, idOf(content), content)
	}
	p.sheet("a", &sheet{contents: []byte("{}")})
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	t.Cleanup(func() { signal.Reset(syscall.SIGXFSZ) })
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 8000, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	_, err := p.w.close()
	if e := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); e != nil {
		t.Fatal(e)
	}
	if !errors.Is(err, syscall.EFBIG) {
		t.Errorf("%v", err)
	}
	names, err := os.ReadDir(p.dir)
	if err != nil || len(names) > 0 && strings.HasPrefix(names[0].Name(), "pack-") {
		t.Errorf("%v were left: %v", names, err)
	}
}
