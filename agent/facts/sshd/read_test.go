package sshd

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs"
)

// image is a root that is not the running system.
func image(t testing.TB, files map[string]string) fact.Env {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root, err := hostfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return fact.Env{Root: root, Now: time.Now}
}

const passwd = `root:x:0:0:root:/root:/bin/bash
daemon:x:1:1::/usr/sbin:/usr/sbin/nologin
alice:x:1000:1000:,,,:/home/alice:/bin/zsh
git:x:1001:1001::/srv/git:/bin/false
carol:x:1002:1002::/home/carol:
broken line
`

const group = "root:x:0:\nalice:x:1000:\ncarol:x:1002:\nwheel:x:10:alice,git\nsftp:x:11:git\n"

func TestImage(t *testing.T) {
	env := image(t, map[string]string{
		"usr/sbin/sshd":                      "\x7fELF…OpenSSH_9.2\x00OpenSSH_9.2p1 Debian-2\x00OpenSSH_6.6.1*\x00",
		"etc/passwd":                         passwd,
		"etc/group":                          group,
		"etc/ssh/sshd_config":                "Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin yes\nMatch Group sftp\n\tForceCommand internal-sftp\n",
		"etc/ssh/sshd_config.d/50-init.conf": "PasswordAuthentication yes\n",
	})
	f := Read(t.Context(), env)
	if f.Meta.State != fact.StateKnown || !f.ByParser || !f.Installed || f.Version != "OpenSSH_9.2p1" {
		t.Errorf("state %s (%s), by parser %v (%s), installed %v, version %s", f.Meta.State, f.Meta.Reason, f.ByParser, f.ParserReason, f.Installed, f.Version)
	}
	var labels []string
	for _, c := range f.Connections {
		labels = append(labels, c.Label+": "+c.Settings["forcecommand"].Value)
	}
	want := []string{"user root from 203.0.113.9: none", "user alice from 203.0.113.9: none", "user git from 203.0.113.9: internal-sftp"}
	if diff := cmp.Diff(want, labels); diff != "" {
		t.Error(diff)
	}
	prl := f.Connections[0].Settings["permitrootlogin"]
	if diff := cmp.Diff(Setting{Value: "yes", Values: []string{"yes"}, Set: true, File: "/etc/ssh/sshd_config", Line: 2, Raw: "PermitRootLogin yes"}, prl); diff != "" {
		t.Error(diff)
	}
	if got := f.Connections[0].Settings["maxauthtries"]; got.Set || got.Value != "6" || got.File != "" {
		t.Errorf("a default: %+v", got)
	}
	for _, name := range []string{"/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/", "/etc/ssh/sshd_config.d/50-init.conf", "/etc/passwd", "/etc/group", "/etc/default/ssh", "/usr/sbin/sshd"} {
		if !slices.Contains(f.Meta.Depends, name) {
			t.Errorf("does not depend on %s: %v", name, f.Meta.Depends)
		}
	}
	var users []string
	for _, u := range f.Users {
		users = append(users, u.Name)
	}
	if diff := cmp.Diff([]string{"root", "alice", "carol"}, users); diff != "" {
		t.Error(diff)
	}
}

func TestNotInstalled(t *testing.T) {
	if f := Read(t.Context(), image(t, map[string]string{"etc/passwd": passwd})); f.Meta.State != fact.StateAbsent || f.Installed {
		t.Errorf("%+v", f.Meta)
	}
}

func TestImageRefused(t *testing.T) {
	env := image(t, map[string]string{"usr/sbin/sshd": "", "etc/ssh/sshd_config": "UsePAM yes\nPermitRootLogins no\n"})
	f := Read(t.Context(), env)
	want := "/etc/ssh/sshd_config: line 2: Bad configuration option: PermitRootLogins\n/etc/ssh/sshd_config: terminating, 1 bad configuration options"
	if f.Meta.State != fact.StateError || f.Refused != want || len(f.Connections) != 0 {
		t.Errorf("%+v, refused %q", f.Meta, f.Refused)
	}
	if len(f.Meta.Evidence) != 1 || f.Meta.Evidence[0].Line != 2 {
		t.Errorf("evidence %+v", f.Meta.Evidence)
	}
	_, err := AskConnection(t.Context(), env, "user=root")
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Message != want || refused.Line != 2 {
		t.Errorf("%#v", err)
	}
}

