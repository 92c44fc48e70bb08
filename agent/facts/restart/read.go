package restart

import (
	"context"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/facts/ask"
	"seawall/agent/facts/fact"
	"seawall/pkg/text"
)

// Reader reads the facts and keeps the last answer of those who may look. Its
// methods are not for several goroutines at once.
type Reader struct {
	asker ask.Asker[Facts]
	may   func() bool // whether this process may look itself
}

// NewReader returns a Reader that may ask at socket; nothing is asked yet.
func NewReader(socket string) *Reader {
	return &Reader{
		asker: ask.Asker[Facts]{Socket: socket, Parse: parseReply},
		may:   func() bool { return ask.May(unix.CAP_SYS_PTRACE) },
	}
}

// depends are the files that say that packages changed: then files were replaced.
func depends() []string {
	return []string{
		"/var/lib/dpkg/status",
		"/var/lib/rpm/rpmdb.sqlite", "/var/lib/rpm/rpmdb.sqlite-wal", "/var/lib/rpm/Packages", "/var/lib/rpm/Packages.db",
		"/usr/lib/sysimage/rpm/rpmdb.sqlite", "/usr/lib/sysimage/rpm/rpmdb.sqlite-wal", "/usr/lib/sysimage/rpm/Packages.db",
	}
}

// Read looks at all processes, itself or through the socket.
func (r *Reader) Read(ctx context.Context, env fact.Env) Facts {
	start := time.Now()
	f := r.read(ctx, env)
	f.Meta.Depend(depends()...)
	f.Meta.Took = time.Since(start)
	return f
}

func (r *Reader) read(ctx context.Context, env fact.Env) Facts {
	if !env.Live() {
		f := empty()
		f.Meta.State, f.Meta.Reason = fact.StateAbsent, "an image is not running"
		return f
	}
	if r.may() {
		return scanned(ctx)
	}
	f, stale, err := r.asker.Ask(ctx, env.Now())
	if err == nil {
		f.Stale = stale
		return f
	}
	f = scanned(ctx)
	if f.Denied > 0 && f.Limited == "" {
		f.Limited = text.Clean(err.Error(), text.Limit)
	}
	return f
}

func scanned(ctx context.Context) Facts {
	f, err := Scan(ctx)
	if err != nil {
		f = empty()
		f.Meta.Fail("look at the processes", err)
	}
	return f
}

// Serve looks at all processes and writes the answer to one who asked at the
// socket.
func Serve(ctx context.Context, w io.Writer) error { return ask.Serve(ctx, w, Scan) }
