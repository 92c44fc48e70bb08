package auditbench

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/bits"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/gaps"
	"seawall/agent/witness"
	"seawall/pkg/audit"
	"seawall/pkg/auditlog"
	"seawall/pkg/hostfs"
)

// serialSet is a set of serials in a file that is mapped, so that a process that is killed
// leaves what it put in. It is sparse.
type serialSet []byte

func openSerials(name string) (serialSet, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	const size = 1 << 29 // bytes, of a bit for each serial
	if err := f.Truncate(size); err != nil {
		return nil, err
	}
	return unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}

func (s serialSet) add(serial uint32)      { s[serial/8] |= 1 << (serial % 8) }
func (s serialSet) has(serial uint32) bool { return s[serial/8]&(1<<(serial%8)) != 0 }

// ends returns the first and the last serial of a set.
func (s serialSet) ends() (first, last uint32) {
	const page = 4096
	empty := make([]byte, page)
	for at := 0; at < len(s); at += page {
		if bytes.Equal(s[at:at+page], empty) {
			continue
		}
		for i, b := range s[at : at+page] {
			if b == 0 {
				continue
			}
			serial := uint32(at+i) * 8
			if first == 0 {
				first = serial + uint32(bits.TrailingZeros8(b))
			}
			last = serial + 7 - uint32(bits.LeadingZeros8(b))
		}
	}
	return first, last
}

// sums are what a soak comes to. All but Records are of events.
type sums struct {
	Generated                         int // by our program
	Live                              int // of these, delivered as they came
	Filled                            int // read from auditd's log
	Missing                           int // of these, serials that nobody delivered
	Others                            int // serials of others that nobody delivered
	Told                              int // serials that are told to be missing
	Over                              int // of these, were delivered, or are told twice
	Untold                            int // serials that are missing, and nobody told
	Lost                              int // of ours that the kernel lost before it gave them a serial
	Records                           int // that the kernel counts as lost, as it was told
	Wrong                             int // read from auditd's log, and not what stands there
	Again                             int // read from auditd's log and noted twice: once by a sensor killed just then
	Twice                             int // delivered twice, and whole
	Parts                             int // delivered without all of their records
	Kills, Ends, Stalls, Visits, Gaps int
	Worst                             time.Duration // system call of our program
}

func (a *sums) add(b sums) {
	a.Generated += b.Generated
	a.Live += b.Live
	a.Filled += b.Filled
	a.Missing += b.Missing
	a.Others += b.Others
	a.Told += b.Told
	a.Over += b.Over
	a.Untold += b.Untold
	a.Lost += b.Lost
	a.Records += b.Records
	a.Twice += b.Twice
	a.Wrong += b.Wrong
	a.Again += b.Again
	a.Parts += b.Parts
	a.Kills += b.Kills
	a.Ends += b.Ends
	a.Stalls += b.Stalls
	a.Visits += b.Visits
	a.Gaps += b.Gaps
	a.Worst = max(a.Worst, b.Worst)
}

// String is one line.
func (a *sums) String() string {
	return fmt.Sprintf("%d generated = %d live + %d from auditd's log + %d missing + %d lost without a serial; "+
		"told %d = missing + %d of others, over-told %d, untold %d, twice %d; kernel's count %d, parts %d, wrong %d, noted again %d; %d kill -9, %d ends, %d stalls, %d auditd, %d gaps, worst call %v",
		a.Generated, a.Live, a.Filled, a.Missing, a.Lost, a.Told, a.Others, a.Over, a.Untold, a.Twice, a.Records, a.Parts, a.Wrong, a.Again,
		a.Kills, a.Ends, a.Stalls, a.Visits, a.Gaps, a.Worst.Round(time.Millisecond))
}

// table is the account for people.
func (a *sums) table() string {
	var b strings.Builder
	row := func(name string, n int) { fmt.Fprintf(&b, "%-52s %12d\n", name, n) }
	row("generated", a.Generated)
	row("delivered as they came", a.Live)
	row("read from auditd's log", a.Filled)
	row("told as missing, with serials", a.Missing)
	row("lost by the kernel without a serial", a.Lost)
	row("over-told", a.Over)
	row("untold", a.Untold)
	row("delivered twice", a.Twice)
	row("the kernel's count of lost ones, as told", a.Records)
	row("of these, records of events that have a serial", a.Records-a.Lost)
	row("read from auditd's log and not what stands there", a.Wrong)
	row("read from auditd's log and noted again after a kill", a.Again)
	return b.String()
}

// delivered are the serials that a sensor delivered, in files.
type delivered struct {
	all    serialSet
	filled serialSet // of these, from auditd's log
	parts  serialSet // of these, incomplete
	twice  serialSet // whole, and more than once
}

func openDelivered(dir string) (d delivered, err error) {
	var errs [4]error
	d.all, errs[0] = openSerials(filepath.Join(dir, "all"))
	d.filled, errs[1] = openSerials(filepath.Join(dir, "filled"))
	d.parts, errs[2] = openSerials(filepath.Join(dir, "parts"))
	d.twice, errs[3] = openSerials(filepath.Join(dir, "twice"))
	return d, errors.Join(errs[:]...)
}

// add notes an event.
func (d delivered) add(e *audit.Event) {
	switch {
	case e.Partial:
		d.parts.add(e.Serial)
	case d.all.has(e.Serial) && !d.parts.has(e.Serial) && e.HasKey(key):
		d.twice.add(e.Serial)
	}
	if e.Filled {
		d.filled.add(e.Serial)
	}
	d.all.add(e.Serial)
}

