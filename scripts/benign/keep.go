package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"seawall/pkg/auditlog"
)

// nobody is the login user of whom no one logged in for, which machine.sh has.
const nobody = "4242"

// keeper writes the records of the machine's events as auditd would.
type keeper struct {
	out        *bufio.Writer
	ended      chan struct{}
	inside     map[string]bool // processes with login user 0: of the machine?
	pids       map[string]bool // of which there are events
	serial     []byte          // of the event at hand
	lines      []byte          // of it
	mine       bool            // it is of the machine
	marked     bool
	seen, kept int
}

func (k *keeper) begin() error {
	k.ended = make(chan struct{})
	k.inside, k.pids = map[string]bool{}, map[string]bool{}
	k.seen, k.kept, k.marked = 0, 0, false
	k.serial, k.lines, k.mine = nil, nil, false
	return nil
}

// await returns when the end of the step was seen, or time is over.
func (k *keeper) await(ctx context.Context) {
	select {
	case <-k.ended:
	case <-ctx.Done():
	}
}

// take takes a record. Those of an event follow each other: the kernel sends an event
// as a whole.
func (k *keeper) take(typ uint16, payload []byte) {
	k.seen++
	header, rest, _ := bytes.Cut(payload, []byte("): "))
	_, serial, _ := bytes.Cut(header, []byte(":"))
	if !bytes.Equal(serial, k.serial) {
		k.event()
		k.serial = append(k.serial[:0], serial...)
	}
	pid, auid := value(rest, "pid="), value(rest, "auid=")
	switch {
	case len(auid) == 4 && string(auid) >= nobody && string(auid) <= "4299":
		k.mine = true
		k.pids[string(pid)] = true
	case string(auid) == "0" && k.within(string(pid), string(value(rest, "ppid="))):
		k.mine = true
	case typ == unix.AUDIT_NETFILTER_CFG && k.pids[string(pid)]:
		k.mine = true
	}
	text := bytes.ReplaceAll(bytes.TrimRight(payload, "\x00\n"), []byte("auid="+nobody), []byte("auid=4294967295"))
	if bytes.Contains(text, []byte(" auid=4294967295 ")) {
		if ses := value(text, "ses="); len(ses) > 0 {
			text = bytes.Replace(text, append([]byte(" ses="), ses...), []byte(" ses=4294967295"), 1)
		}
	}
	k.lines = fmt.Appendf(k.lines, "type=%s msg=%s\n", auditlog.Name(typ), text)
	if bytes.Contains(rest, []byte(`"`+marker+`"`)) && !k.marked {
		k.marked = true
		close(k.ended)
	}
}

// event ends the event at hand.
func (k *keeper) event() {
	if k.mine && !bytes.Contains(k.lines, []byte("type=CONFIG_CHANGE ")) {
		k.kept += bytes.Count(k.lines, []byte("\n"))
		_, _ = k.out.Write(k.lines) // Flush has the error
	}
	k.lines, k.mine = k.lines[:0], false
}

// within reports whether a process with login user 0 is the machine's: a job of cron.
func (k *keeper) within(pid, ppid string) bool {
	in, known := k.inside[pid]
	if known {
		return in
	}
	cgroup, err := os.ReadFile("/proc/" + pid + "/cgroup")
	in = err == nil && bytes.Contains(cgroup, []byte("seawall-benign")) || k.inside[ppid] || k.pids[ppid]
	k.inside[pid] = in
	return in
}

// value returns a field of a record, whose name ends in "=".
func value(text []byte, name string) []byte {
	for {
		i := bytes.Index(text, []byte(name))
		if i < 0 {
			return nil
		}
		if i == 0 || text[i-1] == ' ' {
			text = text[i+len(name):]
			if end := bytes.IndexByte(text, ' '); end >= 0 {
				text = text[:end]
			}
			return text
		}
		text = text[i+len(name):]
	}
}
