package compare

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/elastic/go-libaudit/v2/aucoalesce"
	"github.com/elastic/go-libaudit/v2/auparse"
	"golang.org/x/sys/unix"

	"seawall/pkg/auditlog"
	"seawall/pkg/sockaddr"
	"seawall/scripts/auditfields/words"
)

// parsed compares events with what go-libaudit makes of their records.
func parsed(t *tally, events []*event) {
	for _, e := range events {
		t.saw(1, len(e.records))
		var messages []*auparse.AuditMessage
		for i := range e.records {
			r := &e.records[i]
			m, err := auparse.Parse(auparse.AuditMessageType(r.typ), "audit("+stamp(e)+"): "+r.line)
			if err != nil {
				t.differs(auditlog.Name(r.typ)+": not read", r.line, err.Error(), r.line)
				continue
			}
			if m.Sequence != e.serial || !m.Timestamp.Equal(e.time) {
				t.differs("serial and time", stamp(e), m.Timestamp.String(), r.line)
			}
			messages = append(messages, m)
			data, err := m.Data()
			if err != nil {
				t.differs(auditlog.Name(r.typ)+": fields not read: "+general(err.Error()), r.line, err.Error(), r.line)
				continue
			}
			tags, _ := m.Tags()
			libraryFields(t, e, r, data, tags)
		}
		if len(messages) == len(e.records) {
			coalesced(t, e, messages)
		}
	}
}

func stamp(e *event) string {
	return fmt.Sprintf("%d.%03d:%d", e.time.Unix(), e.time.Nanosecond()/1e6, e.serial)
}

// general is an error without what is of one record.
func general(text string) string {
	return strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' {
			return 'N'
		}
		return c
	}, strings.SplitN(text, ":", 2)[0])
}

// libraryFields compares the fields of one record. The library has one value for a key:
// ours is the last.
func libraryFields(t *tally, e *event, r *record, data map[string]string, tags []string) {
	for i := range r.fields {
		f := &r.fields[i]
		if slices.ContainsFunc(r.fields[i+1:], func(later field) bool { return later.key == f.key }) {
			continue
		}
		name := called(r, f.key)
		key, want := inLibrary(r, f)
		theirs, has := data[key]
		switch {
		case f.key == "key":
			keys := strings.Split(f.text, "\x01")
			if f.null {
				keys = nil
			}
			theirs, has, want = strings.Join(tags, "\x01"), true, strings.Join(keys, "\x01")
		case r.typ == unix.AUDIT_SOCKADDR && f.key == "saddr":
			theirs, want = libraryAddress(data, f)
			has = true
		}
		switch {
		case has && theirs == want:
			t.same()
		case !has && (f.null || want == ""):
			t.same() // it leaves out what there is not
		default:
			t.differs(libraryClass(name, r, f, has, theirs, want), want, theirs, r.line)
		}
	}
}

// inLibrary returns the key and the value that the library should have for f.
func inLibrary(r *record, f *field) (key, want string) {
	key, want = f.key, f.text
	switch f.key {
	case "auid", "old-auid", "ses":
		if want == "4294967295" || want == "-1" {
			want = "unset"
		}
	case "success", "res":
		key, want = "result", outcome(want)
	case "exit":
		if n, err := strconv.Atoi(want); err == nil && n < 0 {
			want = cmp.Or(unix.ErrnoName(unix.Errno(-n)), want)
		}
	case "arch":
		want = cmp.Or(words.Machine(want), want)
	case "syscall":
		want = cmp.Or(callName(r, f), want)
	case "sig":
		if n, err := strconv.Atoi(want); err == nil && r.typ == unix.AUDIT_SECCOMP {
			want = unix.SignalName(unix.Signal(n))
		}
	case "proctitle":
		want = strings.ReplaceAll(strings.TrimRight(want, "\x00"), "\x00", " ")
	}
	if f.null {
		want = f.raw
	}
	return key, want
}

// outcome is success or fail, whichever word a record has for it.
func outcome(text string) string {
	if text == "yes" || text == "1" || strings.HasPrefix(text, "suc") {
		return "success"
	}
	return "fail"
}

// libraryAddress says both readings of an address in one way.
func libraryAddress(data map[string]string, f *field) (theirs, ours string) {
	a, ok := sockaddr.Parse([]byte(f.text))
	switch {
	case ok && (a.Family == unix.AF_INET || a.Family == unix.AF_INET6):
		return data["addr"] + " " + data["port"], a.IP.WithZone("").String() + " " + strconv.Itoa(int(a.Port))
	case ok && a.Family == unix.AF_UNIX:
		return data["path"], string(a.Path)
	}
	return data["saddr"], f.raw
}

// libraryClass names a difference by what the library did.
func libraryClass(name string, r *record, f *field, has bool, theirs, want string) string {
	switch {
	case f.told:
		return "told by a program"
	case r.typ == unix.AUDIT_SOCKADDR && f.key == "saddr":
		a, ok := sockaddr.Parse([]byte(f.text))
		switch {
		case ok && a.Abstract:
			return name + ": abstract"
		case ok && a.IP.Is4In6():
			return name + ": IPv4 in IPv6"
		}
		return fmt.Sprintf("%s: family %d", name, a.Family)
	case !has && (want == "(null)" || want == "?"):
		return name + ": left out"
	case !has && strings.Trim(f.raw, `"' `) == "":
		return name + ": as written"
	case !has:
		return name + ": not there"
	case theirs == f.raw || theirs == strings.Trim(f.raw, `"' `):
		return name + ": as written"
	}
	return name
}

// coalesced compares the arguments.
func coalesced(t *tally, e *event, messages []*auparse.AuditMessage) {
	if !slices.ContainsFunc(e.records, func(r record) bool { return r.typ == unix.AUDIT_EXECVE }) {
		return
	}
	whole, err := aucoalesce.CoalesceMessages(messages)
	line := e.records[0].line
	switch {
	case err != nil:
		t.differs("arguments: not coalesced", strings.Join(e.argv, " "), err.Error(), line)
	case slices.Equal(whole.Process.Args, e.argv):
		t.same()
	case len(whole.Process.Args) == 0:
		t.differs("arguments: none", strings.Join(e.argv, " "), "", line)
	default:
		t.differs("arguments", strings.Join(e.argv, " "), strings.Join(whole.Process.Args, " "), line)
	}
}
