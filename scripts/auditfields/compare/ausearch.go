package compare

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"seawall/pkg/auditlog"
	"seawall/scripts/auditfields/words"
)

// parts is how many ausearch read a log at a time, each its part of the events.
const parts = 4

func part(serial uint32) int { return int(serial / 64 % parts) }

// searched compares events with what ausearch says of the log.
func searched(ctx context.Context, t *tally, log string, events []*event) error {
	var mine [parts][]*event
	for _, e := range events {
		mine[part(e.serial)] = append(mine[part(e.serial)], e)
	}
	names, err := ended(log)
	if err != nil {
		return err
	}
	var all errgroup.Group
	for i, name := range names {
		all.Go(func() error {
			defer os.Remove(name)
			return searchedPart(ctx, t, name, mine[i])
		})
	}
	return all.Wait()
}

func searchedPart(ctx context.Context, t *tally, log string, events []*event) error {
	if len(events) == 0 {
		return nil
	}
	cmd := exec.CommandContext(ctx, "ausearch", "-i", "-if", log)
	cmd.Env = []string{"LC_ALL=C", "TZ=UTC", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	// A file, for on a busy machine a pipe has each wait for the other.
	out, err := os.Create(log + ".out")
	if err != nil {
		return fmt.Errorf("run ausearch: %w", err)
	}
	defer os.Remove(out.Name())
	defer out.Close()
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = out, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("run ausearch: %w: %s", err, said.Bytes())
	}
	if _, err := out.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read ausearch: %w", err)
	}
	return walk(t, out, events)
}

// ended copies a log in parts and puts the ends of events back, which the kernel sent and
// auditd left out. Without them ausearch holds an event for two seconds of the log's time,
// and looks through all that it holds for each record: a log of a busy host takes it hours.
func ended(log string) (names [parts]string, err error) {
	text, err := os.ReadFile(log)
	if err != nil {
		return names, fmt.Errorf("read log: %w", err)
	}
	var out [parts]bytes.Buffer
	for line := range bytes.Lines(text) {
		_, rest, _ := bytes.Cut(line, []byte(" msg="))
		stamp, _, _ := bytes.Cut(rest, []byte(" "))
		stamp = bytes.TrimSuffix(stamp, []byte("\n"))
		_, number, _ := bytes.Cut(stamp, []byte(":"))
		serial, _ := strconv.ParseUint(string(bytes.TrimRight(number, "):")), 10, 32)
		to := &out[part(uint32(serial))]
		to.Write(line)
		if bytes.HasPrefix(line, []byte("type=PROCTITLE ")) {
			fmt.Fprintf(to, "type=EOE msg=%s\n", stamp)
		}
	}
	for i := range out {
		names[i] = fmt.Sprintf("%s.part%d", log, i)
		if err := os.WriteFile(names[i], out[i].Bytes(), 0o600); err != nil {
			return names, fmt.Errorf("copy log: %w", err)
		}
	}
	return names, nil
}

// head is what each line of ausearch begins with.
type head struct{ typ, when, serial string }

// headed splits type=T msg=audit(DATE TIME.MILLI:SERIAL) : off a line.
func headed(line string) (h head, rest string, ok bool) {
	var ok1, ok2, ok3 bool
	line, ok = strings.CutPrefix(line, "type=")
	h.typ, line, ok1 = strings.Cut(line, " msg=audit(")
	h.when, rest, ok2 = strings.Cut(line, ") :")
	at := strings.LastIndexByte(h.when, ':')
	ok3 = at > 0
	if ok3 {
		h.when, h.serial = h.when[:at], h.when[at+1:]
	}
	return h, rest, ok && ok1 && ok2 && ok3
}

// walk compares events with ausearch's output.
func walk(t *tally, out io.Reader, events []*event) error {
	n := words.New()
	bySerial := make(map[uint32]*event, len(events))
	for _, e := range events {
		bySerial[e.serial] = e
	}
	at := map[uint32]int{} // records of an event that were compared
	var block []string     // an event's lines, which come the last first
	in := bufio.NewReaderSize(out, 1<<20)
	for {
		line, readErr := in.ReadString('\n')
		if line = strings.TrimSuffix(line, "\n"); line != "" && line != "----" {
			block = append(block, line)
		}
		if line == "----" || readErr != nil {
			for _, line := range slices.Backward(block) {
				h, rest, ok := headed(line)
				if !ok {
					t.differs("line without a header", "", line, line)
				} else if err := compareLine(t, n, h, rest, bySerial, at); err != nil {
					return err
				}
			}
			block = block[:0]
		}
		if errors.Is(readErr, io.EOF) {
			break
		}
		if readErr != nil {
			return fmt.Errorf("read ausearch: %w", readErr)
		}
	}
	for _, e := range events {
		t.saw(1, 0)
		if at[e.serial] != len(e.records) {
			t.differs("records of an event", strconv.Itoa(len(e.records)), strconv.Itoa(at[e.serial]), e.records[0].line)
		}
	}
	return nil
}

