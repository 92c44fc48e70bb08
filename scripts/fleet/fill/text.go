package fill

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"seawall/pkg/finding"
)

// Checks is how many checks a host has results of.
const Checks = 220

// updates is the check with a result for each package.
const updates = "patch-security-updates"

const perFamily = 10

func families() []string {
	return strings.Fields("accounts audit boot cloud containers cron filesystem firewall kernel logging network " +
		"os patch secrets services sshd sudo time tls web mail dns")
}

func packages() []string {
	return strings.Fields("openssl linux-image libc6 curl openssh-server sudo systemd libxml2 nginx postgresql-15 " +
		"python3.11 perl-base bind9-libs vim gnupg libssh2-1 krb5-user git less tar zlib1g libexpat1 glib2.0 sqlite3")
}

func systems() [][3]string { // PRETTY_NAME, ID, VERSION_ID
	return [][3]string{{"Debian GNU/Linux 13 (trixie)", "debian", "13"}, {"Debian GNU/Linux 12 (bookworm)", "debian", "12"},
		{"Ubuntu 24.04.3 LTS", "ubuntu", "24.04"}, {"Rocky Linux 9.6 (Blue Onyx)", "rocky", "9.6"}}
}

// checkIDs are the ids of the checks; the updates are the first of their family.
func checkIDs() []string {
	var ids []string
	for _, family := range families() {
		for i := range perFamily {
			id := fmt.Sprintf("%s-setting-%02d", family, i)
			if family == "patch" && i == 0 {
				id = updates
			}
			ids = append(ids, id)
		}
	}
	return ids
}

func severity(check int) finding.Severity { return finding.Severity(1 + check%5) }

// pack is the static text of the checks, for a system.
func pack(system int) finding.Pack {
	var p finding.Pack
	for i, id := range checkIDs() {
		family, _, _ := strings.Cut(id, "-")
		p.Checks = append(p.Checks, finding.CheckInfo{
			ID: id, Family: family, Severity: severity(i), Title: fmt.Sprintf("The %s's setting %02d is what it should be", family, i%perFamily),
			Rationale:   "A setting that is wider than it needs to be is found by those who look for it, long before it is found by those who own it.",
			Remediation: fmt.Sprintf("On %s: set it in /etc/%s/%s.conf and reload the service.", systems()[system][0], family, id),
			References:  []string{"CIS 1." + fmt.Sprint(i), "NIST SP 800-123"},
		})
	}
	p.Digest = sha256.Sum256([]byte(systems()[system][0]))
	return p
}

// result is what a check found.
func result(check int, id, resource string, status finding.Status, at time.Time) finding.Result {
	family, _, _ := strings.Cut(id, "-")
	actual := "yes"
	if status == finding.StatusFail {
		actual = "no, as of " + at.Format(time.DateTime)
	}
	return finding.Result{
		Check: id, Resource: resource, Status: status, Severity: severity(check), Actual: actual,
		Expected: "yes, in every file that the program reads, and nothing that undoes it later",
		Evidence: []finding.Evidence{
			{File: fmt.Sprintf("/etc/%s/%s.conf", family, id), Line: 12 + check%80, Text: "SettingThatMatters " + actual},
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
