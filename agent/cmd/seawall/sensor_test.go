package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
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
		if got := inherited(tt.environ, "audit-mcast"); got != tt.want {
			t.Errorf("%v: got %d, want %d", tt.environ, got, tt.want)
		}
	}
}

func TestLanes(t *testing.T) {
	const total = 256 << 20
	var sum int64
	for lane, n := range lanes(total) {
		if n <= 0 {
			t.Errorf("%s has %d bytes", lane, n)
		}
		sum += n
	}
	if sum != total {
		t.Errorf("the lanes have %d bytes together, want %d", sum, total)
	}
}

// TestLogger: journald has the time itself; what is logged cannot forge a line.
func TestLogger(t *testing.T) {
	for _, journal := range []bool{false, true} {
		var b bytes.Buffer
		p := program{stderr: &b}
		if journal {
			p.environ = []string{"JOURNAL_STREAM=8:1"}
		}
		log := p.logger(slog.LevelInfo)
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