// line compares one line.
func compareLine(t *tally, n *words.Names, h head, rest string, events map[uint32]*event, at map[uint32]int) error {
	serial, err := strconv.ParseUint(h.serial, 10, 32)
	if err != nil {
		return fmt.Errorf("read ausearch: %w", err)
	}
	if h.typ == "EOE" {
		return nil
	}
	e := events[uint32(serial)]
	if e == nil || at[e.serial] >= len(e.records) {
		t.differs("records of an event", "none", h.typ, rest)
		return nil
	}
	r := &e.records[at[e.serial]]
	at[e.serial]++
	t.saw(0, 1)
	if name := auditlog.Name(r.typ); name != h.typ {
		t.differs("type of a record", name, h.typ, r.line)
		return nil
	}
	if when := e.time.UTC().Format("01/02/06 15:04:05.000"); when != h.when {
		t.differs("time", when, h.when, r.line)
	} else {
		t.same()
	}
	compareFields(t, n, e, r, rest)
	return nil
}

// fields compares the fields of a record with what ausearch has of them. Its values are
// not quoted and may hold anything: a value ends where the next field begins.
func compareFields(t *tally, n *words.Names, e *event, r *record, rest string) {
	rest = strings.TrimSuffix(rest, " ")
	for i := range r.fields {
		f := &r.fields[i]
		name := called(r, f.key)
		rest = strings.TrimLeft(rest, " ")
		if f.told {
			rest = strings.TrimPrefix(rest, "msg='")
		}
		after, ok := strings.CutPrefix(rest, f.key+"=")
		if !ok {
			t.differs(classOf(name+": not where we have it", r, f, "", ""), f.text, rest, r.line)
			return
		}
		said, symbol := in(n, r, f)
		value, left := upTo(after, r, i, said)
		rest = left
		if f.told {
			value = strings.TrimSuffix(value, "'")
		}
		switch {
		case equal(f.key, value, said):
			t.same()
		case symbol:
			key := name
			if r.typ == unix.AUDIT_SYSCALL {
				key = fmt.Sprintf("%s %x %d", name, e.arch, e.call)
			}
			t.symbol(key, f.text, value, r.line)
		default:
			t.differs(classOf(name, r, f, value, said[0]), said[0], value, r.line)
		}
	}
}

func equal(key, value string, said []string) bool {
	for _, w := range said {
		if value == w || key == "exit" && strings.HasSuffix(w, "(") && strings.HasPrefix(value, w) {
			return true
		}
	}
	return false
}

// upTo cuts the value of field i off text: where one of said ends and the next field
// begins, or else where the next field begins first.
func upTo(text string, r *record, i int, said []string) (value, rest string) {
	end := ""
	switch last := i+1 == len(r.fields); {
	case r.sent && !r.fields[i].told && (last || r.fields[i+1].told):
		end = " msg="
	case !last:
		end = " " + r.fields[i+1].key + "="
	}
	for _, w := range said {
		if after, ok := strings.CutPrefix(text, w); ok && (end == "" && strings.Trim(after, "' ") == "" || end != "" && strings.HasPrefix(strings.TrimLeft(after, " "), end[1:])) {
			return w, after
		}
	}
	if end == "" {
		return text, ""
	}
	if at := strings.Index(text, end); at >= 0 {
		return strings.TrimRight(text[:at], " "), text[at:]
	}
	return text, ""
}

// called names a field.
func called(r *record, key string) string {
	if r.typ == unix.AUDIT_EXECVE && key != "argc" {
		key = "argument"
	}
	return auditlog.Name(r.typ) + " " + key
}

// classOf names a difference.
func classOf(name string, r *record, f *field, theirs, ours string) string {
	switch {
	case f.told:
		return "told by a program"
	case r.sent && strings.Contains(r.line, "\x1d"):
		return "of a record in which a program sent 0x1d"
	case theirs == f.raw:
		return "not in words: " + name
	case f.key == "proctitle" && strings.HasPrefix(f.text, "\x00"):
		return name + ": begins with NUL"
	case f.key == "saddr" && strings.HasSuffix(theirs, "(unsupported) }"):
		return name + ": family not supported"
	case f.key == "saddr" && strings.HasSuffix(theirs, "too short }"):
		return name + ": too short"
	case f.key == "saddr" && len(f.text) > 0:
		return fmt.Sprintf("%s: family %d", name, f.text[0])
	}
	return name
}
