// Package utmp reads /run/utmp, the list of who is logged in (utmp(5), glibc's
// bits/utmp.h).
//
// It is an array of records of 384 bytes, or of 400 where glibc has 64-bit times in it
// (arm64). All numbers are the machine's; the address is in network order and takes the
// first of four words where it is IPv4. Texts end with a NUL or with their field.
//
//	offset  384              400
//	0       int16 type       the same
//	4       int32 pid
//	8       line[32]
//	40      id[4]
//	44      user[32]
//	76      host[256]
//	332     exit int16[2]
//	336     int32 session    int64 session
//	340     int32 sec, usec  int64 sec, usec at 344
//	348     addr[16]         at 360
//
// Debian 13 and other new systems do not write the file: systemd-logind knows there.
// Whoever may write as group utmp can put anything into it.
package utmp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"runtime"
	"time"
)

// User is the Type of a record of somebody who is logged in.
const User = 7

// The sizes of a record.
const (
	Size32 = 384
	Size64 = 400
)

// Limit is how many records are read.
const Limit = 1 << 14

// Record is one record.
type Record struct {
	Type             int
	PID              uint32
	Line, User, Host string // any bytes but NUL
	Time             time.Time
	Address          netip.Addr // not valid where there is none
}

var (
	errTorn = errors.New("the last record is cut")
	errMany = errors.New("more records than can be")
)

// Size returns the size of records on this machine.
func Size() int {
	if runtime.GOARCH == "arm64" {
		return Size64
	}
	return Size32
}

// Parse returns the records of data that have a type, size bytes each. With an error it
// returns those before it.
func Parse(data []byte, size int) ([]Record, error) {
	var records []Record
	for n := 0; len(data) > 0; n++ {
		switch {
		case n == Limit:
			return records, errMany
		case len(data) < size:
			return records, errTorn
		}
		if r := parse(data[:size]); r.Type > 0 {
			records = append(records, r)
		}
		data = data[size:]
	}
	return records, nil
}

func parse(b []byte) Record {
	var (
		order = binary.NativeEndian
		r     = Record{
			Type: int(int16(order.Uint16(b))), PID: order.Uint32(b[4:]),
			Line: text(b[8:40]), User: text(b[44:76]), Host: text(b[76:332]),
		}
		addr []byte
	)
	if len(b) == Size64 {
		addr = b[360:376]
		r.Time = moment(int64(order.Uint64(b[344:])), int64(order.Uint64(b[352:])))
	} else {
		addr = b[348:364]
		// Seconds without a sign last until 2106.
		r.Time = moment(int64(order.Uint32(b[340:])), int64(order.Uint32(b[344:])))
	}
	r.Address = address([16]byte(addr))
	return r
}

// moment is a time that formats; one beyond what a record can mean is zero.
func moment(sec, usec int64) time.Time {
	if sec <= 0 || sec > 1<<38 || usec < 0 || usec >= 1e6 {
		return time.Time{}
	}
	return time.Unix(sec, usec*int64(time.Microsecond))
}

func address(b [16]byte) netip.Addr {
	a := netip.AddrFrom16(b)
	switch {
	case a.IsUnspecified():
		return netip.Addr{}
	case [12]byte(b[4:]) == [12]byte{}:
		return netip.AddrFrom4([4]byte(b[:4]))
	}
	return a.Unmap()
}

func text(b []byte) string {
	if n := bytes.IndexByte(b, 0); n >= 0 {
		b = b[:n]
	}
	return string(b)
}
