// Package service holds what Seawall's three programs share as services: what they
// know of their own making, a log that fits the journal, and word to systemd.
package service

import (
	"cmp"
	"io"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Build is what a program knows of its own making, from the build information that
// the Go tool puts into it.
type Build struct {
	Version  string `json:"version"`  // of the module, or the revision
	Revision string `json:"revision"` // full, empty where it is not known
	Time     string `json:"time"`     // of the revision, RFC 3339
	Modified bool   `json:"modified"` // built from files that were changed after it
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// version is set by the linker where a package is made of the program.
var version string

// ReadBuild returns the running program's.
func ReadBuild() Build {
	b := Build{Version: cmp.Or(version, "unknown"), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	b.Version = cmp.Or(version, info.Main.Version)
	if b.Version == "" || b.Version == "(devel)" {
		b.Version = "devel"
		if b.Revision != "" {
			b.Version += "-" + b.Revision[:min(12, len(b.Revision))]
		}
	}
	return b
}

// NewLog returns a log for a person or, when environ says that the journal reads
// it, one without times, which the journal has itself. Package slog quotes what
// values hold, so none can forge a line.
func NewLog(w io.Writer, level slog.Level, environ []string) *slog.Logger {
	opt := &slog.HandlerOptions{Level: level}
	if slices.ContainsFunc(environ, func(e string) bool { return strings.HasPrefix(e, "JOURNAL_STREAM=") }) {
		opt.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}
	}
	return slog.New(slog.NewTextHandler(w, opt))
}

// Notifier returns a function that tells systemd a state (sd_notify(3)). It does
// nothing where systemd does not run the program, and logs what goes wrong.
func Notifier(log *slog.Logger) func(state string) {
	return func(state string) {
		if _, err := daemon.SdNotify(false, state); err != nil {
			log.Warn("systemd is not told", "err", err)
		}
	}
}

// Inherited returns the descriptor that systemd passed to this process under a
// name, 0 when there is none (sd_listen_fds(3)). It stands here since go-systemd's
// own package for it links TLS, which the sensor must not.
func Inherited(environ []string, name string) int {
	const first = 3
	env := map[string]string{}
	for _, e := range environ {
		k, v, _ := strings.Cut(e, "=")
		env[k] = v
	}
	if env["LISTEN_PID"] != strconv.Itoa(os.Getpid()) {
		return 0
	}
	count, err := strconv.Atoi(env["LISTEN_FDS"])
	if err != nil {
		return 0
	}
	i := slices.Index(strings.Split(env["LISTEN_FDNAMES"], ":"), name)
	if i < 0 || i >= count {
		return 0
	}
	return first + i
}
