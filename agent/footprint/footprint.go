// Package footprint lets a program give back what its start left in memory.
//
// The sensor's program holds the packages of all its commands. When it starts, each
// of them initialises itself, and for that about 11 of the file's 17 MB are mapped,
// most of which one command never uses again: the expression language of the checks
// is not needed to read package lists. Those pages are clean copies of the program's
// file. They can be let go at any time, and come back when they are touched.
package footprint

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Trim gives back the pages of the program's own file that are mapped. Where that
// cannot be done, nothing happens. It costs a fraction of a millisecond, and as
// much again for what is used later: it is for commands that use a part of the
// program.
func Trim() {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer f.Close()
	for _, s := range clean(f, exe) {
		// Without a slice: no object of Go's lies there.
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, s.start, s.end-s.start, unix.MADV_DONTNEED)
	}
}

// Small has garbage collected often: it costs a tenth of a second more of each second
// that a command runs, and keeps a whole check below 40 MB.
func Small() { debug.SetGCPercent(50) }

// Brief has garbage collected seldom, for a command that ends before there is much:
// a collection costs more than the few megabytes that it would find. From 32 MiB on
// it is collected as ever, whatever the files that are read ask for.
func Brief() {
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(32 << 20)
}

// span is a part of the address space.
type span struct{ start, end uintptr }

// clean lists the mappings of a file that hold nothing but what is in the file:
// they cannot be written, and no page was changed before they were made so, as
// relocation does.
func clean(smaps io.Reader, file string) (spans []span) {
	var of span
	for lines := bufio.NewScanner(smaps); lines.Scan(); {
		line := lines.Bytes()
		if key, value, ok := bytes.Cut(line, []byte(":")); ok && string(key) == "Anonymous" {
			if of.end > of.start && string(bytes.TrimSpace(value)) == "0 kB" {
				spans = append(spans, of)
			}
			of = span{}
		} else if s, ok := mapping(string(line), file); ok {
			of = s
		}
	}
	return spans
}

// mapping reads the first line of a read-only mapping of a file:
// "start-end perms offset device inode file".
func mapping(line, file string) (s span, ok bool) {
	before, found := strings.CutSuffix(line, " "+file)
	c := strings.Fields(before)
	if !found || len(c) != 5 || len(c[1]) != 4 || c[1][0] != 'r' || c[1][1] != '-' {
		return span{}, false
	}
	from, to, _ := strings.Cut(c[0], "-")
	start, err := strconv.ParseUint(from, 16, strconv.IntSize)
	if err != nil {
		return span{}, false
	}
	end, err := strconv.ParseUint(to, 16, strconv.IntSize)
	return span{uintptr(start), uintptr(end)}, err == nil && end > start
}
