package login

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/actor"
	"seawall/agent/process"
	"seawall/pkg/audit"
	"seawall/pkg/auditrule"
	"seawall/pkg/kaudit"
)

// lockAudit takes the machine's kernel audit and switches it off afterwards, if it was.
func lockAudit(t *testing.T) *kaudit.Control {
	t.Helper()
	lock, err := os.OpenFile("/tmp/seawall-audit.lock", os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lock.Close() })
	control, err := kaudit.OpenControl()
	if err != nil {
		t.Fatal(err)
	}
	before, err := control.Status()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(control.SetEnabled(before.Enabled != 0), control.Close()); err != nil {
			t.Errorf("restore: %v", err)
		}
	})
	return control
}

// sshd runs the machine's sshd on a port of its own and returns how to run a command
// through it.
func sshd(t *testing.T) (ssh func(command string)) {
	t.Helper()
	dir := t.TempDir()
	const separation = "/run/sshd"
	if err := os.Mkdir(separation, 0o755); err == nil {
		t.Cleanup(func() { os.Remove(separation) })
	}
	key := filepath.Join(dir, "key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("needs ssh-keygen: %v: %s", err, out)
	}
	listen, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listen.Addr().String())
	listen.Close()
	config := "ListenAddress 127.0.0.1:" + port + "\nHostKey " + key + "\nAuthorizedKeysFile " + key + ".pub\n" +
		"StrictModes no\nUsePAM yes\nPermitRootLogin prohibit-password\nPidFile none\n"
	if err := os.WriteFile(dir+"/config", []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	server := exec.Command("/usr/sbin/sshd", "-D", "-e", "-f", dir+"/config")
	said := &strings.Builder{}
	server.Stderr = said
	if err := server.Start(); err != nil {
		t.Fatalf("needs sshd: %v", err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(unix.SIGTERM)
		_ = server.Wait()
		if t.Failed() {
			t.Log(said)
		}
	})
	return func(command string) {
		t.Helper()
		out, err := exec.Command("ssh", "-F", "none", "-i", key, "-p", port, "-o", "StrictHostKeyChecking=no",
			"-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectionAttempts=20", "-o", "BatchMode=yes", "root@127.0.0.1", command).CombinedOutput()
		if err != nil {
			t.Fatalf("ssh: %v: %s", err, out)
		}
	}
}

// enrichment returns a table of the machine's processes, and sessions that ask it.
func enrichment(t *testing.T) (*process.Table, *Sessions) {
	t.Helper()
	table := process.New(process.Config{})
	if err := table.Scan(); err != nil {
		t.Fatal(err)
	}
	return table, New(Config{Offline: true, Sender: func(pid uint32, at time.Time) (Sender, bool) {
		p := table.Lookup(pid, at)
		if p == nil {
			return Sender{}, false
		}
		return Sender{Exe: p.Exe, EUID: p.EUID, Contained: table.Contained(p)}, true
	}})
}

// TestRealLogin logs in by the real sshd, becomes another by the real sudo, and says so.
func TestRealLogin(t *testing.T) {
	control := lockAudit(t)
	// Nothing else here has a login user.
	rule, err := auditrule.Parse("-a always,exit -F arch=b64 -S execve -F auid=0")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := kaudit.Open(kaudit.Unicast)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(control.Delete(rule), conn.Close()); err != nil {
			t.Error(err)
		}
	})
	if err := errors.Join(control.Add(rule), control.SetEnabled(true)); err != nil {
		t.Fatal(err)
	}

	table, sessions := enrichment(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var who actor.Actor
	assembler := audit.NewAssembler(0, func(e *audit.Event) {
		p := table.Observe(e)
		sessions.Observe(e)
		if len(e.Argv) == 2 && string(e.Argv[1]) == "seawall-marker" {
			var from actor.Origin
			if s := sessions.Lookup(e.Session, e.AUID, e.Time); s != nil {
				from = s.Origin
			}
			who = actor.Of(table.Steps(p), from, func(uid uint32) string {
				return map[uint32]string{0: "root", 5: "games"}[uid]
			})
			cancel()
		}
	})
	done := make(chan error, 1)
	go func() {
		done <- conn.Receive(ctx, func(typ uint16, payload []byte) { assembler.Push(typ, payload, time.Now()) })
	}()
	sshd(t)("sudo -n -u '#5' /bin/echo seawall-marker")
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatalf("no event of the command: %v, %+v, %+v", err, sessions.Stats(), table.Stats())
	}
	if got, want := who.String(), "root from 127.0.0.1 through sudo as games"; got != want {
		t.Errorf("%s, want %s: %+v %s", got, want, who, strconv.Itoa(sessions.Stats().Sessions))
	}
	if who.From.Source != actor.Audit || who.From.Service != "sshd" || sessions.Stats().Believed == 0 {
		t.Errorf("%+v, %+v", who, sessions.Stats())
	}
}
