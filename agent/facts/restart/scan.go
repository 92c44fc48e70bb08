package restart

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/facts/fact"
	"seawall/pkg/cgroup"
	"seawall/pkg/hostfs"
	"seawall/pkg/text"
)

// Limits of what is listed.
const (
	maxProcesses = 400
	maxUnits     = 400
	maxFiles     = 8 // of a process or a unit
	maxPIDs      = 8 // of a unit
	maxName      = 256
	maxCommand   = 512 // holds a name
	// hurry is when a look begins to put first what matters most; nearly none takes so
	// long.
	hurry = 500 * time.Millisecond
)

// scan is one look at all processes.
type scan struct {
	proc   *proc
	places places
	mounts mounts
	listen listeners
	passwd string
	units  map[string]*Unit
	facts  Facts
}

// Scan looks at the processes of the running system, as far as the caller may. An
// error is a /proc that cannot be listed.
func Scan(ctx context.Context) (Facts, error) {
	pids, err := processes()
	if err != nil {
		return Facts{}, fmt.Errorf("list processes: %w", err)
	}
	p, err := openProc()
	if err != nil {
		return Facts{}, fmt.Errorf("open /proc: %w", err)
	}
	defer p.close()
	s := &scan{proc: p, places: places{}, listen: listeners{}, units: map[string]*Unit{}, facts: empty()}
	if !slices.Contains(pids, "1") { // which is there wherever it may be seen
		s.facts.Denied++
		s.facts.Limited = "processes of other users are hidden (proc(5), hidepid)"
	}
	sort := time.Now().Add(hurry)
	for i := range pids {
		if err := ctx.Err(); err != nil {
			s.facts.Denied += len(pids) - i
			s.facts.Limited = "there was no time for all: " + err.Error()
			break
		}
		if !sort.IsZero() && time.Now().After(sort) {
			copy(pids[i:], s.order(pids[i:]))
			sort = time.Time{}
		}
		s.process(pids[i])
	}
	s.list()
	return s.facts, nil
}

// empty is what is known before anything was looked at.
func empty() Facts {
	return Facts{Meta: fact.Meta{State: fact.StateKnown}, Processes: []Process{}, Units: []Unit{}}
}

// processes lists the numbers of all processes, in the kernel's order: ascending.
func processes() ([]string, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	return slices.DeleteFunc(names, func(n string) bool { return n[0] < '0' || n[0] > '9' }), err
}

// order puts the system's services first: a user can have thousands of processes
// with mappings that take long to read, and there may be no time for all.
func (s *scan) order(pids []string) []string {
	services, others := make([]string, 0, len(pids)), make([]string, 0, len(pids))
	for _, pid := range pids {
		group := ""
		if one, err := s.proc.open(pid); err == nil {
			group = cgroup.Of(one.small("cgroup"))
			one.close()
		}
		list := &others
		if systemService(group) || group == "/init.scope" {
			list = &services
		}
		*list = append(*list, pid)
	}
	return append(services, others...)
}

// hit is a file that one process runs and that is no longer what its name says.
type hit struct {
	name     string
	standing standing
}

// process looks at one process. One that ended meanwhile counts for nothing.
func (s *scan) process(pid string) {
	one, err := s.proc.open(pid)
	if err != nil {
		s.unread(err)
		return
	}
	defer one.close()
	var hits []hit
	found := func(m mapping) {
		if st, name := s.places.judge(m); st != current && !slices.ContainsFunc(hits, func(h hit) bool { return h.name == string(name) }) {
			hits = append(hits, hit{string(name), st})
		}
	}
	mapped := false
	whole, err := one.lines("maps", maxMaps, func(line []byte) {
		mapped = true
		if m, ok := parseMapping(line); ok && len(m.path) > 0 {
			found(m)
		}
	})
	if err != nil || !mapped { // without error: it ended, or is the kernel's own
		s.unread(err)
		return
	}
	s.facts.Scanned++
	if !whole {
		s.facts.Partial++
	}
	exe := one.exe(found)
	if len(hits) > 0 {
		s.add(pid, &one, exe, hits)
	}
}

