package store

import (
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/regsnap/regsnap/layout"
)

// TestFullDisk: what does not fit is an error, and leaves nothing. No test may run beside
// it: the limit is that of the process.
func TestFullDisk(t *testing.T) {
	s := newFileStore(t.TempDir())
	putFile(t, s, layout.Object{Key: "packages/old", Body: []byte("0123456789")})
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ) // the error of the write says it
	defer signal.Reset(syscall.SIGXFSZ)
	few := was
	few.Cur = 20
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &few); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
			t.Error(err)
		}
	}()
	fits, large := make([]byte, 20), make([]byte, 21)
	for what, write := range map[string]func(body []byte) error{
		"put":     func(body []byte) error { return s.Put(t.Context(), layout.Object{Key: "packages/new", Body: body}) },
		"replace": func(body []byte) error { return s.replace(t.Context(), layout.Object{Key: "packages/new", Body: body}) },
		"swap": func(body []byte) error {
			_, now, err := s.Load(t.Context(), "packages/new")
			if err := ifThere(err); err != nil {
				return err
			}
			return s.Swap(t.Context(), "packages/new", body, now)
		},
		"stage": func(body []byte) error {
			staged, err := s.stage(layout.Object{Key: "packages/new"})
			if err != nil {
				return err
			}
			if _, err = staged.Write(body); err == nil {
				err = staged.Commit(t.Context())
			}
			if e := staged.Discard(); e != nil {
				t.Error(e)
			}
			return err
		},
	} {
		if err := write(large); err == nil {
			t.Errorf("%s: 21 bytes fit into 20", what)
		}
		if exists(s.file("packages/new")) {
			t.Errorf("%s: what did not fit is there", what)
		}
		if err := write(fits); err != nil {
			t.Errorf("%s: 20 bytes: %v", what, err)
		}
		if err := os.Remove(s.file("packages/new")); err != nil {
			t.Fatal(err)
		}
		left, err := os.ReadDir(s.file("packages"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range left {
			if name := f.Name(); name != "old" && name != lockName {
				t.Errorf("%s leaves %s", what, name)
			}
		}
	}
}
