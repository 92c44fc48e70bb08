package kaudit

import (
	"bytes"
	"strconv"
	"time"
)

// madeAfter reports whether a record begins with a time after t. One without a time, or
// with one that cannot be, is of none.
func madeAfter(payload []byte, t time.Time) bool {
	rest, ok := bytes.CutPrefix(payload, []byte("audit("))
	if !ok {
		return false
	}
	seconds, rest, ok := bytes.Cut(rest[:min(len(rest), 32)], []byte{'.'})
	if !ok || len(rest) < 4 || rest[3] != ':' {
		return false
	}
	s, err := strconv.ParseInt(string(seconds), 10, 34)
	if err != nil {
		return false
	}
	ms, err := strconv.ParseUint(string(rest[:3]), 10, 10)
	return err == nil && time.Unix(s, int64(ms)*int64(time.Millisecond)).After(t)
}
