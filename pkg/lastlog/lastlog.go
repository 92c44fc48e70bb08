// Package lastlog reads when users were last logged in: from the database of lastlog2(8),
// which Debian 13 and Ubuntu 24.10 have, or from lastlog(8)'s file. What stands in the log
// of a database alone (its -wal) is not read.
package lastlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"seawall/pkg/hostfs"
	"seawall/pkg/sqlitefile"
)

const (
	// File has a record for each user by number: 4 bytes of time, 32 of terminal, 256 of
	// host (struct lastlog of bits/utmp.h). It is sparse.
	File = "/var/log/lastlog"
	// Database is what took its place: SQLite, with a row for each name.
	Database = "/var/lib/lastlog/lastlog2.db"

	recordSize    = 292
	databaseLimit = 64 << 20
	maxNames      = 24_000
	maxName       = 256 // bytes: useradd(8) takes 32
)

// Log answers when somebody was last logged in. Its zero value knows nobody.
type Log struct {
	file  *os.File
	names map[string]int64 // of the database
}

// Open opens a host's records, of which Close lets go. The error names the file, wraps
// fs.ErrNotExist where there is none, and comes with a Log that knows nobody.
func Open(root hostfs.Root) (*Log, error) {
	l := &Log{}
	err := l.database(root)
	if err == nil {
		return l, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return &Log{}, fmt.Errorf("%s: %w", Database, err)
	}
	f, fi, err := root.OpenFile(File)
	if err != nil {
		return l, err
	}
	if fi.Size() == 0 {
		f.Close()
		return l, errors.New(File + " is empty")
	}
	l.file = f
	return l, nil
}

func (l *Log) database(root hostfs.Root) error {
	f, fi, err := root.OpenFile(Database)
	if err != nil {
		return err
	}
	defer f.Close()
	if fi.Size() > databaseLimit {
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
		if len(l.names) == maxNames {
			return fmt.Errorf("more than %d users", maxNames)
		}
		if name := row.Text(0); len(name) <= maxName {
			l.names[string(name)] = row.Int(1)
		}
		return nil
	})
}

// Last is the time of the last login of a user, zero where none is recorded. Files are
// asked by number, databases by name.
func (l *Log) Last(name string, uid int) time.Time {
	at := l.names[name]
	var b [4]byte
	if l.file != nil {
		if n, err := l.file.ReadAt(b[:], int64(uid)*recordSize); n < len(b) || err != nil {
			return time.Time{}
		}
		at = int64(binary.NativeEndian.Uint32(b[:]))
	}
	if at <= 0 {
		return time.Time{}
	}
	return time.Unix(at, 0)
}

// Close lets go of the file.
func (l *Log) Close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