func (d delivered) close() error {
	return errors.Join(unix.Munmap(d.all), unix.Munmap(d.filled), unix.Munmap(d.parts), unix.Munmap(d.twice))
}

// account compares what was delivered with what was told to be missing. Whatever is not
// one of the others is of our program, for only its rule is loaded.
func account(dir string, others map[uint32]bool, out *sums) (err error) {
	d, err := openDelivered(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	ledger, err := gaps.ReadLedger(hostfs.Root{}, filepath.Join(dir, witness.StateFile))
	if err != nil {
		return err
	}
	first, last := d.all.ends()
	for serial := first; serial <= last; serial++ {
		switch {
		case others[serial] && !d.all.has(serial):
			out.Others++
		case others[serial]:
		case !d.all.has(serial):
			out.Missing++
		case d.filled.has(serial):
			out.Filled++
		default:
			out.Live++
		}
		if d.parts.has(serial) {
			out.Parts++
		}
		if d.twice.has(serial) {
			out.Twice++
		}
	}
	out.Lost = out.Generated - out.Live - out.Filled - out.Missing
	told := out.Others + out.Missing
	for i := range ledger.Gaps {
		g := &ledger.Gaps[i]
		if g.Cause == gaps.Backlog {
			out.Records += int(g.Left())
			continue
		}
		out.Gaps += 1 + g.Merged
		missing := 0
		for serial := g.From; serial <= g.To; serial++ {
			if !d.all.has(serial) {
				missing++
			}
		}
		out.Told += int(g.Left())
		out.Over += max(0, int(g.Left())-missing)
		out.Untold += max(0, missing-int(g.Left()))
		told -= missing
	}
	out.Untold += max(0, told) // in no gap
	out.Over += max(0, -told)  // in two
	out.Wrong, out.Again, err = wrong(dir)
	return err
}

// wrong counts the events that were read from auditd's log and are not what stands there,
// and those that were noted again.
func wrong(dir string) (n, again int, err error) {
	want := map[string]int{}
	err = lines(filepath.Join(dir, "texts"), func(line []byte) { want[string(line)]++ })
	if err != nil || len(want) == 0 {
		return 0, 0, err
	}
	for _, times := range want {
		again += times - 1
	}
	text := eventText{}
	err = lines(filepath.Join(dir, "root", "audit.log"), func(line []byte) {
		if line, ok := text.next(line); ok {
			delete(want, line)
		}
	})
	return len(want), again, err
}

// lines gives each line of a file, if it is there.
func lines(name string, give func(line []byte)) error {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	in := bufio.NewScanner(f)
	for in.Scan() {
		give(in.Bytes())
	}
	return in.Err()
}

// eventText is the processes of the events that are begun in a log, by serial: their
// records are between one another.
type eventText map[string]string

// next reads a line and returns what an event is about when it has the last part of it.
func (e eventText) next(line []byte) (text string, ok bool) {
	typ, payload, ok := auditlog.Line(line)
	_, rest, _ := strings.Cut(string(payload), ":")
	serial, _, _ := strings.Cut(rest, ")")
	switch {
	case ok && typ == unix.AUDIT_SYSCALL:
		_, rest, _ := strings.Cut(rest, " pid=")
		e[serial], _, _ = strings.Cut(rest, " ")
	case ok && typ == unix.AUDIT_PATH && e[serial] != "":
		_, rest, _ := strings.Cut(rest, ` name="`)
		name, _, _ := strings.Cut(rest, `"`)
		pid := e[serial]
		delete(e, serial)
		return filledText(serial, pid, name), true
	}
	return "", false
}

func filledText(serial, pid, name string) string { return serial + " " + pid + " " + name }

// others listens for all that is not of our program, until stop is called, which returns
// the serials. There are few: the kernel is asked to leave out what has the types of ours.
func others() (stop func() (map[uint32]bool, error), err error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_AUDIT)
	if err != nil {
		return nil, err
	}
	const readLog = 1
	err = errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20), leaveOut(fd),
		unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: readLog}))
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("listen for others: %w", err)
	}
	return func() (map[uint32]bool, error) {
		defer unix.Close(fd)
		serials, buf := map[uint32]bool{}, make([]byte, 64<<10)
		for {
			n, err := unix.Read(fd, buf)
			if errors.Is(err, unix.EAGAIN) {
				return serials, nil
			}
			if err != nil {
				return nil, fmt.Errorf("listen for others: %w", err)
			}
			_, rest, _ := strings.Cut(string(buf[:n]), "audit(")
			_, rest, _ = strings.Cut(rest, ":")
			text, _, _ := strings.Cut(rest, ")")
			if serial, err := strconv.ParseUint(text, 10, 32); err == nil {
				serials[uint32(serial)] = true
			}
		}
	}, nil
}

// leaveOut has a socket not receive the types of records that an event of ours has.
func leaveOut(fd int) error {
	ours := []uint16{unix.AUDIT_SYSCALL, unix.AUDIT_PATH, unix.AUDIT_CWD, unix.AUDIT_PROCTITLE, unix.AUDIT_EOE}
	const typeAt = 4 // in struct nlmsghdr
	program := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_H | unix.BPF_ABS, K: typeAt}}
	for i, typ := range ours {
		swapped := uint32(bits.ReverseBytes16(typ)) // it loads in the order of the network
		program = append(program, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: uint8(len(ours) - i), K: swapped})
	}
	program = append(program, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 1 << 20}, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K})
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
}
