package accounts

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
	"seawall/pkg/sqlitefile"
	"seawall/pkg/text"
)

// lastlogFile has a record for each user by number: 4 bytes of time, 32 of terminal,
// 256 of host (lastlog(8), struct lastlog of bits/utmp.h). It is sparse.
const (
	lastlogFile   = "/var/log/lastlog"
	lastlogRecord = 292
)

// lastlog2File is what took its place in Debian 13 and Ubuntu 24.10 (lastlog2(8)): an
// SQLite database with a row for each name.
const lastlog2File = "/var/lib/lastlog/lastlog2.db"

// logins answers when somebody was last logged in.
type logins struct {
	file  *os.File
	names map[string]int64 // of lastlog2
	now   time.Time
}

// lastLogins opens the records of logins.
func (r *reader) lastLogins() *logins {
	l := &logins{now: r.now}
	err := l.open2(r.root)
	if err == nil {
		r.LastLogins = fact.Tri{Known: true, Yes: true}
		return l
	}
	if !errors.Is(err, fs.ErrNotExist) {
		r.LastLogins = fact.Tri{Reason: text.Clean(lastlog2File+": "+err.Error(), text.Limit)}
		return l
	}
	f, fi, err := r.root.OpenFile(lastlogFile)
	if err != nil {
		r.LastLogins = fact.Tri{Reason: text.Clean(err.Error(), text.Limit)}
		return l
	}
	if fi.Size() == 0 {
		r.LastLogins = fact.Tri{Reason: lastlogFile + " is empty"}
		f.Close()
		return l
	}
	l.file = f
	r.LastLogins = fact.Tri{Known: true, Yes: true}
	return l
}

// open2 reads lastlog2's database, without what stands in a log of it alone.
func (l *logins) open2(root hostfs.Root) error {
	f, fi, err := root.OpenFile(lastlog2File)
	if err != nil {
		return err
	}
	defer f.Close()
	if fi.Size() > lastlog2Limit {
		return hostfs.ErrTooLarge
	}
	db, err := sqlitefile.Open(f, nil, fi.Size(), 0)
	if err != nil {
		return err
	}
	table, err := db.Table("Lastlog2")
	if err != nil {
		return err
	}
	l.names = map[string]int64{}
	return table.Scan([]string{"Name", "Time"}, func(row sqlitefile.Row) error {
		if len(l.names) == maxLogins {
			return fmt.Errorf("more than %d users", maxLogins)
		}
		if name := row.Text(0); len(name) <= maxText {
			l.names[string(name)] = row.Int(1)
		}
		return nil
	})
}

// Limits of lastlog2's database.
const (
	lastlog2Limit = 64 << 20
	maxLogins     = 2 * maxUsers
)

func (l *logins) close() {
	if l.file != nil {
		l.file.Close()
	}
}

// days is how long ago the last login was, -1 where none is recorded.
func (l *logins) days(name string, uid int) int {
	at := l.names[name]
	var b [4]byte
	if l.file != nil {
		if n, err := l.file.ReadAt(b[:], int64(uid)*lastlogRecord); n < len(b) || err != nil {
			return -1
		}
		at = int64(binary.NativeEndian.Uint32(b[:]))
	}
	if at <= 0 {
		return -1
	}
	return max(int((l.now.Unix()-at)/86400), 0)
}
