// Package asktest answers in place of the programs that are asked for facts, for the
// tests of those who ask.
package asktest

import (
	"net"
	"path/filepath"
	"testing"
)

// Reply listens for as long as the test runs, and gives each connection the next of the
// answers, the last one again and again.
func Reply(t testing.TB, answers ...[]byte) (socket string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write(answers[min(i, len(answers)-1)]) // who asks can have gone
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		<-done
	})
	return socket
}
