package units

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
	"seawall/pkg/hostfs/image"
	"seawall/pkg/unitbus"
)

const (
	unit  = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"
	lib   = "/usr/lib/systemd/system/"
	wants = "/etc/systemd/system/multi-user.target.wants/"
)

// status is a dpkg database of packages that are installed.
func status(packages ...string) string {
	var b strings.Builder
	for _, p := range append([]string{"base-files"}, packages...) {
		name, state, _ := strings.Cut(p, " ")
		if state == "" {
			state = "installed"
		}
		b.WriteString("Package: " + name + "\nStatus: install ok " + state + "\nMaintainer: x\nArchitecture: amd64\nVersion: 1.0-1\nDescription: x\n\n")
	}
	return b.String()
}

// host is a reader of an image with what systemd says of it; nil for nothing.
func host(t *testing.T, files map[string]string, active map[string]string) *reader {
	t.Helper()
	r := &reader{root: image.Of(t, files)}
	if active != nil {
		r.live = true
		r.ask = func(units []string) (map[string]unitbus.State, error) {
			states := map[string]unitbus.State{}
			for _, u := range units {
				states[u] = unitbus.State{Active: active[u]}
			}
			return states, nil
		}
		r.failed = func() ([]string, error) { return []string{"z.service", "a.service"}, nil }
	}
	return r
}

func TestInUse(t *testing.T) {
	avahi := map[string]string{"/var/lib/dpkg/status": status("avahi-daemon"), lib + "avahi-daemon.service": unit, lib + "avahi-daemon.socket": unit}
	with := func(more map[string]string) map[string]string {
		files := map[string]string{}
		for _, m := range []map[string]string{avahi, more} {
			for name, text := range m {
				files[name] = text
			}
		}
		return files
	}
	off := map[string]string{}
	for _, tt := range []struct {
		name   string
		files  map[string]string
		active map[string]string
		topic  string
		want   string
	}{
		{"absent", map[string]string{"/var/lib/dpkg/status": status()}, off, "avahi", "no: not installed"},
		{"enabled", with(map[string]string{wants + "avahi-daemon.service": ""}), off, "avahi", "yes: avahi-daemon.service starts at boot"},
		{"enabled by its socket", with(map[string]string{"/etc/systemd/system/sockets.target.wants/avahi-daemon.socket": ""}), off, "avahi", "yes: avahi-daemon.socket starts at boot"},
		{"installed", avahi, off, "avahi", "no: avahi-daemon 1.0-1 installed, and nothing of it starts at boot or runs"},
		{"image", avahi, nil, "avahi", "no: avahi-daemon 1.0-1 installed, and nothing of it starts at boot"},
		{"started by hand", avahi, map[string]string{"avahi-daemon.service": "active"}, "avahi", "yes: avahi-daemon.service is running"},
		{"masked", with(map[string]string{"/etc/systemd/system/avahi-daemon.service": "", "/etc/systemd/system/avahi-daemon.socket": "", wants + "avahi-daemon.service": ""}), off, "avahi",
			"no: avahi-daemon 1.0-1 installed, and nothing of it starts at boot or runs"},
		{"no package", map[string]string{"/var/lib/dpkg/status": status(), lib + "squid.service": unit, wants + "squid.service": ""}, off, "web-proxy", "yes: squid.service starts at boot"},
		{"removed", map[string]string{"/var/lib/dpkg/status": status("vsftpd config-files"), "/etc/init.d/vsftpd": "", "/etc/rc2.d/S01vsftpd": ""}, off, "ftp", "no: not installed"},
		{"script", map[string]string{"/var/lib/dpkg/status": status("vsftpd"), "/etc/init.d/vsftpd": "", "/etc/rc2.d/S01vsftpd": ""}, off, "ftp", "yes: vsftpd.service starts at boot"},
		{"stopped script", map[string]string{"/var/lib/dpkg/status": status("vsftpd"), "/etc/init.d/vsftpd": "", "/etc/rc2.d/K01vsftpd": ""}, off, "ftp", "no: vsftpd 1.0-1 installed"},
		{"condition", map[string]string{"/var/lib/dpkg/status": status("rsync"), lib + "rsync.service": "[Unit]\nConditionPathExists=/etc/rsyncd.conf\n" + unit, wants + "rsync.service": ""}, off, "rsync", "no: rsync 1.0-1 installed"},
		{"condition holds", map[string]string{"/etc/rsyncd.conf": "", "/var/lib/dpkg/status": status("rsync"), lib + "rsync.service": "[Unit]\nConditionPathExists=/etc/rsyncd.conf\n" + unit, wants + "rsync.service": ""}, off, "rsync",
			"yes: rsync.service starts at boot"},
		{"client", map[string]string{"/var/lib/dpkg/status": status("telnet")}, off, "telnet-client", "yes: telnet 1.0-1 installed"},
		{"no database", map[string]string{}, off, "telnet-client", "unknown: the installed packages are not known: neither dpkg's database nor rpm's is there"},
		{"broken database", map[string]string{"/var/lib/dpkg/status": "Package"}, off, "telnet-client", "unknown: the installed packages are not known"},
		{"inetd", map[string]string{"/var/lib/dpkg/status": status("openbsd-inetd"), lib + "inetd.service": unit, wants + "inetd.service": "",
			"/etc/inetd.conf": "# x\ntelnet stream tcp nowait root /usr/sbin/telnetd telnetd\n"}, off, "telnet", "yes: /etc/inetd.conf line 2 starts telnet"},
		{"inetd is off", map[string]string{"/var/lib/dpkg/status": status("openbsd-inetd"), lib + "inetd.service": unit,
			"/etc/inetd.conf": "telnet stream tcp nowait root /usr/sbin/telnetd telnetd\n"}, off, "telnet", "no: not installed"},
	} {
		f := host(t, tt.files, tt.active).read()
		if got := show(f.Services[tt.topic].InUse); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
		if len(f.Services) != len(topics()) || f.Meta.State != fact.StateKnown {
			t.Errorf("%s: %d services, %s", tt.name, len(f.Services), f.Meta.State)
		}
	}
}

