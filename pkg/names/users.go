package names

import (
	"bytes"
	"io/fs"
	"strconv"
	"time"

	"seawall/pkg/hostfs"
)

// How often Users looks whether /etc/passwd is another.
const (
	lookAgain = time.Second
	lookSoon  = 10 * time.Millisecond // where a number has no name: its user may be new
)

// Users names users by number for programs that run long: /etc/passwd is read again
// when it changed. It belongs to one goroutine.
type Users struct {
	Root hostfs.Root

	seen   fs.FileInfo
	looked time.Time
	byID   map[uint32]string
}

// Name returns the name of a user, or "".
func (u *Users) Name(id uint32) string {
	now := time.Now()
	since := now.Sub(u.looked)
	if name, ok := u.byID[id]; ok && since < lookAgain {
		return name
	}
	if since >= lookSoon || since < 0 {
		u.looked = now
		u.look()
	}
	return u.byID[id]
}

// look reads the file when it is not the one that was read.
func (u *Users) look() {
	fi, err := u.Root.Stat(passwdFile)
	if err != nil {
		return // it is being replaced; what is known stands
	}
	if u.seen != nil && u.seen.ModTime().Equal(fi.ModTime()) && u.seen.Size() == fi.Size() {
		return
	}
	text, err := u.Root.ReadFile(passwdFile, maxFile)
	if err != nil {
		return
	}
	u.seen, u.byID = fi, map[uint32]string{}
	for line := range bytes.Lines(text) {
		// name:password:uid:…
		name, rest, _ := bytes.Cut(line, []byte(":"))
		_, rest, _ = bytes.Cut(rest, []byte(":"))
		number, _, _ := bytes.Cut(bytes.TrimRight(rest, "\n"), []byte(":"))
		id, err := strconv.ParseUint(string(number), 10, 32)
		if err != nil || len(name) == 0 || len(u.byID) == maxEntry {
			continue
		}
		if _, taken := u.byID[uint32(id)]; !taken {
			u.byID[uint32(id)] = string(name)
		}
	}
}
