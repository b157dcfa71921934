package child

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
)

// Address is FreeAddress, where its errors end the test.
func Address(t testing.TB) string {
	t.Helper()
	address, err := FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// FreeAddress is an address of the loopback interface that is this process's own until
// it ends: for a server that wants its address before it listens, or for nobody to
// answer at.
//
// A port that the kernel chose, and that was closed again, may be another's by the
// time it is used: the kernel gives it to the next that asks, and tests of several
// packages run at once. So the port is one of those that no kernel chooses
// (RFC 6335, section 6, has the registered ones), and this process keeps the UDP
// port of that number, by which others that call FreeAddress know that it is taken.
func FreeAddress() (string, error) {
	var errs []error
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", firstPort+rand.IntN(lastPort-firstPort+1))
		if err := reserve(address); err != nil {
			errs = append(errs, err)
			continue
		}
		return address, nil
	}
	return "", fmt.Errorf("no free port: %w", errors.Join(errs...))
}

// Linux gives out ports from 32768 on by itself, other systems from 49152 on.
const firstPort, lastPort = 10240, 32767

var (
	reserving sync.Mutex
	// reserved refers to what reserve keeps open: what nothing refers to is closed.
	reserved []net.PacketConn
)

// reserve takes the UDP port of an address until this process ends, if nobody
// listens on the TCP port.
func reserve(address string) error {
	own, err := net.ListenPacket("udp", address)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", address)
	if err == nil {
		err = l.Close()
	}
	if err != nil {
		return errors.Join(err, own.Close())
	}
	reserving.Lock()
	defer reserving.Unlock()
	reserved = append(reserved, own)
	return nil
}
