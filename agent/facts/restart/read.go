package restart

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/facts/fact"
	"seawall/pkg/text"
)

// keep is how long an answer stands in for one that could not be had.
const keep = 15 * time.Minute

// Reader reads the facts and keeps the last answer of those who may look. Its
// methods are not for several goroutines at once.
type Reader struct {
	socket string
	may    func() bool // whether this process may look itself
	last   Facts
	at     time.Time // of last; zero when there is none
}

// NewReader returns a Reader that may ask at socket; nothing is asked yet.
func NewReader(socket string) *Reader { return &Reader{socket: socket, may: mayLook} }

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
	asked, err := ask(ctx, r.socket)
	now := env.Now()
	if err == nil {
		r.last, r.at = asked, now
		return asked
	}
	reason := text.Clean(err.Error(), text.Limit)
	if !r.at.IsZero() && now.Sub(r.at) < keep {
		f := r.last
		f.Stale = reason
		return f
	}
	f := scanned(ctx)
	if f.Denied > 0 && f.Limited == "" {
		f.Limited = reason
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

// mayLook reports whether this process may look at those of others.
func mayLook() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	return data[0].Effective&(1<<unix.CAP_SYS_PTRACE) != 0
}

// serveLimit leaves whoever asked time to read the answer.
const serveLimit = askLimit * 4 / 5

// Serve looks at all processes and writes the answer to one who asked at the
// socket.
func Serve(ctx context.Context, w io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, serveLimit)
	defer cancel()
	f, err := Scan(ctx)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(w).Encode(f); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return nil
}