func show(t fact.Tri) string {
	verdict := "unknown"
	if t.Known {
		verdict = map[bool]string{true: "yes", false: "no"}[t.Yes]
	}
	return verdict + ": " + t.Reason
}

// TestJournal: what dpkg has not yet written to its status file counts.
func TestJournal(t *testing.T) {
	files := map[string]string{"/var/lib/dpkg/status": status("telnet"), "/var/lib/dpkg/updates/0001": strings.TrimPrefix(status("talk"), status()),
		"/var/lib/dpkg/updates/0002": strings.TrimPrefix(status("telnet config-files"), status())}
	f := host(t, files, nil).read()
	if !f.Services["talk-client"].InUse.Yes || f.Services["telnet-client"].InUse.Yes || !f.Services["telnet-client"].InUse.Known {
		t.Errorf("%+v, %+v", f.Services["talk-client"], f.Services["telnet-client"])
	}
}

// TestNoSystemd: what does not start at boot may run, unless systemd says no.
func TestNoSystemd(t *testing.T) {
	files := map[string]string{"/var/lib/dpkg/status": status("avahi-daemon", "squid"), lib + "avahi-daemon.service": unit, lib + "squid.service": unit, wants + "squid.service": ""}
	r := host(t, files, map[string]string{})
	r.ask = func([]string) (map[string]unitbus.State, error) { return nil, errors.New("no D-Bus") }
	r.failed = func() ([]string, error) { return nil, errors.New("no D-Bus") }
	f := r.read()
	for topic, want := range map[string]string{"avahi": "unknown: nothing of it starts at boot, and systemd does not say", "web-proxy": "yes: squid.service", "nfs": "no: not installed"} {
		if got := show(f.Services[topic].InUse); !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %s, want %s", topic, got, want)
		}
	}
	if got := show(f.FailedKnown); got != "unknown: no D-Bus" {
		t.Error(got)
	}
}

func TestFailed(t *testing.T) {
	f := host(t, map[string]string{"/var/lib/dpkg/status": status()}, map[string]string{}).read()
	if got := show(f.FailedKnown); got != "yes: 2 units have failed" || !slices.Equal(f.Failed, []string{"a.service", "z.service"}) {
		t.Errorf("%s, %q", got, f.Failed)
	}
	f = host(t, map[string]string{"/var/lib/dpkg/status": status()}, nil).read()
	if got := show(f.FailedKnown); got != "unknown: an image has no running services" {
		t.Error(got)
	}
}

