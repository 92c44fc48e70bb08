package asktest

import (
	"io"
	"net"
	"testing"
)

func TestReply(t *testing.T) {
	socket := Reply(t, []byte("one"), []byte("two"))
	for _, want := range []string{"one", "two", "two"} {
		conn, err := net.Dial("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(conn)
		_ = conn.Close()
		if err != nil || string(got) != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
}
