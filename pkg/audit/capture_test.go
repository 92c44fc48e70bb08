package audit

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"io"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"seawall/pkg/syscallname"
)

// clock is a fixed time: nothing here waits.
var clock = time.Unix(1_800_000_000, 0)

// message is one netlink message of the capture.
type message struct {
	typ     uint16
	payload []byte
}

// capture returns the records of testdata/capture.log.gz as the kernel sent them.
func capture(tb testing.TB) []message {
	tb.Helper()
	var messages []message
	for line := range bytes.Lines(gunzip(tb, "testdata/capture.log.gz")) {
		typ, payload, ok := bytes.Cut(line, []byte(" msg="))
		n, err := strconv.ParseUint(strings.TrimPrefix(string(typ), "type="), 10, 16)
		if !ok || err != nil {
			tb.Fatalf("bad line %q", line)
		}
		messages = append(messages, message{uint16(n), bytes.TrimSuffix(payload, []byte{'\n'})})
	}
	return messages
}

func gunzip(tb testing.TB, name string) []byte {
	tb.Helper()
	f, err := os.Open(name)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(bufio.NewReader(f))
	if err != nil {
		tb.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// clone keeps an event beyond its handler.
func clone(e *Event) *Event {
	c := *e
	for _, b := range []*[]byte{&c.TTY, &c.Comm, &c.Exe, &c.Key, &c.CWD, &c.Proctitle, &c.Sockaddr, &c.Message} {
		*b = bytes.Clone(*b)
	}
	c.Paths = slices.Clone(e.Paths)
	for i := range c.Paths {
		c.Paths[i].Name = bytes.Clone(c.Paths[i].Name)
	}
	c.Argv = slices.Clone(e.Argv)
	for i := range c.Argv {
		c.Argv[i] = bytes.Clone(c.Argv[i])
	}
	c.Records = slices.Clone(e.Records)
	for i := range c.Records {
		c.Records[i].Text = bytes.Clone(c.Records[i].Text)
	}
	return &c
}

func assemble(tb testing.TB, messages []message) ([]*Event, Stats) {
	tb.Helper()
	var events []*Event
	a := NewAssembler(0, func(e *Event) { events = append(events, clone(e)) })
	for _, m := range messages {
		a.Push(m.typ, m.payload, clock)
	}
	a.Close()
	return events, a.Stats()
}

// truth is what was really done, written by the program that did it.
type truth struct {
	Op      string
	Name    string
	PID     uint32
	Path    []byte   `json:"path_b64"`
	Argv    [][]byte `json:"argv_b64"`
	Success bool
	Family  uint16
	Addr    []any
}

func truths(tb testing.TB) []truth {
	tb.Helper()
	var all []truth
	d := json.NewDecoder(bytes.NewReader(gunzip(tb, "testdata/truth.jsonl.gz")))
	for {
		var t truth
		if err := d.Decode(&t); err == io.EOF {
			return all
		} else if err != nil {
			tb.Fatal(err)
		}
		all = append(all, t)
	}
}

func TestCaptureCounts(t *testing.T) {
	messages := capture(t)
	events, stats := assemble(t, messages)
	if len(messages) != 11_626 || stats.Records != 11_626 || len(events) != 2814 {
		t.Errorf("%d messages, %+v, %d events; want 11626 and 2814", len(messages), stats, len(events))
	}
	if stats.Malformed != 0 || stats.Partial != 0 || stats.Gaps != 0 || stats.Late != 0 {
		t.Errorf("stats of a complete capture: %+v", stats)
	}
	records := 0
	for _, e := range events {
		records += len(e.Records)
	}
	if want := 11_626 - 2797; records != want { // all but the end records
		t.Errorf("%d records in events, want %d", records, want)
	}
}

// TestCaptureFidelity compares the events with what was really done, byte for byte.
func TestCaptureFidelity(t *testing.T) {
	events, _ := assemble(t, capture(t))
	byPID := map[uint32][]*Event{}
	for _, e := range events {
		if e.HasSyscall {
			byPID[e.PID] = append(byPID[e.PID], e)
		}
	}
	var argv, paths, addresses int
	for _, tr := range truths(t) {
		switch tr.Op {
		case "execve":
			i := slices.IndexFunc(byPID[tr.PID], func(e *Event) bool { return syscallname.Name(e.Arch, e.Syscall) == "execve" })
			if i < 0 {
				t.Errorf("execve %s: no event", tr.Name)
				continue
			}
			e := byPID[tr.PID][i]
			if e.Success != tr.Success {
				t.Errorf("execve %s: success %v, want %v", tr.Name, e.Success, tr.Success)
			}
			if !tr.Success || tr.Name == "script" { // the kernel reports the interpreter's
				continue
			}
			if !slices.EqualFunc(e.Argv, tr.Argv, bytes.Equal) || e.Argc != len(tr.Argv) || e.Partial {
				t.Errorf("execve %s: %d arguments (argc %d), want %d", tr.Name, len(e.Argv), e.Argc, len(tr.Argv))
				continue
			}
			argv++
		case "openat":
			if tr.Name == "missing" { // a dir= rule cannot see what has no inode
				continue
			}
			if !slices.ContainsFunc(byPID[tr.PID], func(e *Event) bool {
				return strings.HasPrefix(syscallname.Name(e.Arch, e.Syscall), "open") && e.Success == tr.Success &&
					slices.ContainsFunc(e.Paths, func(p Path) bool { return bytes.Equal(p.Name, tr.Path) })
			}) {
				t.Errorf("openat %s %q: not found", tr.Name, tr.Path)
				continue
			}
			paths++
		case "connect":
			i := slices.IndexFunc(byPID[tr.PID], func(e *Event) bool { return syscallname.Name(e.Arch, e.Syscall) == "connect" })
			if i < 0 || address(byPID[tr.PID][i].Sockaddr) != tr.address(t) {
				t.Errorf("connect %s: not found, or another address", tr.Name)
				continue
			}
			addresses++
		}
	}
	if argv != 66 || paths != 60 || addresses != 7 {
		t.Errorf("%d of 66 argument lists, %d of 60 paths, %d of 7 addresses", argv, paths, addresses)
	}
}

// address writes a sockaddr like the truth has it.
func address(b []byte) string {
	if len(b) < 2 {
		return ""
	}
	switch family := binary.LittleEndian.Uint16(b); {
	case family == 2 && len(b) >= 8:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), binary.BigEndian.Uint16(b[2:])).String()
	case family == 10 && len(b) >= 24:
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[8:24])), binary.BigEndian.Uint16(b[2:])).String()
	case family == 1 && b[2] == 0:
		return string(b[2:])
	case family == 1:
		return strings.TrimRight(string(b[2:]), "\x00")
	}
	return ""
}

