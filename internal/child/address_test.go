package child_test

import (
	"net"
	"testing"

	"github.com/regsnap/regsnap/internal/child"
)

// TestAddress: an address is given once, is of the loopback interface, and is one
// that nobody listens on and no kernel chooses.
func TestAddress(t *testing.T) {
	given := map[string]bool{}
	for range 500 {
		address := child.Address(t)
		at, err := net.ResolveTCPAddr("tcp", address)
		if err != nil || !at.IP.IsLoopback() || at.Port < 1024 || at.Port >= 32768 {
			t.Fatalf("%s: %v", address, err)
		}
		if given[address] {
			t.Errorf("%s was given before", address)
		}
		given[address] = true
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			t.Errorf("there is a server on %s", address)
		}
		// What another process would find.
		if c, err := net.ListenPacket("udp", address); err == nil {
			c.Close()
			t.Errorf("another process may have %s", address)
		}
	}
}
