package auditconf

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"seawall/pkg/kaudit"
)

func stock(tb testing.TB) string {
	tb.Helper()
	b, err := os.ReadFile("testdata/debian12.conf")
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}

func TestStockConfiguration(t *testing.T) {
	got, err := ParseDaemon(stock(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]Setting{
		"max_log_file":            {Value: "8", Line: 12, Raw: "max_log_file = 8"},
		"num_logs":                {Value: "5", Line: 13, Raw: "num_logs = 5"},
		"max_log_file_action":     {Value: "rotate", Line: 17, Raw: "max_log_file_action = ROTATE"},
		"space_left_action":       {Value: "syslog", Line: 19, Raw: "space_left_action = SYSLOG"},
		"admin_space_left":        {Value: "50", Line: 22, Raw: "admin_space_left = 50"},
		"admin_space_left_action": {Value: "suspend", Line: 23, Raw: "admin_space_left_action = SUSPEND"},
		"log_file":                {Value: "/var/log/audit/audit.log", Line: 7, Raw: "log_file = /var/log/audit/audit.log"},
	} {
		if diff := cmp.Diff(want, got[name]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestDefaults(t *testing.T) {
	got, err := ParseDaemon("space_left = 1\n")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"max_log_file": "0", "num_logs": "0", "max_log_file_action": "ignore", "disk_error_action": "syslog",
		"disk_full_action": "ignore", "flush": "none",
	} {
		if s := got[name]; s.Value != want || s.Line != 0 {
			t.Errorf("%s: %+v, want the default %s", name, s, want)
		}
	}
}

// cases are configurations and whether auditd starts with them.
func cases(tb testing.TB) map[string]struct {
	conf string
	line int // of the error; -1 none
} {
	type c = struct {
		conf string
		line int
	}
	base := "space_left = 75\nadmin_space_left = 50\n"
	return map[string]c{
		"stock":                    {stock(tb), -1},
		"upper case":               {base + "NUM_LOGS = 5\nmax_log_file_action = Keep_Logs\n", -1},
		"several blanks":           {base + "  num_logs   =   5  \n", -1},
		"comments":                 {base + "# num_logs = x\n   # y\n\n", -1},
		"a longer line":            {base + "# " + strings.Repeat("x", 300) + "\nnum_logs = 5\n", -1},
		"a long setting":           {base + "log_group = " + strings.Repeat("x", 300) + "\n", -1},
		"last wins":                {base + "num_logs = 1\nnum_logs = 2\n", -1},
		"no blanks":                {base + "num_logs=5\n", 3},
		"no equal sign":            {base + "num_logs 5\n", 3},
		"two words":                {base + "num_logs 5 6\n", 3},
		"no value":                 {base + "num_logs =\n", 3},
		"a word too many":          {base + "num_logs = 5 6\n", 3},
		"unknown keyword":          {base + "num_log = 5\n", 3},
		"no number":                {base + "max_log_file = 8M\n", 3},
		"negative":                 {base + "max_log_file = -8\n", 3},
		"too many logs":            {base + "num_logs = 1000\n", 3},
		"unknown action":           {base + "max_log_file_action = delete\n", 3},
		"action for another":       {base + "max_log_file_action = email\n", 3},
		"email on a full disk":     {base + "disk_full_action = email\n", 3},
		"rotate on a disk error":   {base + "disk_error_action = rotate\n", 3},
		"exec without a program":   {base + "space_left_action = exec\n", 3},
		"carriage return":          {base + "num_logs = 5\r\n", 3},
		"tab":                      {base + "num_logs\t=\t5\n", 3},
		"limits the wrong way":     {"space_left = 50\nadmin_space_left = 75\n", 0},
		"limits equal by default":  {"num_logs = 5\n", 0},
		"percentage":               {"space_left = 25%\nadmin_space_left = 50\n", -1},
		"incremental without freq": {base + "flush = incremental\n", 0},
		"incremental with freq":    {base + "flush = INCREMENTAL_ASYNC\nfreq = 50\n", -1},
	}
}

func TestParseDaemon(t *testing.T) {
	for name, tt := range cases(t) {
		_, err := ParseDaemon(tt.conf)
		var p *ParseError
		switch {
		case tt.line < 0 && err != nil:
			t.Errorf("%s: %v", name, err)
		case tt.line >= 0 && (!errors.As(err, &p) || p.Line != tt.line):
			t.Errorf("%s: %v, want an error in line %d", name, err, tt.line)
		}
	}
}

// TestAgreesWithAuditd asks the real daemon. Another process holds its place in
// the kernel meanwhile, so that it reads its configuration and ends: with status
// 6 when it refuses it.
func TestAgreesWithAuditd(t *testing.T) {
	const auditd, refused = "/sbin/auditd", 6
	if _, err := os.Stat(auditd); err != nil || os.Geteuid() != 0 || kaudit.Support() != nil {
		t.Fatal("needs auditd, root and kernel audit")
	}
	fd, err := unix.Open("/tmp/seawall-audit.lock", unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Flock(fd, unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	var held *kaudit.HeldError
	if holder, err := kaudit.Open(kaudit.Unicast); err == nil {
		defer holder.Close()
	} else if !errors.As(err, &held) {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for name, tt := range cases(t) {
		dir := t.TempDir()
		conf := strings.ReplaceAll(tt.conf, "/var/log/audit/", dir+"/")
		conf = strings.ReplaceAll(conf, "log_group = adm\n", "")
		if err := os.WriteFile(filepath.Join(dir, "auditd.conf"), []byte(conf), 0o640); err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			cmd := exec.CommandContext(ctx, auditd, "-n", "-s", "nochange", "-c", dir)
			_ = cmd.Run()
			if got := cmd.ProcessState.ExitCode() == refused; got != (tt.line >= 0) {
				t.Errorf("%s: auditd exits with %d, we expect refused=%v", name, cmd.ProcessState.ExitCode(), tt.line >= 0)
			}
		})
	}
	all.Wait()
}

func TestParseRules(t *testing.T) {
	got := ParseRules("-w /gone -p wa\n-D\n-b 8192\n-f 1\n--backlog_wait_time 60000\n\n  -w /etc/passwd -p wa -k id\n" +
		"-a always,exit -S open -F key=\"a b\"\n-b64\n-e 1\n-e 2\n")
	want := Rules{
		Rules:   []Command{{"-w /etc/passwd -p wa -k id", 7}, {`-a always,exit -S open -F key="a b"`, 8}},
		Enabled: Command{"2", 11}, Backlog: Command{"64", 9}, Failure: Command{"1", 4},
		Other: []Command{{"-D", 2}, {"--backlog_wait_time 60000", 5}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestGenerateAgreesWithAugenrules runs the script's own merging: the real
// augenrules has its directories built in, so a copy with others is run.
func TestGenerateAgreesWithAugenrules(t *testing.T) {
	script, err := os.ReadFile("/sbin/augenrules")
	if err != nil {
		t.Fatalf("needs augenrules: %v", err)
	}
	dir := t.TempDir()
	sources := []Source{
		{"10-base.rules", "# base\n-D\n-b 8192\n\n-f 1\n-w /b -p wa\n"},
		{"9-first.rules", "-w /a -p wa\n-b 64\n  # note\n"},
		{"100-last.rules", "-e 2\n-w /c -p wa\n-D\n"},
		{"010-zero.rules", "-w /z -p wa\n"},
		{"ignored.conf", "-w /no -p wa\n"},
		{"x.rules", "-D -k mine\n-e 1\n"},
	}
	if err := os.Mkdir(filepath.Join(dir, "rules.d"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, s := range sources {
		if err := os.WriteFile(filepath.Join(dir, "rules.d", s.Name), []byte(s.Text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text := strings.ReplaceAll(string(script), "/etc/audit", dir)
	if err := os.WriteFile(filepath.Join(dir, "augenrules"), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", filepath.Join(dir, "augenrules"))
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Logf("augenrules: %v: %s", err, out)
	}
	made, err := os.ReadFile(filepath.Join(dir, "audit.rules"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Lines(string(made)), Generate(sources)); diff != "" {
		t.Errorf("(-augenrules +ours)\n%s", diff)
	}
}

func TestGenerateNothing(t *testing.T) {
	if got := Generate(nil); len(got) != 0 {
		t.Errorf("%q", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(stock(f))
	for _, tt := range cases(f) {
		f.Add(tt.conf)
	}
	f.Add("-D\n-b8192\n-a always,exit -S all\n-e 2")
	f.Fuzz(func(t *testing.T, text string) {
		settings, err := ParseDaemon(text)
		if err == nil && len(settings) == 0 {
			t.Error("no settings and no error")
		}
		rules := ParseRules(text)
		if n := len(rules.Rules) + len(rules.Other); n > strings.Count(text, "\n")+1 {
			t.Errorf("%d commands", n)
		}
		made := Generate([]Source{{"a.rules", text}})
		if slices.Contains(made, "") {
			t.Errorf("an empty line in %q", made)
		}
	})
}