func (tr truth) address(t *testing.T) string {
	t.Helper()
	host, _ := tr.Addr[0].(string)
	if len(tr.Addr) == 2 {
		port, _ := tr.Addr[1].(float64)
		return netip.AddrPortFrom(netip.MustParseAddr(host), uint16(port)).String()
	}
	if enc, ok := strings.CutPrefix(host, "b64:"); ok {
		var raw []byte
		if err := json.Unmarshal([]byte(`"`+enc+`"`), &raw); err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	return host
}

func TestCaptureOutOfOrder(t *testing.T) {
	messages := capture(t)
	events, _ := assemble(t, messages)
	// Records of two events in lock step, as two processors write them.
	slices.SortStableFunc(messages, func(a, b message) int {
		x, _, _ := parseHeader(a.payload)
		y, _, _ := parseHeader(b.payload)
		return int(x.serial/2) - int(y.serial/2)
	})
	shuffled := make([]message, 0, len(messages))
	for len(messages) > 0 {
		h, _, _ := parseHeader(messages[0].payload)
		n := 0
		for n < len(messages) {
			if g, _, _ := parseHeader(messages[n].payload); g.serial/2 != h.serial/2 {
				break
			}
			n++
		}
		pair := slices.Clone(messages[:n])
		messages = messages[n:]
		slices.SortStableFunc(pair, func(a, b message) int { return position(pair, a) - position(pair, b) })
		shuffled = append(shuffled, pair...)
	}
	got, stats := assemble(t, shuffled)
	if len(got) != len(events) || stats.Partial != 0 || stats.Gaps != 0 {
		t.Errorf("%d events of interleaved records, want %d; %+v", len(got), len(events), stats)
	}
}

// position is a message's place among those of its own event.
func position(in []message, m message) int {
	h, _, _ := parseHeader(m.payload)
	n := 0
	for i := range in {
		if &in[i].payload[0] == &m.payload[0] {
			return n
		}
		if g, _, _ := parseHeader(in[i].payload); g.serial == h.serial {
			n++
		}
	}
	return n
}
