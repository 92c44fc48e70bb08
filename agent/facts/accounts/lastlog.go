package accounts

import (
	"encoding/binary"
	"os"
	"time"

	"seawall/agent/facts/fact"
	"seawall/pkg/text"
)

// lastlogFile has a record for each user by number: 4 bytes of time, 32 of terminal,
// 256 of host (lastlog(8), struct lastlog of bits/utmp.h). It is sparse.
const (
	lastlogFile   = "/var/log/lastlog"
	lastlogRecord = 292
)

// logins answers when somebody was last logged in.
type logins struct {
	file *os.File
	now  time.Time
}

// lastLogins opens the records of logins. Later systems keep them in lastlog2's
// database instead, which is not read.
func (r *reader) lastLogins() *logins {
	l := &logins{now: r.now}
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

func (l *logins) close() {
	if l.file != nil {
		l.file.Close()
	}
}

// days is how long ago the last login was, -1 where none is recorded.
func (l *logins) days(uid int) int {
	var b [4]byte
	if l.file == nil {
		return -1
	}
	if n, err := l.file.ReadAt(b[:], int64(uid)*lastlogRecord); n < len(b) || err != nil {
		return -1
	}
	at := int64(binary.NativeEndian.Uint32(b[:]))
	if at == 0 {
		return -1
	}
	return max(int(l.now.Unix()-at)/86400, 0)
}