func TestLaterReleaseInImage(t *testing.T) {
	env := image(t, map[string]string{"usr/sbin/sshd": "OpenSSH_10.0p2\x00", "etc/ssh/sshd_config": "PerSourcePenalties no\nMatch Invalid-User\nRefuseConnection yes\n"})
	f := Read(t.Context(), env)
	if f.Meta.State != fact.StateKnown || len(f.Connections) != 3 {
		t.Errorf("%+v, %d connections", f.Meta, len(f.Connections))
	}
}

// A file that would block or drown a reader is told, and not given to sshd.
func TestHazards(t *testing.T) {
	for name, create := range map[string]func(path string) error{
		"FIFO":   func(p string) error { return syscall.Mkfifo(p, 0o600) },
		"socket": func(p string) error { return syscall.Mknod(p, syscall.S_IFSOCK|0o600, 0) },
		"sparse": func(p string) error {
			if err := os.WriteFile(p, nil, 0o600); err != nil {
				return err
			}
			return os.Truncate(p, 1<<30)
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			h.write("sshd_config", "Include sshd_config.d/*\n")
			h.write("sshd_config.d/00", "")
			if err := create(filepath.Join(h.ssh, "sshd_config.d/10.conf")); err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			f := Read(t.Context(), h.env)
			if f.Meta.State != fact.StateError || !strings.Contains(f.Meta.Reason, "10.conf") {
				t.Errorf("%+v", f.Meta)
			}
			if _, err := AskConnection(t.Context(), h.env, ""); err == nil {
				t.Error("a connection is answered")
			}
			if took := time.Since(begin); took > 15*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// Without /run/sshd, or without host keys, sshd does not even test: that is not
// the configuration's fault, and the parser answers.
func TestSSHDCannotRun(t *testing.T) {
	for name, disable := range map[string]func(h *host) error{
		"no privilege separation directory": func(*host) error { return os.Remove("/run/sshd") },
		"no host keys": func(h *host) error {
			for _, kind := range []string{"rsa", "ecdsa", "ed25519"} {
				if err := os.Remove(filepath.Join(h.ssh, "ssh_host_"+kind+"_key")); err != nil {
					return err
				}
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			h.write("sshd_config", "PermitRootLogin yes\n")
			if err := disable(h); err != nil {
				t.Fatal(err)
			}
			f := Read(t.Context(), h.env)
			if f.Meta.State != fact.StateKnown || !f.ByParser || f.ParserReason == "" || f.Connections[0].Settings["permitrootlogin"].Value != "yes" {
				t.Errorf("%+v by parser %v (%s)", f.Meta, f.ByParser, f.ParserReason)
			}
			got, err := AskConnection(t.Context(), h.env, "user=root")
			if err != nil || got["permitrootlogin"].Line != 1 {
				t.Errorf("%+v, %v", got["permitrootlogin"], err)
			}
		})
	}
}

func TestRefusedByTheRealServer(t *testing.T) {
	h := newHost(t)
	h.write("sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\n")
	h.write("sshd_config.d/10.conf", "UseLogin no\nPermitRootLogin maybe\n")
	f := Read(t.Context(), h.env)
	if f.Meta.State != fact.StateError || f.Refused != `/etc/ssh/sshd_config.d/10.conf line 2: unsupported option "maybe".` {
		t.Errorf("%+v, refused %q", f.Meta, f.Refused)
	}
	if e := f.Meta.Evidence; len(e) != 1 || e[0].File != "/etc/ssh/sshd_config.d/10.conf" || e[0].Line != 2 || e[0].Text != "PermitRootLogin maybe" {
		t.Errorf("evidence %+v", e)
	}
}

// The options that the host starts sshd with hold for the answer too.
func TestOptionsOfTheHost(t *testing.T) {
	h := newHost(t)
	h.write("sshd_config", "PermitRootLogin no\nMaxAuthTries 3\n")
	h.write("other_config", "PermitRootLogin yes\n")
	h.listener("-f /etc/ssh/other_config -o MaxAuthTries=9 -oUseDNS=yes -p 2222 -D")
	f := Read(t.Context(), h.env)
	if f.ByParser || len(f.Connections) == 0 {
		t.Fatalf("%+v %s", f.Meta, f.ParserReason)
	}
	set := f.Connections[0].Settings
	if got := set["permitrootlogin"]; got.Value != "yes" || got.File != "/etc/ssh/other_config" {
		t.Errorf("permitrootlogin %+v", got)
	}
	if got := set["maxauthtries"]; got.Value != "9" || got.File != "command-line" {
		t.Errorf("maxauthtries %+v", got)
	}
	if set["usedns"].Value != "yes" || set["port"].Value != "2222" {
		t.Errorf("usedns %+v, port %+v", set["usedns"], set["port"])
	}
}

// listener stands in for a running sshd: a process with such a title cannot be
// had, so its entry in /proc is put in place by a mount.
func (h *host) listener(args string) {
	h.t.Helper()
	dir := h.t.TempDir()
	title := filepath.Join(dir, "cmdline")
	if err := os.WriteFile(title, []byte("sshd: /usr/sbin/sshd "+args+" [listener] 0 of 10-100 startups\x00"), 0o600); err != nil {
		h.t.Fatal(err)
	}
	pid := os.Getpid()
	over := fmt.Sprintf("/proc/%d/cmdline", pid)
	if err := syscall.Mount(title, over, "", syscall.MS_BIND, ""); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = syscall.Unmount(over, syscall.MNT_DETACH) })
	if err := os.WriteFile("/run/sshd.pid", fmt.Appendf(nil, "%d\n", pid), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

func TestOptionFile(t *testing.T) {
	env := image(t, map[string]string{
		"usr/sbin/sshd": "", "etc/default/ssh": "# options\nSSHD_OPTS=\"-f /etc/ssh/b -4\"\n",
		"etc/ssh/b": "MaxAuthTries 2\n",
	})
	f := Read(t.Context(), env)
	if len(f.Connections) == 0 || f.Connections[0].Settings["maxauthtries"].File != "/etc/ssh/b" {
		t.Errorf("%+v", f.Meta)
	}
}

func TestTakeOptions(t *testing.T) {
	for line, want := range map[string]string{
		"-D":                        "/etc/ssh/sshd_config []",
		"-D -f /x -o A=b -oC=d":     "/x [-o A=b -o C=d]",
		"-f relative -4 -p 22":      "/etc/ssh/sshd_config [-4 -p 22]",
		"-d -e -t -T -C user=x -f":  "/etc/ssh/sshd_config []",
		"-h /key -c /cert -g 30 -i": "/etc/ssh/sshd_config [-h /key -c /cert -g 30]",
	} {
		s := &server{configPath: "/etc/ssh/sshd_config"}
		s.take(strings.Fields(line))
		if got := fmt.Sprintf("%s %v", s.configPath, s.args); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}

func TestLocate(t *testing.T) {
	for msg, want := range map[string]string{
		"/etc/ssh/sshd_config line 3: bad":             "/etc/ssh/sshd_config:3",
		"/etc/ssh/sshd_config: line 3: bad":            "/etc/ssh/sshd_config:3",
		"/etc/ssh/x: No such file or directory":        "/etc/ssh/x:0",
		"'all' cannot be\n/etc/ssh/a line 9: Bad":      "/etc/ssh/a:9",
		"Too many recursive configuration includes":    ":0",
		"/etc/ssh/a line x: bad\n/etc/ssh/b line 2: y": "/etc/ssh/b:2",
	} {
		if e := locate(msg); fmt.Sprintf("%s:%d", e.File, e.Line) != want {
			t.Errorf("%q: %s:%d, want %s", msg, e.File, e.Line, want)
		}
	}
}

func TestClean(t *testing.T) {
	in := "/x line 1: Deprecated option UseLogin\r\n\r\n/x line 2: bad\x1b[31m\xff\r\n"
	if got := clean(in); got != "/x line 2: bad\x1b[31m\\xff" {
		t.Errorf("%q", got)
	}
	if got := clean("/x line 1: Deprecated option UseLogin\r\n"); got == "" {
		t.Error("nothing is left")
	}
}
