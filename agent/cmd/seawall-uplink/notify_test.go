package main

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seawall/agent/enrol"
	"seawall/agent/spool"
	"seawall/agent/uplink"
)

// listen takes the place of systemd and returns what it is told.
func listen(t *testing.T) <-chan string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("NOTIFY_SOCKET", name)
	told := make(chan string, 100)
	go func() {
		defer close(told)
		b := make([]byte, 4096)
		for {
			n, err := conn.Read(b)
			if err != nil {
				return
			}
			told <- string(b[:n])
		}
	}()
	t.Cleanup(func() { conn.Close() })
	return told
}

// next returns the next message that begins so.
func next(t *testing.T, told <-chan string, begin string) string {
	t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	for {
		select {
		case m := <-told:
			if strings.HasPrefix(m, begin) {
				return m
			}
		case <-deadline.C:
			t.Fatalf("waited in vain for %s", begin)
		}
	}
}

func TestNotifier(t *testing.T) {
	told := listen(t)
	t.Setenv("WATCHDOG_USEC", "30000")
	state := uplink.State{Collector: "c.example.net:9443", Error: "connection refused"}
	states := make(chan uplink.State, 1)
	states <- state
	ask := func() string {
		s := <-states
		states <- s
		return status(s)
	}
	n := newNotifier(slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- n.run(ctx, ask) }()

	if m := next(t, told, "READY=1"); m != "READY=1\nSTATUS=not connected to c.example.net:9443: connection refused" {
		t.Errorf("at start: %q", m)
	}
	next(t, told, "WATCHDOG=1\nSTATUS=")
	<-states
	states <- uplink.State{Connected: true, Collector: "c.example.net:9443", Acked: map[string]spool.Position{
		"posture": {Epoch: 1, Seq: 7}, "health": {Epoch: 1, Seq: 3},
	}}
	n.change()
	want := "STATUS=connected to c.example.net:9443, health 3 acknowledged, posture 7 acknowledged"
	if m := next(t, told, "STATUS=connected"); m != want {
		t.Errorf("after a change: %q", m)
	}
	cancel()
	next(t, told, "STOPPING=1")
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestStatusIsOneLine guards what systemd would take for more than a status.
func TestStatusIsOneLine(t *testing.T) {
	for _, s := range []uplink.State{{}, {Collector: "c:1"}, {Error: `forged\nREADY=1`}} {
		if line := status(s); strings.Contains(line, "\n") || !strings.HasPrefix(line, "STATUS=") {
			t.Errorf("%+v: %q", s, line)
		}
	}
	for _, s := range []enrol.State{{}, {Phase: enrol.Refused}, {Phase: enrol.Pending, Problem: "forged\nREADY=1"}} {
		if line := enrolmentStatus(s); strings.Contains(line, "\n") || !strings.HasPrefix(line, "STATUS=") {
			t.Errorf("%+v: %q", s, line)
		}
	}
}
