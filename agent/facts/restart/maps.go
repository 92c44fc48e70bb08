package restart

import (
	"bytes"
	"errors"
	"io"

	"golang.org/x/sys/unix"
)

// mapping is an executable one's line of /proc/PID/maps.
type mapping struct {
	dev   uint64 // as stat(2) has it
	inode uint64
	path  []byte // as written: maybe marked as deleted; part of the line
}

// parseMapping reads a line of /proc/PID/maps without its newline:
//
//	55d0c7e00000-55d0c7e05000 r-xp 00002000 fe:00 247260    /usr/bin/sleep (deleted)
//
// A mapping that is not executable, or of no file, has no path, and nothing else is
// looked at.
func parseMapping(line []byte) (m mapping, ok bool) {
	_, rest, ok := bytes.Cut(line, []byte(" ")) // the addresses
	if !ok || len(rest) < 5 || rest[4] != ' ' {
		return mapping{}, false
	}
	if rest[2] != 'x' {
		return mapping{}, true
	}
	_, rest, ok = bytes.Cut(rest[5:], []byte(" ")) // the offset
	if !ok {
		return mapping{}, false
	}
	major, rest, okMajor := number(rest, 16, ':')
	minor, rest, okMinor := number(rest, 16, ' ')
	inode, rest, okInode := number(rest, 10, ' ')
	if !okMajor || !okMinor || !okInode || major > 1<<32-1 || minor > 1<<32-1 {
		return mapping{}, false
	}
	return mapping{
		dev: unix.Mkdev(uint32(major), uint32(minor)), inode: inode, path: bytes.TrimLeft(rest, " "),
	}, true
}

// number reads digits up to the byte end, or to the end of b where end is a space.
func number(b []byte, base uint64, end byte) (n uint64, rest []byte, ok bool) {
	for i, c := range b {
		var d uint64
		switch {
		case c == end:
			return n, b[i+1:], i > 0
		case c >= '0' && c <= '9':
			d = uint64(c - '0')
		case c >= 'a' && c <= 'f':
			d = uint64(c-'a') + 10
		default:
			return 0, nil, false
		}
		if d >= base || n > (1<<64-1-d)/base {
			return 0, nil, false
		}
		n = n*base + d
	}
	return n, nil, end == ' ' && len(b) > 0
}

const (
	lineRoom = 64 << 10 // the longest line is one of 4 KiB of newlines, each written as four bytes
	// maxMaps bounds what is read of one process: as many mappings as the kernel
	// allows by default, with names of usual length.
	maxMaps = 8 << 20
)

// eachLine reads until its end and calls line with each line, without newline. A
// line that does not fit into buf is left out. whole is false when that happened,
// or when there is more than limit.
func eachLine(read func([]byte) (int, error), buf []byte, limit int, line func([]byte)) (whole bool, err error) {
	whole = true
	have, total, skipping := 0, 0, false
	for {
		n, err := read(buf[have:])
		have += n
		total += n
		done := 0
		for {
			i := bytes.IndexByte(buf[done:have], '\n')
			if i < 0 {
				break
			}
			if !skipping {
				line(buf[done : done+i])
			}
			skipping = false
			done += i + 1
		}
		have = copy(buf, buf[done:have])
		if have == len(buf) {
			have, skipping, whole = 0, true, false
		}
		switch {
		case errors.Is(err, io.EOF):
			if have > 0 && !skipping {
				line(buf[:have])
			}
			return whole, nil
		case err != nil:
			return false, err
		case total > limit:
			return false, nil
		}
	}
}
