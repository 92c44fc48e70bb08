package main

import (
	"bytes"
	"context"
	"flag"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"

	"seawall/agent/console"
	"seawall/agent/history"
	"seawall/agent/spool"
	"seawall/pkg/finding"
	"seawall/pkg/wire"
)

var update = flag.Bool("update", false, "write the expected output into the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"seawall": main,
		"mkspool": mkspool,
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata",
		UpdateScripts: *update,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": exitStatus, "until": until, "swap": swap, "nobody": nobody, "bind": bind,
		},
		Setup: func(e *testscript.Env) error {
			e.Setenv("NO_COLOR", "1")
			roots, err := filepath.Abs("../../facts/patch/rpm/testdata")
			e.Setenv("RPM", roots) // captured hosts
			return err
		},
	})
}

// exitStatus runs a command and wants a certain exit status: status 2 seawall …
func exitStatus(ts *testscript.TestScript, _ bool, args []string) {
	script := `"$@"; got=$?; [ "$got" = "$want" ] || { echo "exit status $got, want $want" >&2; exit 99; }`
	ts.Setenv("want", args[0])
	ts.Check(ts.Exec("sh", append([]string{"-c", script, "sh"}, args[1:]...)...))
}

// run runs a shell script with arguments and wants a certain exit status of it.
func run(ts *testscript.TestScript, want, script string, args ...string) {
	ts.Setenv("want", want)
	script = "run() { " + script + `; }; run "$@"; got=$?; [ "$got" = "$want" ] || { echo "exit status $got, want $want" >&2; exit 99; }`
	ts.Check(ts.Exec("unshare", append([]string{"-m", "sh", "-c", script, "sh"}, args...)...))
}

// swap runs a command where a file or directory of the host is another one, for
// that command alone: swap OTHER PATH STATUS seawall …
func swap(ts *testscript.TestScript, _ bool, args []string) {
	run(ts, args[2], `mount --bind "$1" "$2" || return 98; shift 2; "$@"`, append([]string{ts.MkAbs(args[0]), args[1]}, args[3:]...)...)
}

// bind has what nobody runs see OTHER in place of PATH: bind OTHER PATH; bind
// alone ends that.
func bind(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) == 0 {
		ts.Setenv("other", "")
		return
	}
	ts.Setenv("other", ts.MkAbs(args[0]))
	ts.Setenv("path", args[1])
}

// nobody runs a command as a user who may nothing: nobody STATUS seawall …
func nobody(ts *testscript.TestScript, _ bool, args []string) {
	if ts.Getenv("nobodys") == "" {
		// The programs of scripts lie where only root may go.
		dir := ts.MkAbs(".nobodys")
		self, err := os.Executable()
		ts.Check(err)
		data, err := os.ReadFile(self)
		ts.Check(err)
		ts.Check(os.Mkdir(dir, 0o755))
		ts.Check(os.WriteFile(filepath.Join(dir, "seawall"), data, 0o755))
		for d := dir; d != "/" && d != os.TempDir(); d = filepath.Dir(d) {
			ts.Check(os.Chmod(d, 0o755))
		}
		ts.Setenv("nobodys", dir)
	}
	run(ts, args[0], `[ -z "$other" ] || mount --bind "$other" "$path" || return 98
PATH=$nobodys:$PATH setpriv --reuid=65534 --regid=65534 --clear-groups "$@"`, args[1:]...)
}

// until runs a command until its output has a text: until 'text' seawall …
func until(ts *testscript.TestScript, _ bool, args []string) {
	deadline := time.After(20 * time.Second)
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		err := ts.Exec(args[1], args[2:]...)
		if out := ts.ReadFile("stdout"); strings.Contains(out, args[0]) {
			return
		}
		select {
		case <-deadline:
			ts.Fatalf("never printed %q: %v", args[0], err)
		case <-again.C:
		}
	}
}

