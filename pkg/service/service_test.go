package service

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestInherited(t *testing.T) {
	pid := fmt.Sprintf("LISTEN_PID=%d", os.Getpid())
	tests := []struct {
		environ []string
		want    int
	}{
		{nil, 0},
		{[]string{pid, "LISTEN_FDS=1", "LISTEN_FDNAMES=audit-mcast"}, 3},
		{[]string{pid, "LISTEN_FDS=2", "LISTEN_FDNAMES=x:audit-mcast"}, 4},
		{[]string{pid, "LISTEN_FDS=1", "LISTEN_FDNAMES=x:audit-mcast"}, 0}, // more names than descriptors
		{[]string{pid, "LISTEN_FDS=1", "LISTEN_FDNAMES=x"}, 0},
		{[]string{pid, "LISTEN_FDS=many", "LISTEN_FDNAMES=audit-mcast"}, 0},
		{[]string{"LISTEN_PID=1", "LISTEN_FDS=1", "LISTEN_FDNAMES=audit-mcast"}, 0}, // meant for another process
	}
	for _, tt := range tests {
		if got := Inherited(tt.environ, "audit-mcast"); got != tt.want {
			t.Errorf("%v: got %d, want %d", tt.environ, got, tt.want)
		}
	}
}

// TestLogger: journald has the time itself; what is logged cannot forge a line.
func TestLogger(t *testing.T) {
	for _, journal := range []bool{false, true} {
		var b bytes.Buffer
		var environ []string
		if journal {
			environ = []string{"JOURNAL_STREAM=8:1"}
		}
		log := NewLog(&b, slog.LevelInfo, environ)
		log.Debug("unseen")
		log.Info("seen", "name", "a\nlevel=ERROR\x1b[2J", slog.Group("g", "time", "kept"))
		got := b.String()
		if strings.HasPrefix(got, "time=") == journal || !strings.Contains(got, "g.time=kept") {
			t.Errorf("journal %v: %s", journal, got)
		}
		if strings.Count(got, "\n") != 1 || strings.Contains(got, "\x1b") || strings.Contains(got, "unseen") {
			t.Errorf("journal %v: %q", journal, got)
		}
	}
}

func TestReadBuild(t *testing.T) {
	version = "1.2.3"
	if b := ReadBuild(); b.Version != version {
		t.Errorf("of a package's program: %+v", b)
	}
	version = ""
	b := ReadBuild()
	if b.Version == "" || b.Go != runtime.Version() || b.Platform != runtime.GOOS+"/"+runtime.GOARCH {
		t.Errorf("%+v", b)
	}
}

// TestNotifier listens where systemd would.
func TestNotifier(t *testing.T) {
	name := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	var log bytes.Buffer
	tell := Notifier(slog.New(slog.NewTextHandler(&log, nil)))

	t.Setenv("NOTIFY_SOCKET", "")
	tell("READY=1") // to nobody
	t.Setenv("NOTIFY_SOCKET", name)
	tell("STATUS=all is well")
	buf := make([]byte, 100)
	n, err := socket.Read(buf)
	if err != nil || string(buf[:n]) != "STATUS=all is well" {
		t.Errorf("%q, %v", buf[:n], err)
	}
	if log.Len() > 0 {
		t.Errorf("logged: %s", &log)
	}
	t.Setenv("NOTIFY_SOCKET", name+"-gone")
	tell("READY=1")
	if !strings.Contains(log.String(), "systemd is not told") {
		t.Errorf("logged: %s", &log)
	}
}
