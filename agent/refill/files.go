package refill

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"seawall/pkg/auditlog"
	"seawall/pkg/hostfs"
)

const (
	confName    = "/etc/audit/auditd.conf"
	defaultLog  = "/var/log/audit/audit.log"
	maxConf     = 1 << 20
	maxRotated  = 100
	probeLength = 16 << 10
)

// ErrNoLog says that the audit daemon keeps no log that could be read.
var ErrNoLog = errors.New("the audit daemon writes no log")

// LogFile returns the name of the log that auditd writes, as it is configured.
func LogFile(root hostfs.Root) (string, error) {
	b, err := root.ReadFile(confName, maxConf)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%w: there is no %s", ErrNoLog, confName)
	}
	if err != nil {
		return "", fmt.Errorf("auditd's configuration: %w", err)
	}
	name, none := logSettings(string(b))
	if none {
		return "", fmt.Errorf("%w: %s says so", ErrNoLog, confName)
	}
	return name, nil
}

// logSettings says where a configuration has the log written, and whether it has none
// written. Everything else in it is passed over: which settings there are, and which fit
// together, differs from one auditd to the next, and the one that wrote understood it.
func logSettings(conf string) (name string, none bool) {
	name = defaultLog
	for line := range strings.Lines(conf) {
		f := strings.Fields(line)
		if len(f) < 3 || f[1] != "=" {
			continue
		}
		switch key, value := strings.ToLower(f[0]), strings.ToLower(f[2]); {
		case key == "log_file" && strings.HasPrefix(f[2], "/"):
			name = f[2]
		case key == "write_logs":
			none = value == "no"
		case key == "log_format" && value == "nolog":
			return "", true
		}
	}
	return name, none
}

// file is one of the log's files.
type file struct {
	*os.File
	inode uint64
	size  int64
}

// open opens the files that can have records from a time on, oldest first. Those that
// are behind the one with the inode known, if it is among them, are not looked at.
func open(root hostfs.Root, name string, from time.Time, known uint64) ([]file, error) {
	var files []file
	for i := range maxRotated {
		next := name
		if i > 0 {
			next = fmt.Sprintf("%s.%d", name, i)
		}
		f, fi, err := root.OpenFile(next)
		if errors.Is(err, fs.ErrNotExist) && i > 0 {
			break
		}
		if err != nil {
			shut(files)
			return nil, fmt.Errorf("audit daemon's log: %w", err)
		}
		var inode uint64
		if st, ok := fi.Sys().(*syscall.Stat_t); ok {
			inode = st.Ino
		}
		if len(files) > 0 && files[0].inode == inode {
			// It was renamed since we opened it.
			_ = f.Close()
			continue
		}
		files = append([]file{{f, inode, fi.Size()}}, files...)
		if inode == known {
			break
		}
		if at, ok := probe(f, 0); ok && known == 0 && at.Before(from) {
			break
		}
	}
	return files, nil
}

func shut(files []file) {
	for _, f := range files {
		_ = f.Close()
	}
}

// probe returns the time of the first record that begins at or behind an offset.
func probe(r io.ReaderAt, offset int64) (time.Time, bool) {
	b := make([]byte, probeLength)
	n, err := r.ReadAt(b, offset)
	if n == 0 || err != nil && !errors.Is(err, io.EOF) {
		return time.Time{}, false
	}
	b = b[:n]
	if offset > 0 { // in the middle of a line
		_, b, _ = bytes.Cut(b, []byte("\n"))
	}
	for line := range bytes.Lines(b) {
		if _, payload, ok := auditlog.Line(line); ok {
			if h, ok := parseHead(payload); ok {
				return h.at, true
			}
		}
	}
	return time.Time{}, false
}

// search returns an offset before which no record of that time or later is expected.
func (f file) search(from time.Time) int64 {
	low, high := int64(0), f.size
	for high-low > probeLength {
		middle := low + (high-low)/2
		at, ok := probe(f, middle)
		if ok && at.Before(from) {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// head is what a record begins with: audit(seconds.milliseconds:serial).
type head struct {
	at     time.Time
	serial uint32
}

func parseHead(payload []byte) (head, bool) {
	rest, ok := bytes.CutPrefix(payload, []byte("audit("))
	sec, rest, ok1 := number(rest, '.')
	milli, rest, ok2 := number(rest, ':')
	serial, _, ok3 := number(rest, ')')
	if !ok || !ok1 || !ok2 || !ok3 || milli > 999 || serial > 1<<32-1 || sec > 1<<40 {
		return head{}, false
	}
	return head{time.Unix(int64(sec), int64(milli)*int64(time.Millisecond)), uint32(serial)}, true
}

// number reads a decimal that ends with a byte.
func number(b []byte, end byte) (n uint64, rest []byte, ok bool) {
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9' && i < 18:
			n = 10*n + uint64(c-'0')
		case c == end && i > 0:
			return n, b[i+1:], true
		default:
			return 0, nil, false
		}
	}
	return 0, nil, false
}
