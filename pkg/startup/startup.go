// Package startup is how a service that cannot start says why, and tries again
// without harm.
//
// What is wrong goes to systemd as the unit's status (STATUS= in sd_notify(3)), which
// "systemctl status" shows while the service waits to be started again (Restart=always).
// A start that a person or a package asked for then fails at once, as it should. Where
// systemd tries again by itself nobody waits for the outcome, and the process ends only
// when one of the files that may be at fault has changed, or after half a minute: what is
// mended works within seconds, and what is not costs two starts a minute, not thirty.
//
// The half minute is below the time that systemd gives a start (TimeoutStartSec=).
package startup

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"seawall/pkg/text"
	"seawall/pkg/unitbus"
)

const (
	pause    = 30 * time.Second
	look     = 250 * time.Millisecond
	young    = time.Minute // a process that failed later had started
	maxNames = 1024        // files that are looked at
	maxText  = 480
)

// Failed tells systemd that this process, begun at that time, cannot start for err, and
// waits where that does good: see the package. Files are those that may be at fault;
// directories stand for what is in them. It does nothing without an error or systemd.
func Failed(ctx context.Context, begun time.Time, err error, files ...string) {
	if err == nil || os.Getenv("NOTIFY_SOCKET") == "" {
		return
	}
	// Where systemd does not hear it the journal has it.
	_, _ = daemon.SdNotify(false, "STATUS="+line(err))
	if time.Since(begun) > young {
		return
	}
	if own, err := unitbus.Own(ctx, os.Getpid()); err != nil || own.Restarts == 0 {
		return
	}
	wait(ctx, files, pause)
}

// line is an error in one line: its first, and how many there are behind it.
func line(err error) string {
	lines := strings.Split(strings.TrimSpace(err.Error()), "\n")
	first := "does not start: " + text.Terminal(text.Clean(lines[0], maxText))
	if n := len(lines) - 1; n > 0 {
		first += fmt.Sprintf(" (and %d more: see the journal)", n)
	}
	return first
}

// wait returns when a file differs, ctx ends, or so much time is over.
func wait(ctx context.Context, files []string, most time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for before := mark(files); before == mark(files); {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// mark is something that differs when one of the files does, or one of those in it.
func mark(files []string) string {
	var b strings.Builder
	left := maxNames
	note := func(name string) fs.FileInfo {
		left--
		fi, err := os.Stat(name)
		if err != nil {
			fmt.Fprintln(&b, name)
			return nil
		}
		fmt.Fprintln(&b, name, fi.Mode(), fi.Size(), fi.ModTime().UnixNano())
		return fi
	}
	for _, name := range files {
		fi := note(name)
		if fi == nil || !fi.IsDir() {
			continue
		}
		entries, _ := os.ReadDir(name) // one that cannot be read has none
		for _, e := range entries[:min(len(entries), max(left, 0))] {
			note(filepath.Join(name, e.Name()))
		}
	}
	fmt.Fprintln(&b, Replaced(files...))
	return b.String()
}