// mkspool writes a spool with one record of each kind: mkspool DIR.
func mkspool() {
	s, err := spool.Open(os.Args[1], spool.Config{})
	if err != nil {
		log.Fatal(err)
	}
	now := time.Now().UTC()
	fail := finding.Result{Check: "ssh-password-authentication", Status: finding.StatusFail, Severity: finding.SeverityHigh,
		Actual: "yes", Expected: "no", Evidence: []finding.Evidence{{File: "/etc/ssh/sshd_config.d/50-x.conf", Line: 1, Text: "PasswordAuthentication yes"}},
		Cause: &finding.Cause{Serial: 9, Time: now, AUID: 1000, LoginUser: "ann", Session: 3, Exe: "/usr/bin/vi", Command: "vi x\x1b[2J",
			Path: "/etc/ssh/sshd_config.d/50-x.conf", Operation: "write"}, Time: now}
	state := []finding.Result{fail, {Check: "ssh-use-pam", Status: finding.StatusPass, Actual: "yes", Expected: "yes", Time: now}}
	parts := wire.SplitState(state, 0)
	parts[0].ID = 1
	packs := wire.SplitPack([]finding.CheckInfo{{ID: "ssh-use-pam", Family: "ssh", Title: "t", Severity: finding.SeverityLow}}, 0)
	beat := finding.Heartbeat{Host: finding.Host{Name: "h", AgentVersion: "v1"}, Counter: finding.Counters{AuditMode: "unicast", Records: 7}}
	for lane, list := range map[string][]wire.Record{
		"posture": {{Pack: &packs[0]}, {State: &parts[0]}, {Change: &finding.Change{Result: fail, Previous: finding.StatusPass}}},
		"health":  {{Heartbeat: &beat}, {Heartbeat: &beat}},
		"detections": {{Detection: &finding.Detection{ID: "0a", Rule: "r", Title: "Sudo rules changed", Severity: finding.SeverityHigh, Count: 2, First: now, Last: now,
			Samples: []finding.Sample{{Time: now, Actor: finding.Actor{Text: "ann from 203.0.113.7 through sudo as root"}, Command: "vi x\x1b[2J", Target: "/etc/sudoers.d/x"}}}}},
	} {
		for _, r := range list {
			r.Time = now
			b, err := wire.Encode(r)
			if err == nil {
				_, err = s.AppendSync(lane, b)
			}
			if err != nil {
				log.Fatal(err)
			}
		}
	}
	if err := s.Close(); err != nil {
		log.Fatal(err)
	}
}

// runProgram runs a command line in this process.
func runProgram(t *testing.T, p program, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	p.Stdout, p.Stderr = &out, &errs
	code = p.run(context.Background(), args)
	return code, out.String(), errs.String()
}

func TestColor(t *testing.T) {
	root := t.TempDir()
	tests := []struct {
		p    program
		want bool
	}{
		{program{}, false},
		{program{console.Console{Terminal: true}}, true},
		{program{console.Console{Terminal: true, Environ: []string{"NO_COLOR="}}}, true},
		{program{console.Console{Terminal: true, Environ: []string{"NO_COLOR=1"}}}, false},
		{program{console.Console{Terminal: true, Environ: []string{"TERM=dumb"}}}, false},
	}
	for _, tt := range tests {
		_, out, _ := runProgram(t, tt.p, "check", "--root", root, "os-end-of-life")
		if got := strings.Contains(out, "\x1b["); got != tt.want {
			t.Errorf("%+v: coloured is %v\n%s", tt.p, got, out)
		}
	}
}

// TestHelp: every command has an explanation, and every flag of it.
func TestHelp(t *testing.T) {
	p := program{console.Console{Stdout: new(bytes.Buffer), Stderr: new(bytes.Buffer)}}
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Long == "" || c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: short %q, long %q", c.CommandPath(), c.Short, c.Long)
		}
		for _, line := range strings.Split(c.Long+"\n"+c.Example, "\n") {
			if len(line) > 86 {
				t.Errorf("%s: line of %d characters: %s", c.CommandPath(), len(line), line)
			}
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(p.command())
}

// TestHostileNames: a name of the command line cannot steer the terminal.
func TestHostileNames(t *testing.T) {
	for _, args := range [][]string{{"check", "\x1b[2J"}, {"\x1b[2J"}, {"facts", "a\nb\x1b"}, {"check", "--root", "/\x1b[2J"}, {"check", "--format", "\x1b"}} {
		code, out, errs := runProgram(t, program{}, args...)
		if code != console.Problem || strings.Contains(out+errs, "\x1b") {
			t.Errorf("%q: exit %d, %q", args, code, out+errs)
		}
	}
}

// TestWatchEnds: watch prints what is appended while it runs, and ends with its
// context.
func TestWatchEnds(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	s, err := spool.Open(dir, spool.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithCancel(context.Background())
	out := &notify{want: "ssh-x", found: cancel}
	p := program{console.Console{Stdout: out, Stderr: out}}
	if _, err := s.AppendSync(history.Posture, []byte("not a record")); err != nil {
		t.Fatal(err)
	}
	done := make(chan int)
	go func() { done <- p.run(ctx, []string{"watch", "--all", "--spool", dir}) }()
	b, err := wire.Encode(wire.Record{Time: time.Now(), Change: &finding.Change{Result: finding.Result{Check: "ssh-x", Status: finding.StatusPass}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.AppendSync(history.Posture, b); err != nil {
		t.Fatal(err)
	}
	select {
	case code := <-done:
		if code != 0 {
			t.Errorf("exit %d\n%s", code, out.text.String())
		}
	case <-time.After(20 * time.Second):
		t.Fatal("watch saw nothing")
	}
	if got := out.text.String(); !strings.Contains(got, "seawall: record 1: ") {
		t.Errorf("a record that is none was not reported:\n%s", got)
	}
}

// notify calls found once want was written.
type notify struct {
	text  bytes.Buffer
	want  string
	found func()
}

func (n *notify) Write(b []byte) (int, error) {
	n.text.Write(b)
	if strings.Contains(n.text.String(), n.want) {
		n.found()
	}
	return len(b), nil
}
