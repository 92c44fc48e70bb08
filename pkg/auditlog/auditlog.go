// Package auditlog reads the text in which audit daemons keep records, and knows the
// names of record types.
//
// # Format
//
// One record is one line (auditd(8), log_format RAW or ENRICHED):
//
//	node=web1 type=PATH msg=audit(1795289500.540:4829366): item=0 name="/etc/passwd" …
//
// node= is there where auditd was told to name the host. The type is a name, or
// UNKNOWN[1500] where the daemon had none. What follows msg= is what the kernel sent.
// ENRICHED lines have, behind a byte 0x1d, what auditd added (names of users, system
// calls, addresses): it is left out, for a name there is what the daemon's host called
// it, and whoever reads can look it up. Lines of ausearch (----, time->) and any other
// that is no record are passed over and counted.
//
// # Bounds
//
// A line is at most 1 MiB; what is longer is passed over whole and counted.
package auditlog

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/elastic/go-libaudit/v2/auparse"
	"golang.org/x/sys/unix"
)

// maxLine bounds a line. The kernel's records are at most 8,970 bytes.
const maxLine = 1 << 20

// Read gives each record to handle: the number of its type and the text that the kernel
// sent, which is valid until handle returns. skipped is how many lines were none.
func Read(r io.Reader, handle func(typ uint16, payload []byte)) (skipped int, err error) {
	in := bufio.NewReaderSize(r, maxLine)
	for {
		line, err := in.ReadSlice('\n')
		for errors.Is(err, bufio.ErrBufferFull) {
			line = nil
			_, err = in.ReadSlice('\n')
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return skipped, fmt.Errorf("read audit records: %w", err)
		}
		if typ, payload, ok := Line(line); ok {
			handle(typ, payload)
		} else if len(bytes.TrimSpace(line)) > 0 || line == nil {
			skipped++
		}
		if err != nil {
			return skipped, nil
		}
	}
}

// Line reads one line. The payload is a part of it.
func Line(line []byte) (typ uint16, payload []byte, ok bool) {
	line = bytes.TrimRight(line, "\r\n")
	if rest, found := bytes.CutPrefix(line, []byte("node=")); found {
		_, line, _ = bytes.Cut(rest, []byte(" "))
	}
	rest, found := bytes.CutPrefix(line, []byte("type="))
	if !found {
		return 0, nil, false
	}
	name, rest, _ := bytes.Cut(rest, []byte(" "))
	payload, found = bytes.CutPrefix(rest, []byte("msg="))
	if !found || !bytes.HasPrefix(payload, []byte("audit(")) {
		return 0, nil, false
	}
	if typ, ok = Type(string(name)); !ok {
		return 0, nil, false
	}
	return typ, sent(typ, payload), true
}

// sent is what the kernel sent of a line: what auditd added stands behind a byte 0x1d,
// which the kernel encodes. What auditd decoded, an address for one, may have it again. Of
// a program's record it is the last one, for the program may have sent some too, before
// the quote that ends its text.
func sent(typ uint16, payload []byte) []byte {
	i := bytes.IndexByte(payload, 0x1d)
	if typ == unix.AUDIT_USER || typ >= unix.AUDIT_FIRST_USER_MSG && typ <= unix.AUDIT_LAST_USER_MSG || typ >= unix.AUDIT_FIRST_USER_MSG2 {
		if bytes.HasSuffix(payload, []byte("'")) {
			return payload
		}
		i = bytes.LastIndexByte(payload, 0x1d)
	}
	if i < 0 {
		return payload
	}
	return payload[:i]
}

// Type returns the number of a record type's name. A number is one, too.
func Type(name string) (uint16, bool) {
	if n, err := strconv.ParseUint(name, 10, 16); err == nil {
		return uint16(n), true
	}
	n, err := auparse.GetAuditMessageType(name)
	return uint16(n), err == nil
}

// Name returns the name of a record type as auditd writes it.
func Name(typ uint16) string { return auparse.AuditMessageType(typ).String() }
