package service

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// Store leaves a descriptor with systemd, which gives it to the service's next process
// under its name (FileDescriptorStoreMax= in systemd.service(5), [Inherited]). With a nil
// file systemd closes what it has of the name. It does nothing where systemd does not run
// the program.
func Store(name string, f *os.File) error {
	socket := os.Getenv("NOTIFY_SOCKET")
	if socket == "" {
		return nil
	}
	// Not connected: a datagram with a descriptor needs to be sent to somebody.
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("systemd's descriptor store: %w", err)
	}
	defer conn.Close()
	state, rights := "FDSTOREREMOVE=1\nFDNAME="+name, []byte(nil)
	if f != nil {
		// FDPOLL=0: systemd else closes it when it sees an error on it, which is how a
		// netlink socket says that records were dropped.
		state, rights = "FDSTORE=1\nFDPOLL=0\nFDNAME="+name, unix.UnixRights(int(f.Fd()))
	}
	if _, _, err := conn.WriteMsgUnix([]byte(state), rights, &net.UnixAddr{Name: socket, Net: "unixgram"}); err != nil {
		return fmt.Errorf("systemd's descriptor store: %w", err)
	}
	return nil
}
