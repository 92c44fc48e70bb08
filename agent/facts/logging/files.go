package logging

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"seawall/agent/facts/owner"
	"seawall/pkg/text"
)

const (
	logDir    = "/var/log"
	maxSeen   = 50_000
	maxKept   = 300
	maxDeep   = 8
	largeFile = 10 << 20 // what logrotate should not leave alone
	recent    = 30 * 24 * time.Hour
)

// walk looks at what is below /var/log.
func (r *reader) walk() {
	r.f.FilesKnown = true
	r.f.Meta.Depend("/etc/passwd", "/etc/group")
	fi, err := r.root.Stat(logDir)
	if errors.Is(err, fs.ErrNotExist) {
		r.f.FilesKnown, r.f.FilesReason = false, "there is no "+logDir
		return
	}
	if err != nil {
		r.incomplete(err.Error())
		return
	}
	r.file(logDir, fi)
	r.dir(logDir, 0)
}

func (r *reader) incomplete(why string) {
	r.f.FilesKnown, r.f.FilesReason = false, text.Clean(why, text.Limit)
	r.f.Meta.Leave("files", r.f.FilesReason)
	r.f.Meta.Leave("logrotate.uncovered", r.f.FilesReason)
}

func (r *reader) dir(dir string, depth int) {
	if depth > maxDeep {
		r.incomplete("directories are nested too deep at " + dir)
		return
	}
	names, err := r.root.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.incomplete(err.Error())
		return
	}
	for _, n := range names {
		if r.f.Seen >= maxSeen {
			r.incomplete(fmt.Sprintf("there are more than %d files below %s", maxSeen, logDir))
			return
		}
		name := path.Join(dir, n)
		fi, err := r.root.Lstat(name)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) { // rotated away meanwhile
				r.incomplete(err.Error())
			}
			continue
		}
		if !fi.IsDir() && !fi.Mode().IsRegular() {
			continue // links have no mode, and lead elsewhere
		}
		r.file(name, fi)
		if fi.IsDir() {
			r.dir(name, depth+1)
		}
	}
}

// file keeps what is wider than its kind should be.
func (r *reader) file(name string, fi fs.FileInfo) {
	r.f.Seen++
	f := File{Path: text.Clean(name, text.Limit), Dir: fi.IsDir(), Size: fi.Size()}
	f.Mode, f.UID, f.GID = owner.Of(fi)
	f.Owner, f.Group = r.names.User(f.UID), r.names.Group(f.GID)
	f.Kind, f.Widest = kindOf(name, fi.IsDir())
	f.OtherWrites = f.Mode&0o002 != 0 && !(f.Dir && f.Mode&0o1000 != 0)
	f.Foreign = !r.logger(f)
	if r.large(name, fi) {
		r.f.Logrotate.Uncovered = append(r.f.Logrotate.Uncovered, f)
	}
	if !f.OtherWrites && !f.Foreign && f.Mode&0o777&^f.Widest == 0 {
		return
	}
	if len(r.f.Files) == maxKept {
		r.f.MoreFiles++
		r.f.Meta.Leave("files", "there are more files with wide permissions than are looked at")
		return
	}
	r.f.Files = append(r.f.Files, f)
}

// kindOf says what a file holds, and which mode CIS allows it.
func kindOf(name string, dir bool) (kind string, widest int) {
	base := path.Base(name)
	stem, _, _ := strings.Cut(base, ".")
	stem, _, _ = strings.Cut(stem, "-")
	switch {
	case dir:
		return KindDirectory, 0o775
	case strings.HasSuffix(base, ".journal") || strings.HasSuffix(base, ".journal~"):
		return KindJournal, 0o640
	case stem == "lastlog" || stem == "wtmp" || stem == "faillog":
		return KindLogin, 0o664
	case stem == "btmp":
		return KindAuth, 0o660
	case path.Dir(name) != logDir:
		return KindOther, 0o640
	}
	switch stem {
	case "auth", "secure", "syslog", "messages", "cron", "mail", "maillog", "kern", "daemon", "user", "sudo", "debug":
		return KindAuth, 0o640
	case "cloud", "localmessages", "waagent", "README":
		return KindOther, 0o644
	}
	return KindOther, 0o640
}

// logger reports whether a file of this owner is one that only the system's accounts
// can change: people have no business in logs.
func (r *reader) logger(f File) bool {
	const people = 1000
	return f.UID < people && f.UID >= 0 || f.Owner == "nobody" || f.UID >= 61184 && f.UID <= 65519 // systemd's dynamic users
}

// large reports whether a file grows, in plain text, to a size that matters.
func (r *reader) large(name string, fi fs.FileInfo) bool {
	if fi.IsDir() || fi.Size() < largeFile || r.env.Now().Sub(fi.ModTime()) > recent {
		return false
	}
	base := path.Base(name)
	for _, other := range []string{".journal", ".journal~", ".gz", ".xz", ".bz2", ".zst", ".lz4"} {
		if strings.HasSuffix(base, other) {
			return false
		}
	}
	if base == "lastlog" || base == "faillog" || strings.HasPrefix(name, logDir+"/audit/") {
		return false // sparse; rotated by auditd
	}
	last := base[strings.LastIndexAny(base, ".-")+1:]
	return strings.Trim(last, "0123456789") != "" // else one that was rotated
}
