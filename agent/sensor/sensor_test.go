package sensor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/facts"
	"seawall/agent/facts/command"
	"seawall/agent/facts/fact"
	"seawall/agent/policy/checks"
	"seawall/agent/spool"
	"seawall/agent/witness"
	"seawall/pkg/auditrule"
	"seawall/pkg/finding"
	"seawall/pkg/kaudit"
	"seawall/pkg/wire"
)

// lockAudit takes kernel audit, of which the machine has one, for this test.
func lockAudit(t *testing.T) {
	t.Helper()
	f, err := os.OpenFile("/tmp/seawall-audit.lock", os.O_CREATE|os.O_RDWR|unix.O_CLOEXEC, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
}

// running is a sensor at work and the records it spools.
type running struct {
	t      *testing.T
	reader *spool.Reader
	log    *syncBuffer
	end    func() error
}

type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// thisHost is this host's SSH server and what judges it.
func thisHost(t *testing.T) Host {
	t.Helper()
	pol, err := checks.Load(facts.Facts{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	reader := facts.NewReader(fact.Env{Command: &command.Runner{}, Now: time.Now, Again: true})
	return Host{
		Groups:   facts.Groups(),
		Affected: reader.Affected,
		Depends:  reader.Depends,
		Pack:     func() []finding.CheckInfo { return pol.Pack("debian").Checks },
		Look: func(ctx context.Context, groups ...string) Reading {
			f := reader.Read(ctx, groups...)
			if len(groups) == 0 {
				groups = facts.Groups()
			}
			ids := pol.ForGroups(groups...)
			return Reading{Checks: ids, Results: pol.Evaluate(&f, time.Now().UTC(), ids...)}
		},
	}
}

// start runs a sensor of this host and returns when it is ready.
func start(t *testing.T, mode witness.Mode) *running {
	t.Helper()
	dir := t.TempDir()
	sp, err := spool.Open(dir, spool.Config{})
	if err != nil {
		t.Fatal(err)
	}
	r := &running{t: t, log: &syncBuffer{}}
	ready := make(chan struct{})
	var once sync.Once
	s, err := New(Config{
		Spool:   sp,
		Host:    thisHost(t),
		Log:     slog.New(slog.NewTextHandler(r.log, nil)),
		Audit:   witness.Config{Mode: mode},
		Version: "test",
		Notify: func(state string) {
			if strings.HasPrefix(state, "READY=1") {
				once.Do(func() { close(ready) })
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	r.end = sync.OnceValue(func() error {
		cancel()
		return errors.Join(<-done, r.reader.Close(), sp.Close())
	})
	select {
	case <-ready:
	case err := <-done:
		t.Fatalf("sensor ended: %v\n%s", err, r.log)
	case <-time.After(30 * time.Second):
		t.Fatalf("sensor is not ready\n%s", r.log)
	}
	if r.reader, err = spool.OpenReader(dir, lanePosture); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.end(); err != nil {
			t.Errorf("sensor ended with %v", err)
		}
		if t.Failed() {
			t.Log(r.log)
		}
	})
	return r
}

// next returns the next record that fits.
func (r *running) next(what string, fits func(wire.Record) bool) wire.Record {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	for {
		rec, err := r.reader.Next()
		if errors.Is(err, spool.ErrEmpty) {
			if err := r.reader.Wait(ctx); err != nil {
				r.t.Fatalf("no record of %s: %v", what, err)
			}
			continue
		}
		if err != nil {
			r.t.Fatal(err)
		}
		got, err := wire.Decode(rec.Payload)
		if err != nil {
			r.t.Fatal(err)
		}
		if fits(got) {
			return got
		}
	}
}

// change returns the next change of a check.
func (r *running) change(check string) finding.Change {
	r.t.Helper()
	rec := r.next("a change of "+check, func(rec wire.Record) bool {
		return rec.Change != nil && rec.Change.Result.Check == check
	})
	return *rec.Change
}

// as runs a shell command as root with the login user auid.
func as(t *testing.T, auid int, script string) {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", fmt.Sprintf("echo %d > /proc/self/loginuid && exec /bin/sh -c \"$0\"", auid), script)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", script, err, out)
	}
}

const dropIn = "/etc/ssh/sshd_config.d/50-test.conf"

func TestChangeBecomesFinding(t *testing.T) {
	lockAudit(t)
	control, err := kaudit.OpenControl()
	if err != nil {
		t.Fatal(err)
	}
	defer control.Close()
	before, err := control.Status()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dropIn, []byte("PasswordAuthentication no\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := start(t, witness.Auto)
	r.next("the whole state", func(rec wire.Record) bool { return rec.State != nil })

	const check = "ssh-password-authentication"
	steps := []struct {
		name, script string
		status       finding.Status
		operations   string // any of these words
	}{
		{"write", "printf 'PasswordAuthentication yes\\n' > " + dropIn, finding.StatusFail, "write"},
		{"replace by rename", "sed -i s/yes/no/ " + dropIn, finding.StatusPass, "rename write create"},
		{"write again", "printf '# comment\\nPasswordAuthentication yes\\n' > " + dropIn, finding.StatusFail, "write"},
		{"new file before", "printf 'PasswordAuthentication no\\n' > /etc/ssh/sshd_config.d/10-new.conf", finding.StatusPass, "write create"},
		{"delete it", "rm /etc/ssh/sshd_config.d/10-new.conf", finding.StatusFail, "delete"},
	}
	for i, step := range steps {
		t.Run(step.name, func(t *testing.T) {
			as(t, 4242+i, step.script)
			c := r.change(check)
			if c.Result.Status != step.status {
				t.Errorf("%v, actual %q; want %v", c.Result.Status, c.Result.Actual, step.status)
			}
			cause := c.Result.Cause
			if cause == nil {
				t.Fatal("no cause")
			}
			if cause.AUID != uint32(4242+i) || cause.UID != 0 || cause.Serial == 0 || !strings.HasPrefix(cause.Exe, "/usr/bin/") ||
				!strings.Contains(step.operations, cause.Operation) || !strings.HasPrefix(cause.Path, "/etc/ssh/sshd_config.d/") {
				t.Errorf("cause %+v", cause)
			}
			if age := time.Since(cause.Time); age < 0 || age > time.Minute {
				t.Errorf("event is %v old", age)
			}
		})
	}

	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	after, err := control.Status()
	if err != nil {
		t.Fatal(err)
	}
	if after.Enabled != before.Enabled || after.PID != before.PID || after.BacklogLimit != before.BacklogLimit {
		t.Errorf("kernel audit was %+v and is %+v", before, after)
	}
	rules, err := control.Rules()
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range rules {
		if strings.Contains(rule.Text, auditrule.Key) {
			t.Errorf("rule left behind: %s", rule.Text)
		}
	}
}

func TestWithoutKernelAudit(t *testing.T) {
	if err := os.WriteFile(dropIn, []byte("PasswordAuthentication no\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := start(t, witness.Off)
	as(t, 4242, "printf 'PasswordAuthentication yes\\n' > "+dropIn)
	if c := r.change("ssh-password-authentication"); c.Result.Status != finding.StatusFail || c.Result.Cause != nil {
		t.Errorf("change %+v", c)
	}
}

func TestSlowWriter(t *testing.T) {
	lockAudit(t)
	if err := os.WriteFile(dropIn, []byte("PasswordAuthentication no\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := start(t, witness.Auto)
	// The file is open for writing, and seen so, long before its content comes.
	as(t, 4300, "exec 3>>"+dropIn+"; sleep 1; printf '' >&3; echo PasswordAuthentication yes > "+dropIn+".new; mv "+dropIn+".new "+dropIn)
	c := r.change("ssh-password-authentication")
	if c.Result.Status != finding.StatusFail || c.Result.Cause == nil || c.Result.Cause.AUID != 4300 {
		t.Errorf("change %+v, cause %+v", c, c.Result.Cause)
	}
}
