package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"seawall/agent/console"
	"seawall/agent/spool"
	"seawall/pkg/text"
	"seawall/pkg/text/texttest"
)

// TestHostileArguments: no argument, of whatever size, in whatever place, forges
// more than the error that repeats it.
func TestHostileArguments(t *testing.T) {
	spoolDir := filepath.Join(t.TempDir(), "spool")
	s, err := spool.Open(spoolDir, spool.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, arg := range []string{texttest.Evil, strings.Repeat("y", 1<<20), strings.Repeat("\xff\n", 1<<19)} {
		for _, args := range [][]string{
			{arg}, {"check", arg}, {"check", "--" + arg}, {"check", "--root", "/" + arg}, {"check", "--checks", arg, "--root=" + arg},
			{"check", "--format", arg}, {"explain", arg}, {"facts", arg}, {"facts", "sshd", "--connection", arg},
			{"facts", "sshd", "--connection", "user=" + arg}, {"help", arg}, {"completion", arg}, {"version", arg},
			{"watch", "--spool", "/" + arg}, {"status", "--spool", arg}, {"status", "--heartbeat-interval", arg},
			{"spool", "dump", "--spool", spoolDir, arg}, {"spool", "verify", "--spool", "/" + arg}, {"sensor", "--log-level", arg},
			{"check-config", "--config", arg}, {"check-config", "--coalesce", arg}, {"check", "-" + arg},
		} {
			code, out, errs := runProgram(t, program{}, args...)
			what := fmt.Sprintf("%.40q", args)
			texttest.Harmless(t, what, out+errs)
			if code == console.Findings || len(out)+len(errs) > 4*text.Limit && code != 0 {
				t.Errorf("%s: exit %d, %d bytes", what, code, len(out)+len(errs))
			}
		}
	}
}

// TestHostileEnvironment: nor does a variable.
func TestHostileEnvironment(t *testing.T) {
	for _, name := range []string{"SEAWALL_COALESCE", "SEAWALL_SPOOL_DIR", "SEAWALL_LOG_LEVEL"} {
		code, out, errs := runProgram(t, program{console.Console{Environ: []string{name + "=" + texttest.Evil}}}, "check-config", "--checks", t.TempDir())
		texttest.Harmless(t, name, out+errs)
		if code != console.Problem {
			t.Errorf("%q: exit %d", name, code)
		}
	}
}

// TestHostileHost: nothing that an image says, in names of files or in them, gets
// through any command that looks at it.
func TestHostileHost(t *testing.T) {
	root := t.TempDir()
	name := strings.NewReplacer("/", "", "\x00", "").Replace(texttest.Evil)
	line := strings.NewReplacer("\n", "_", "\r", "_", " ", "_").Replace(texttest.Evil)
	for path, content := range map[string]string{
		"usr/sbin/sshd":       "",
		"etc/os-release":      "ID=debian\nVERSION_ID=12\nPRETTY_NAME=\"" + line + "\"\n",
		"etc/passwd":          "root:x:0:0:" + line + ":/root:/bin/sh\n" + line + ":x:1000:1000::/home/x:/bin/sh\n",
		"etc/ssh/sshd_config": "Include /etc/ssh/sshd_config.d/*.conf\nBanner " + line + "\nMatch User *" + line + "*\nPasswordAuthentication yes\n",
		"etc/ssh/sshd_config.d/a" + name + ".conf": "PermitRootLogin yes # " + line + "\n",
		"etc/ssh/ssh_host_" + name + "_key.pub":    line,
		"var/lib/dpkg/status":                      "Package: " + line + "\nStatus: install ok installed\nVersion: " + line + "\nArchitecture: " + line + "\n\n",
		"etc/audit/auditd.conf":                    "max_log_file = " + line + "\n" + line + "\n",
		"etc/audit/rules.d/" + name + ".rules":     "-w " + line + "\n",
		"etc/default/grub":                         "GRUB_CMDLINE_LINUX=\"" + line + "\"\n",
		"boot/grub/grub.cfg":                       "menuentry '" + line + "' {\n linux /v root=" + line + "\n}\n",
	} {
		path = filepath.Join(root, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	var all strings.Builder
	for _, args := range [][]string{
		{"check"}, {"check", "--format", "json"}, {"facts"}, {"facts", "--format", "json"}, {"explain", "ssh-permit-root-login"},
		{"explain", "os-end-of-life"}, {"explain", "audit-rules-loaded"}, {"facts", "sshd", "--connection", "user=root,addr=203.0.113.9"},
		{"facts", "sshd", "--format", "text", "--connection", "user=root,addr=203.0.113.9"},
	} {
		_, out, errs := runProgram(t, program{console.Console{Width: 80}}, append(args, "--root", root)...)
		texttest.Harmless(t, strings.Join(args, " "), out+errs)
		if len(out) < 100 {
			t.Errorf("%q prints %q, %q", args, out, errs)
		}
		all.WriteString(out)
	}
	if n := strings.Count(all.String(), `\x1b[2J`) + strings.Count(all.String(), `\u001b[2J`); n < 20 {
		t.Errorf("the host was hardly heard: %d escapes", n)
	}
}
