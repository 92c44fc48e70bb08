package restart

import (
	"errors"
	"io"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// proc is /proc, opened.
type proc struct {
	fd   int
	buf  []byte // what is read of a process
	path []byte // of its links
}

func openProc() (*proc, error) {
	fd, err := unix.Open("/proc", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return &proc{fd: fd, buf: make([]byte, lineRoom), path: make([]byte, unix.PathMax+len(mark))}, nil
}

func (p *proc) close() { _ = unix.Close(p.fd) }

// process is the directory of one process. It stays that of the process once it is
// open: when the process is gone and its number is another's, reading fails.
type process struct {
	fd int
	*proc
}

func (p *proc) open(pid string) (process, error) {
	fd, err := unix.Openat(p.fd, pid, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	return process{fd, p}, err
}

func (p *process) close() { _ = unix.Close(p.fd) }

// uid returns the number of the user who owns the process.
func (p *process) uid() string {
	var st unix.Stat_t
	if err := unix.Fstat(p.fd, &st); err != nil {
		return ""
	}
	return strconv.FormatUint(uint64(st.Uid), 10)
}

// ended reports whether the process is gone.
func (p *process) ended() bool {
	return unix.Faccessat(p.fd, "maps", unix.F_OK, 0) != nil
}

// link returns where one of the process's links points, "" when that is not known.
func (p *process) link(name string) string { return string(p.linkBytes(name)) }

// linkBytes is link without a copy: what it returns is good until the next link.
func (p *process) linkBytes(name string) []byte {
	n, err := unix.Readlinkat(p.fd, name, p.path)
	if err != nil || n == len(p.path) {
		return nil
	}
	return p.path[:n]
}

// lines calls line with each line of one of the process's files, as eachLine does.
func (p *process) lines(name string, limit int, line func([]byte)) (whole bool, err error) {
	fd, err := unix.Openat(p.fd, name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return false, err
	}
	defer unix.Close(fd)
	return eachLine(func(b []byte) (int, error) {
		for {
			n, err := unix.Read(fd, b)
			switch {
			case errors.Is(err, unix.EINTR):
				continue
			case err != nil:
				return 0, err
			case n == 0:
				return 0, io.EOF
			}
			return n, nil
		}
	}, p.buf, limit, line)
}

// small returns the text of one of the process's small files, "" when it cannot be
// read.
func (p *process) small(name string) string {
	const limit = 16 << 10
	var out strings.Builder
	_, err := p.lines(name, limit, func(line []byte) {
		out.Write(line)
		out.WriteByte('\n')
	})
	if err != nil {
		return ""
	}
	return out.String()
}

// root returns what is mounted on the process's "/", "" when that is not known.
func (p *process) root() string {
	const limit = 4 << 20
	root := ""
	whole, err := p.lines("mountinfo", limit, func(line []byte) {
		if r, ok := rootMount(line); ok {
			root = r
		}
	})
	if err != nil || !whole {
		return ""
	}
	return root
}