// unread counts a process that could not be looked at, for whatever reason, unless
// it ended meanwhile.
func (s *scan) unread(err error) {
	if err == nil || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH) {
		return
	}
	s.facts.Denied++
	if s.facts.Limited == "" && !errors.Is(err, unix.EACCES) && !errors.Is(err, unix.EPERM) {
		s.facts.Limited = err.Error()
	}
}

// exe returns the executable's name and judges it by its mark: a program can put its
// code into memory that is no mapping of the file.
func (p *process) exe(found func(mapping)) string {
	b := p.linkBytes("exe")
	name := string(b)
	bare, marked := strings.CutSuffix(name, string(mark))
	if !marked || !packaged(b) {
		return name
	}
	m := mapping{path: b}
	var st unix.Stat_t
	if err := unix.Fstatat(p.fd, "exe", &st, 0); err == nil {
		m.dev, m.inode = st.Dev, st.Ino
	}
	found(m)
	return bare
}

// add files a process with hits, if it is one of this host's own.
func (s *scan) add(pid string, one *process, exe string, hits []hit) {
	if s.mounts.roots == nil {
		s.mounts.learn(s.proc)
		// Without it users have numbers for names.
		b, _ := hostfs.Root{}.ReadFile("/etc/passwd", 8<<20)
		s.passwd = string(b)
	}
	group := cgroup.Of(one.small("cgroup"))
	switch s.mounts.of(one, group) {
	case unplaced:
		if !one.ended() {
			s.facts.Denied++
			s.facts.Limited = "it is not known whose files some processes see"
		}
		return
	case elsewhere:
		return
	case sandboxed: // its names need not be the reader's
		hits = slices.DeleteFunc(hits, func(h hit) bool { return h.standing != replaced })
	case here:
	}
	if len(hits) == 0 {
		return
	}
	number, err := strconv.Atoi(pid)
	if err != nil {
		return
	}
	p := Process{
		PID: number, Comm: text.Clean(strings.TrimSuffix(one.small("comm"), "\n"), maxName), Exe: text.Clean(exe, maxName),
		User: s.user(one.uid()), Files: []string{}, Listening: s.listen.has(one),
	}
	program := p.Comm
	if strings.HasPrefix(p.Exe, "/") {
		program = path.Clean(p.Exe)
	}
	unit := unitFor(group, program, s.user)
	p.Unit, unit.Listening = unit.Name, p.Listening
	s.count(unit, number, hits)
	if len(s.facts.Processes) == maxProcesses {
		s.facts.More++
		return
	}
	for _, h := range hits[:min(len(hits), maxFiles)] {
		p.Files = append(p.Files, text.Clean(h.name, maxName))
	}
	s.facts.Processes = append(s.facts.Processes, p)
}

func (s *scan) user(uid string) string { return text.Clean(cgroup.User(s.passwd, uid), maxName) }

// count adds a process to its unit.
func (s *scan) count(unit Unit, pid int, hits []hit) {
	u := s.units[unit.Name]
	if u == nil {
		if len(s.units) == maxUnits {
			s.facts.MoreUnits++
			return
		}
		unit.Files, unit.PIDs = []string{}, []int{}
		u = &unit
		s.units[unit.Name] = u
	}
	u.Processes++
	u.Listening = u.Listening || unit.Listening
	if len(u.PIDs) < maxPIDs {
		u.PIDs = append(u.PIDs, pid)
	}
	for _, h := range hits {
		// Kept sorted, so that which files are named does not depend on whom was
		// looked at first.
		name := text.Clean(h.name, maxName)
		if i, there := slices.BinarySearch(u.Files, name); !there {
			u.Files = slices.Insert(u.Files, i, name)
			u.Files = u.Files[:min(len(u.Files), maxFiles)]
		}
	}
}

// list sorts what was found.
func (s *scan) list() {
	for _, u := range s.units {
		s.facts.Units = append(s.facts.Units, *u)
	}
	slices.SortFunc(s.facts.Units, func(a, b Unit) int { return strings.Compare(a.Name, b.Name) })
}
