package startup

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestLine(t *testing.T) {
	for err, want := range map[error]string{
		errors.New("a.yaml:2: unknown"):                           "does not start: a.yaml:2: unknown",
		errors.Join(errors.New("one"), fmt.Errorf("%s", "two\n")): "does not start: one (and 1 more: see the journal)",
		errors.New("a\x1b[2Jb\nREADY=1\nthird"):                   `does not start: a\x1b[2Jb (and 2 more: see the journal)`,
	} {
		if got := line(err); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := line(errors.New(strings.Repeat("x", 1<<16))); len(got) > 600 {
		t.Errorf("%d bytes", len(got))
	}
}

// TestFailed: systemd hears why; without it, and without an error, nothing happens.
func TestFailed(t *testing.T) {
	name := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	t.Setenv("NOTIFY_SOCKET", name)
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent")
	Failed(t.Context(), time.Now(), nil)
	Failed(t.Context(), time.Now(), errors.New("no room"), "/")
	b := make([]byte, 512)
	n, err := conn.Read(b)
	if err != nil || string(b[:n]) != "STATUS=does not start: no room" {
		t.Errorf("%q, %v", b[:n], err)
	}
	t.Setenv("NOTIFY_SOCKET", "")
	Failed(t.Context(), time.Now(), errors.New("nobody listens"))
}

// TestWait: it ends with what is changed, made or removed, with the time, and with ctx.
func TestWait(t *testing.T) {
	dir := t.TempDir()
	file, folder := filepath.Join(dir, "file"), filepath.Join(dir, "folder")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	write(file, "one")
	files := []string{file, folder, filepath.Join(dir, "missing")}
	for _, step := range []struct {
		what   string
		change func()
	}{
		{"changed", func() { write(file, "three") }},
		{"made", func() { write(filepath.Join(dir, "missing"), "") }},
		{"made in a folder", func() { write(filepath.Join(folder, "a.yaml"), "a") }},
		{"removed", func() { os.RemoveAll(folder) }},
	} {
		before := mark(files)
		if before != mark(files) {
			t.Fatalf("%s: nothing changed, and the mark did", step.what)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			wait(t.Context(), files, time.Hour)
		}()
		select {
		case <-done:
			t.Fatalf("%s: nothing changed, and it ended", step.what)
		case <-time.After(2 * look):
		}
		step.change()
		select {
		case <-done:
		case <-time.After(time.Minute):
			t.Fatalf("%s: it waits on", step.what)
		}
	}
	wait(t.Context(), files, time.Millisecond)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wait(ctx, files, time.Hour)
}

// TestMany: a folder with any number of files is looked at in bounds.
func TestMany(t *testing.T) {
	dir := t.TempDir()
	for i := range maxNames + 50 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Count(mark([]string{dir, dir}), "\n"); got > maxNames+2 {
		t.Errorf("%d names", got)
	}
}
