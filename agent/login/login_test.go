package login

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/actor"
	"seawall/pkg/audit"
	"seawall/pkg/hostfs"
	"seawall/pkg/utmp"
)

var epoch = time.Unix(1_790_000_000, 0)

// host is a host made by hand.
type host struct {
	t       *testing.T
	dir     string
	senders map[uint32]Sender
	serial  int
}

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{t: t, dir: t.TempDir(), senders: map[uint32]Sender{812: {Exe: "/usr/sbin/sshd"}}}
	h.write("/etc/passwd", "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n")
	return h
}

func (h *host) write(name, text string) {
	h.t.Helper()
	name = filepath.Join(h.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) sessions() *Sessions {
	h.t.Helper()
	root, err := hostfs.Open(h.dir)
	if err != nil {
		h.t.Fatal(err)
	}
	return New(Config{Root: root, Sender: func(pid uint32, _ time.Time) (Sender, bool) {
		s, ok := h.senders[pid]
		return s, ok
	}})
}

// tell gives the sessions a record as the kernel sends it.
func (h *host) tell(s *Sessions, typ uint16, text string) {
	h.serial++
	a := audit.NewAssembler(0, s.Observe)
	a.Push(typ, fmt.Appendf(nil, "audit(%d.000:%d): %s", epoch.Unix()+int64(h.serial), h.serial, text), epoch)
	a.Close()
}

const (
	loginText = "pid=812 uid=0 subj=unconfined old-auid=4294967295 auid=1000 tty=(none) old-ses=4294967295 ses=3 res=1"
	startText = `pid=812 uid=0 auid=1000 ses=3 subj=unconfined msg='op=PAM:session_open grantors=pam_loginuid,pam_systemd acct="alice" exe="/usr/sbin/sshd" hostname=203.0.113.7 addr=203.0.113.7 terminal=ssh res=success'`
	userText  = `pid=812 uid=0 auid=1000 ses=3 msg='op=login id=1000 exe="/usr/sbin/sshd" hostname=? addr=203.0.113.7 terminal=/dev/pts/0 res=success'`
	endText   = `pid=812 uid=0 auid=1000 ses=3 msg='op=PAM:session_close grantors=pam_loginuid acct="alice" exe="/usr/sbin/sshd" hostname=203.0.113.7 addr=203.0.113.7 terminal=ssh res=success'`
)

func TestSSH(t *testing.T) {
	h := newHost(t)
	s := h.sessions()
	h.tell(s, unix.AUDIT_LOGIN, loginText)
	h.tell(s, typeUserStart, startText)
	h.tell(s, typeUserLogin, userText)
	// sudo tells of a session of its own within.
	h.tell(s, typeUserStart, `pid=900 uid=1000 auid=1000 ses=3 msg='op=PAM:session_open acct="root" exe="/usr/bin/sudo" hostname=198.51.100.9 addr=198.51.100.9 terminal=/dev/pts/0 res=success'`)
	n := s.Lookup(3, 1000, epoch)
	want := actor.Origin{Address: netip.MustParseAddr("203.0.113.7"), Service: "sshd", Terminal: "/dev/pts/0", Source: actor.Audit}
	if n == nil || n.Origin != want || n.Leader != 812 || !n.Begun.Equal(epoch.Add(time.Second)) || !n.Ended.IsZero() {
		t.Fatalf("%+v", n)
	}
	if s.Lookup(3, 1001, epoch) != nil || s.Lookup(audit.Unset, 1000, epoch) != nil {
		t.Error("another's session")
	}
	h.tell(s, typeUserEnd, endText)
	if n = s.Lookup(3, 1000, epoch); n.Ended.IsZero() || n.Origin != want {
		t.Errorf("what was left running has lost its origin: %+v", n)
	}
	// A new session of the same connection's process: kernel's numbers go on.
	h.tell(s, unix.AUDIT_LOGIN, "pid=990 uid=0 old-auid=1000 auid=0 tty=pts0 old-ses=3 ses=4 res=1")
	if n = s.Lookup(4, 0, epoch); n.Old != 3 || n.Origin != (actor.Origin{}) {
		t.Errorf("%+v", n)
	}
	if st := s.Stats(); st.Believed != 2 || st.Rejected != 0 || st.Sessions != 2 {
		t.Errorf("%+v", st)
	}
}

// TestForged: each of these is a record that a process with CAP_AUDIT_WRITE can send.
func TestForged(t *testing.T) {
	forge := func(old, new string) string {
		if !strings.Contains(startText, old) {
			t.Fatalf("no %q", old)
		}
		return strings.Replace(startText, old, new, 1)
	}
	for name, tt := range map[string]struct {
		text   string
		sender Sender
		login  string
	}{
		"another process":           {text: forge("pid=812", "pid=813")},
		"another process's program": {sender: Sender{Exe: "/home/alice/sshd"}},
		"python":                    {sender: Sender{Exe: "/usr/bin/python3"}},
		"program not known":         {sender: Sender{}},
		"not root":                  {sender: Sender{Exe: "/usr/sbin/sshd", EUID: 1000}},
		"container":                 {sender: Sender{Exe: "/usr/sbin/sshd", Contained: true}},
		"another login user":        {text: forge("auid=1000", "auid=0")},
		"another session":           {text: forge("ses=3", "ses=9")},
		"no session":                {text: forge("ses=3", "ses=4294967295")},
		"two addresses":             {text: forge("hostname=", "addr=198.51.100.9 hostname=")},
		"two programs":              {text: forge("op=", `exe="/usr/sbin/sshd" op=`)},
		"another program":           {text: forge("/usr/sbin/sshd", "/usr/bin/login")},
		"failed":                    {text: forge("res=success", "res=failed")},
		"no result":                 {text: forge("res=success", "")},
		"newline":                   {text: forge("op=", "op=\naddr=198.51.100.9 ")},
		"no quotes":                 {text: forge("msg='", "msg=")},
		"login was refused":         {login: strings.Replace(loginText, "res=1", "res=0", 1)},
		"no login":                  {login: "x"},
		"login of another process":  {login: strings.Replace(loginText, "pid=812", "pid=811", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			if tt.sender != (Sender{}) || name == "program not known" {
				h.senders[812] = tt.sender
			}
			s := h.sessions()
			if tt.login == "" {
				tt.login = loginText
			}
			if tt.text == "" {
				tt.text = startText
			}
			h.tell(s, unix.AUDIT_LOGIN, tt.login)
			h.tell(s, typeUserStart, tt.text)
			if n := s.Lookup(3, 1000, epoch); n != nil && n.Origin.Address.IsValid() {
				t.Errorf("believed: %+v", n)
			}
			if n := s.Lookup(9, 1000, epoch); n != nil && n.Origin.Address.IsValid() {
				t.Errorf("believed: %+v", n)
			}
		})
	}
}

const logindText = `# This is private data. Do not parse.
UID=1000
USER=alice
ACTIVE=1
STATE=active
REMOTE=1
TYPE=tty
CLASS=user
SCOPE=session-3.scope
TTY=pts/0
REMOTE_HOST=203.0.113.7
SERVICE=sshd
LEADER=812
AUDIT=3
REALTIME=1790000000000000
MONOTONIC=5
`

func TestLogind(t *testing.T) {
	h := newHost(t)
	s := h.sessions()
	now := epoch
	if n := s.Lookup(3, 1000, now); n == nil || n.Origin != (actor.Origin{}) {
		t.Errorf("%+v", n)
	}
	h.write("/run/systemd/sessions/3", logindText)
	if n := s.Lookup(3, 1000, now); n.Origin.Source != "" {
		t.Errorf("asked again at once: %+v", n)
	}
	now = now.Add(2 * time.Second)
	want := actor.Origin{Address: netip.MustParseAddr("203.0.113.7"), Service: "sshd", Terminal: "pts/0", Source: actor.Logind}
	if n := s.Lookup(3, 1000, now); n.Origin != want || n.Leader != 812 || !n.Begun.Equal(epoch) {
		t.Errorf("%+v", n)
	}
	// It is better than a record of user space.
	h.tell(s, unix.AUDIT_LOGIN, loginText)
	h.tell(s, typeUserStart, strings.ReplaceAll(startText, "203.0.113.7", "198.51.100.9"))
	if n := s.Lookup(3, 1000, now); n.Origin != want {
		t.Errorf("%+v", n)
	}
	for name, text := range map[string]string{
		"another session": strings.Replace(logindText, "AUDIT=3", "AUDIT=4", 1),
		"another user":    strings.Replace(logindText, "UID=1000", "UID=1001", 1),
		"no number":       strings.Replace(logindText, "AUDIT=3\n", "", 1),
		"empty":           "",
		"long":            strings.Repeat("x", logindLimit+1),
	} {
		h.write("/run/systemd/sessions/3", text)
		s := h.sessions()
		for range 10 {
			now = now.Add(2 * time.Second)
			if n := s.Lookup(3, 1000, now); n.Origin != (actor.Origin{}) {
				t.Errorf("%s: %+v", name, n)
			}
		}
		if r := s.Stats().Reads; r != askTries {
			t.Errorf("%s: %d reads", name, r)
		}
	}
}

func TestLoad(t *testing.T) {
	h := newHost(t)
	h.write("/run/systemd/sessions/3", logindText)
	h.write("/run/systemd/sessions/c1", strings.NewReplacer("AUDIT=3\n", "", "LEADER=812", "LEADER=40", "203.0.113.7", "bastion.example.org").Replace(logindText))
	if err := unix.Mkfifo(filepath.Join(h.dir, "run/systemd/sessions/3.ref"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.write("/proc/40/sessionid", "8")
	h.write("/proc/40/loginuid", "1000")
	var b []byte
	for pid, r := range map[uint32]utmp.Record{
		50: {User: "alice", Host: "198.51.100.9", Line: "pts/5"},
		51: {User: "root", Host: "198.51.100.9"},  // its process is alice's
		52: {User: "alice", Host: "198.51.100.9"}, // logind knows of the session
		53: {User: "alice", Host: "tmux(44).%0"},
		54: {User: "nobody-here", Host: "198.51.100.9"},
	} {
		rec := make([]byte, utmp.Size())
		rec[0] = utmp.User
		rec[4] = byte(pid)
		copy(rec[8:], r.Line)
		copy(rec[44:], r.User)
		copy(rec[76:], r.Host)
		b = append(b, rec...)
		h.write(fmt.Sprintf("/proc/%d/loginuid", pid), "1000")
		h.write(fmt.Sprintf("/proc/%d/sessionid", pid), fmt.Sprint(map[uint32]int{50: 5, 51: 6, 52: 3, 53: 7, 54: 9}[pid]))
	}
	h.write("/run/utmp", string(b))
	s := h.sessions()
	if err := s.Load(epoch); err != nil {
		t.Fatal(err)
	}
	got := map[uint32]string{}
	for id, n := range s.byID {
		got[id] = fmt.Sprint(n.Origin.Source, " ", n.Origin.Address, " ", n.Origin.Host)
	}
	for id, want := range map[uint32]string{
		3: "logind 203.0.113.7 ", 8: "logind invalid IP bastion.example.org", 5: "utmp 198.51.100.9 ", 7: "utmp invalid IP ",
	} {
		if got[id] != want {
			t.Errorf("session %d: %q, want %q", id, got[id], want)
		}
		delete(got, id)
	}
	if len(got) > 0 {
		t.Errorf("too much: %v", got)
	}
	h.write("/run/utmp", string(b[:len(b)-1]))
	if err := h.sessions().Load(epoch); err == nil {
		t.Error("a cut file, and no error")
	}
	if err := New(Config{Offline: true}).Load(epoch); err != nil {
		t.Error(err)
	}
	if err := newHost(t).sessions().Load(epoch); err != nil {
		t.Errorf("neither logind nor utmp: %v", err)
	}
}

// TestBounds: cron's sessions do not push out those from afar.
func TestBounds(t *testing.T) {
	h := newHost(t)
	s := h.sessions()
	s.limit = 50
	h.tell(s, unix.AUDIT_LOGIN, loginText)
	h.tell(s, typeUserStart, startText)
	for i := range 1000 {
		h.tell(s, unix.AUDIT_LOGIN, fmt.Sprintf("pid=%d uid=0 old-auid=4294967295 auid=0 tty=(none) old-ses=4294967295 ses=%d res=1", 1000+i, 10+i))
	}
	if st := s.Stats(); st.Sessions != 50 || st.Evicted != 951 {
		t.Errorf("%+v", st)
	}
	if n := s.byID[3]; n == nil || !n.Origin.Address.IsValid() {
		t.Errorf("%+v", n)
	}
	if s.byID[1009] == nil || s.byID[10] != nil {
		t.Error("not the longest unused went")
	}
}

func TestNoAllocations(t *testing.T) {
	h := newHost(t)
	s := h.sessions()
	h.tell(s, unix.AUDIT_LOGIN, loginText)
	h.tell(s, typeUserStart, startText)
	e := audit.Event{HasSyscall: true, Session: 3, AUID: 1000, Records: []audit.Record{{Type: unix.AUDIT_SYSCALL}, {Type: unix.AUDIT_CWD}, {Type: unix.AUDIT_PATH}}}
	h.write("/run/systemd/sessions/3", logindText)
	now := epoch.Add(time.Hour)
	if n := testing.AllocsPerRun(100, func() {
		s.Observe(&e)
		if n := s.Lookup(3, 1000, now); n.Origin.Source != actor.Logind {
			t.Errorf("%+v", n)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkEvent(b *testing.B) {
	s := New(Config{Offline: true})
	s.begin(begun{pid: 812, auid: 1000, session: 3}, epoch)
	e := audit.Event{HasSyscall: true, Records: []audit.Record{{Type: unix.AUDIT_SYSCALL}, {Type: unix.AUDIT_CWD}, {Type: unix.AUDIT_PATH}, {Type: unix.AUDIT_PROCTITLE}}}
	b.ReportAllocs()
	for b.Loop() {
		s.Observe(&e)
		s.Lookup(3, 1000, epoch)
	}
}

// FuzzClaim holds that what libaudit writes comes back, and that nothing is taken from a
// text that says it twice.
func FuzzClaim(f *testing.F) {
	f.Add([]byte(startText[strings.Index(startText, "msg=")+4:]))
	f.Add([]byte(`'op=x acct="a b" addr=1.2.3.4 hostname=h terminal="t" res=success' UID="root"`))
	f.Add([]byte(`'addr='`))
	f.Add([]byte(`'exe="'`))
	f.Fuzz(func(t *testing.T, msg []byte) {
		c, ok := parseClaim(msg)
		if !ok {
			return
		}
		if strings.Count(string(msg), "addr=") == 0 && c.addr != nil {
			t.Errorf("%q has address %q", msg, c.addr)
		}
		if a := c.address(); a.IsValid() && !strings.Contains(string(msg), "addr=") && !strings.Contains(string(msg), "hostname=") {
			t.Errorf("%q gives %v", msg, a)
		}
		if c.addr == nil {
			end := strings.LastIndex(string(msg), "'")
			again, ok := parseClaim([]byte("'addr=192.0.2.1 " + string(msg[1:end]) + "'"))
			if !ok || again.address() != netip.MustParseAddr("192.0.2.1") {
				t.Errorf("%q with an address gives %v, %v", msg, again.address(), ok)
			}
		} else if _, ok := parseClaim([]byte("'addr=192.0.2.1 " + string(msg[1:]))); ok {
			t.Errorf("%q with another address is read", msg)
		}
	})
}

// FuzzFiles holds that no text of a LOGIN record or of logind does harm.
func FuzzFiles(f *testing.F) {
	f.Add([]byte(loginText))
	f.Add([]byte(logindText))
	f.Fuzz(func(t *testing.T, text []byte) {
		if l, ok := parseLogin(text); ok && (l.session == audit.Unset || !strings.Contains(string(text), "res=1")) {
			t.Errorf("%q: %+v", text, l)
		}
		o := parseLogind(text).origin
		if len(o.Host) > maxHost || !plain(o.Host) || !plain(o.Service) || terminal(o.Terminal) != o.Terminal {
			t.Errorf("%q: %+v", text, o)
		}
	})
}