func TestSuperServers(t *testing.T) {
	entries, err := superServers(image.Of(t, map[string]string{
		"/etc/inetd.conf":       "#<off># ftp stream tcp nowait root /usr/sbin/ftpd\n127.0.0.1:echo dgram udp wait root internal\nshort line\n",
		"/etc/xinetd.conf":      "defaults\n{\n instances = 60\n}\nincludedir /etc/xinetd.d\n",
		"/etc/xinetd.d/chargen": "service chargen\n{\n disable = yes\n id = chargen-stream\n}\nservice chargen\n{\n\tdisable\t= no\n\tid = chargen-dgram\n}\n",
		"/etc/xinetd.d/time~":   "service time\n{\n}\n", "/etc/xinetd.d/time.rpmsave": "service time\n{\n}\n", "/etc/xinetd.d/tftp": "service tftp\n{\n # disable = yes\n}\n",
	}))
	var got []string
	for _, e := range entries {
		got = append(got, e.Service)
	}
	if want := []string{"echo", "chargen", "tftp"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if entries[1].Line != 6 || entries[1].Raw != "service chargen, id chargen-dgram" || entries[0].Line != 2 {
		t.Errorf("%+v", entries)
	}
}

// TestUnreadable: a super-server's configuration that cannot be read leaves its
// services unknown.
func TestUnreadable(t *testing.T) {
	root := image.Of(t, map[string]string{"/etc/x": "", "/var/lib/dpkg/status": status()})
	if err := unix.Mkfifo(root.Path("/etc/inetd.conf"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &reader{root: root}
	f := r.read()
	if got := show(f.Services["telnet"].InUse); !strings.HasPrefix(got, "unknown: the super-server's configuration is not known") {
		t.Error(got)
	}
	if got := show(f.Services["web"].InUse); got != "no: not installed" {
		t.Error(got)
	}
}

// TestBounds: where not all of a super-server's entries are looked at, those that are
// count, and of the others nothing is known.
func TestBounds(t *testing.T) {
	many := func(n int) map[string]string {
		files := map[string]string{}
		for i := range n {
			files[fmt.Sprintf("/etc/xinetd.d/%d", i)] = ""
		}
		return files
	}
	for name, files := range map[string]func(n int) map[string]string{
		"inetd": func(n int) map[string]string {
			return map[string]string{"/etc/inetd.conf": strings.Repeat("tftp dgram udp wait root /x\n", n)}
		},
		"xinetd": func(n int) map[string]string {
			return map[string]string{"/etc/xinetd.conf": strings.Repeat("service tftp\n{\n}\n", n)}
		},
		"files": many,
	} {
		for more := range 2 {
			list, err := superServers(image.Of(t, files(maxInetd+more)))
			if (err != nil) != (more > 0) || name != "files" && len(list) != maxInetd {
				t.Errorf("%s, %d more: %d entries, %v", name, more, len(list), err)
			}
			for _, topic := range []topic{{inetd: []string{"tftp"}}, {inetd: []string{"telnet"}}} {
				s := Service{InUse: fact.Tri{Known: true}}
				for i := range list {
					list[i].InUse = true
				}
				s.inetd(topic, list, err)
				if found := len(list) > 0 && topic.inetd[0] == "tftp"; s.InUse.Yes != found || s.InUse.Known != (found || more == 0) {
					t.Errorf("%s, %d more, %s: %+v", name, more, topic.inetd, s.InUse)
				}
			}
		}
	}
}

// TestLive reads this machine, whatever it runs.
func TestLive(t *testing.T) {
	f := Read(context.Background(), fact.Env{Root: hostfs.Root{}, Now: time.Now})
	if f.Meta.State != fact.StateKnown || f.Meta.Took == 0 || len(f.Services) != len(topics()) {
		t.Errorf("%+v", f.Meta)
	}
}

// TestTopics: names are used once, and each has something to look for.
func TestTopics(t *testing.T) {
	seen := map[string]bool{}
	for _, topic := range topics() {
		if seen[topic.name] || len(topic.packages)+len(topic.units)+len(topic.inetd) == 0 || topic.alone && len(topic.units) > 0 {
			t.Errorf("%+v", topic)
		}
		seen[topic.name] = true
	}
}

// FuzzSuperServers: nothing panics, and entries are bounded and of lines of the text.
func FuzzSuperServers(f *testing.F) {
	for _, s := range []string{"a b c d e f\n", "service x\n{\ndisable = no\n}\n", "service\n}\n{", "service a\nservice b\n}\n}\n", "\x00:x 1 2 3 4 5"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		lines := strings.Count(string(b), "\n") + 1
		for _, e := range append(parseInetd("f", b), parseXinetd("f", b)...) {
			if e.Line < 1 || e.Line > lines || len(e.Service) > maxWord || len(e.Raw) > maxWord {
				t.Fatalf("%+v of %d lines", e, lines)
			}
		}
	})
}
