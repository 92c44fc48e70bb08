package secrets

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestAgain: a search stands for an hour, and not after a change of what was found
// or of what is looked at.
func TestAgain(t *testing.T) {
	env, dir := host(t, map[string]string{"/home/ann/a.sh": token})
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	env.Now = func() time.Time { return now }
	r := NewReader()
	count := func(want int, why string) {
		t.Helper()
		if got := len(r.Read(context.Background(), env).Leaks); got != want {
			t.Errorf("%s: %d leaks, want %d", why, got, want)
		}
	}
	write := func(name, content string) {
		t.Helper()
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	count(1, "the first")
	write("home/ann/b.sh", token)
	count(1, "a new file tells nobody")
	now = now.Add(keepFor + time.Second)
	count(2, "an hour later")
	write("home/ann/a.sh", "#!/bin/sh\n")
	count(1, "one was taken out")
	must(t, os.MkdirAll(filepath.Join(dir, "etc/profile.d"), 0o755))
	write("etc/profile.d/x.sh", "export DB_PASSWORD=Tr0ub4dor3\n")
	count(2, "a new file in a directory that is watched")
	now = now.Add(-24 * time.Hour)
	write("home/ann/c.sh", token)
	count(3, "the clock was set back")
}
