package service

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestStore listens where systemd would, and takes what is left there.
func TestStore(t *testing.T) {
	name := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()

	t.Setenv("NOTIFY_SOCKET", "")
	if err := Store("audit", w); err != nil { // to nobody
		t.Error(err)
	}
	t.Setenv("NOTIFY_SOCKET", name)
	if err := Store("audit", w); err != nil {
		t.Fatal(err)
	}
	w.Close()
	buf, oob := make([]byte, 100), make([]byte, unix.CmsgSpace(4))
	n, m, _, _, err := socket.ReadMsgUnix(buf, oob)
	if err != nil || string(buf[:n]) != "FDSTORE=1\nFDPOLL=0\nFDNAME=audit" {
		t.Fatalf("%q, %v", buf[:n], err)
	}
	messages, err := unix.ParseSocketControlMessage(oob[:m])
	if err != nil || len(messages) != 1 {
		t.Fatalf("%v, %v", messages, err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		t.Fatalf("%v, %v", fds, err)
	}
	stored := os.NewFile(uintptr(fds[0]), "stored")
	if _, err := stored.WriteString("x"); err != nil {
		t.Error(err)
	}
	stored.Close()
	if b, err := r.Read(buf); err != nil || b != 1 {
		t.Errorf("read %d bytes: %v", b, err)
	}

	if err := Store("audit", nil); err != nil {
		t.Fatal(err)
	}
	if n, err = socket.Read(buf); err != nil || string(buf[:n]) != "FDSTOREREMOVE=1\nFDNAME=audit" {
		t.Errorf("%q, %v", buf[:n], err)
	}
	t.Setenv("NOTIFY_SOCKET", name+"-gone")
	if err := Store("audit", nil); err == nil {
		t.Error("nobody listens, and that is no error")
	}
}
