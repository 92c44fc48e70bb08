package patchview

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/patch"
	"seawall/agent/facts/restart"
	"seawall/agent/facts/system"
	"seawall/agent/look"
	"seawall/agent/report/sheettest"
	"seawall/pkg/finding"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// pkg is a pending package that was first seen so many days ago.
func pkg(name, source, label string, days int) patch.Package {
	since := now.Add(-time.Duration(days)*24*time.Hour - time.Hour)
	return patch.Package{Name: name, Arch: "amd64", Source: source, Installed: "1.0-1", Candidate: "1.0-2", Fixed: "1.0-2", Label: label,
		Origin: "Debian-Security/stable-security", FirstSeen: patch.RFC3339(since), DaysPending: days}
}

// TestNotAllWasRead: what could not be read is said, and is not 0.
func TestNotAllWasRead(t *testing.T) {
	f := host()
	f.Patch.Sources = []patch.Source{{Suite: "stable", Reason: "no Release file"}}
	f.Restart.Units, f.Restart.Denied, f.Restart.Limited = nil, 3, "no socket"
	table := func() (*View, string) {
		v := New(f)
		var b bytes.Buffer
		if err := v.Table(&b, look.Options{}); err != nil {
			t.Fatal(err)
		}
		return v, b.String()
	}
	v, text := table()
	if v.OtherPending == nil || *v.OtherPending != 54 || v.Restart != nil || !strings.Contains(text, "restart  3 processes could not be looked at: no socket\n") {
		t.Errorf("some are pending: %+v\n%s", v, text)
	}
	f.Patch.OtherPending, f.Patch.Deferred = 0, 0
	if v, text = table(); v.OtherPending != nil || v.Deferred != nil || !strings.Contains(text, "other    whether other updates are pending is not known") {
		t.Errorf("none that is known: %+v\n%s", v, text)
	}
	f.Patch.Sources[0].File = "/var/lib/ubuntu-advantage/apt-esm/etc/apt/sources.list.d/x.sources"
	if v, _ = table(); v.OtherPending == nil {
		t.Error("a subscription that is not enabled makes other updates unknown")
	}
}

// host is one with something of everything.
func host() Facts {
	known := fact.Meta{State: fact.StateKnown}
	dev := pkg("libssl-dev", "openssl", patch.LabelAvailable, 3)
	dev.Installed = "1.0-1+b1"
	i386 := pkg("libssl3", "openssl", patch.LabelAvailable, 12)
	i386.Arch = "i386"
	held := pkg("curl", "curl", patch.LabelHeld, 1)
	held.Reason = "on hold in dpkg"
	pinned := pkg("nginx", "nginx", patch.LabelPinned, 0)
	pinned.Reason = "/etc/apt/preferences.d/nginx line 3 pins it to 1.0-1"
	return Facts{
		Patch: patch.Facts{Meta: known, Manager: "dpkg", Installed: 300, OtherPending: 54, Deferred: 2,
			Packages: []patch.Package{pkg("bash", "bash", patch.LabelAvailable, 0), held, dev, pkg("libssl3", "openssl", patch.LabelAvailable, 12),
				i386, pkg("openssl", "openssl", patch.LabelAvailable, 12), pinned, pkg("php", "php", patch.LabelMasked, 2),
				pkg("vlc", "vlc", patch.LabelESM, 2), pkg("grub", "grub2", patch.LabelDeferred, 2), pkg("odd", "odd", "some_new_label", 2)},
			Metadata: patch.Freshness{Known: true, AgeSeconds: 3 * 86400, RefreshAgeSeconds: 7200, Date: "2026-11-19T12:00:00Z"},
			Sources: []patch.Source{{URI: "http://deb.example", Suite: "stable", File: "/etc/apt/sources.list", Line: 1},
				{URI: "http://ppa.example", Suite: "noble", File: "/etc/apt/sources.list.d/ppa.list", Line: 2, Reason: "no package list for amd64"}},
		},
		System: system.Facts{Meta: known, ID: "debian", Name: "Debian GNU/Linux 12 (bookworm)", Family: "debian",
			Life: system.Life{State: system.LifeExtended, Ends: "2026-07-11", ExtendedEnds: "2028-06-30", ExtendedKind: "LTS",
				Upgrade: "debian 13 by apt full-upgrade"},
			Reboot: system.Reboot{Applicable: true, Required: fact.Tri{Known: true, Yes: true}, Running: "6.1.0-20", Newest: "6.1.0-25",
				Packages: []string{"linux-image-amd64", "dbus"}}},
		Restart: restart.Facts{Meta: known, Scanned: 100, Units: []restart.Unit{{Name: "ssh.service", Kind: restart.KindService, Processes: 1,
			Command: "systemctl restart ssh.service"}, {Name: "cron.service", Kind: restart.KindService, Processes: 1}}},
		Now: now,
	}
}

// rpmHost has what only rpm has.
func rpmHost() Facts {
	f := host()
	p := &f.Patch
	p.Manager, p.Sources = "rpm", nil
	sev := func(name, source, severity, label string, days int, ids ...string) patch.Package {
		one := pkg(name, source, label, days)
		one.Arch, one.Severity, one.Advisories, one.CVEs = "x86_64", severity, ids, []string{"CVE-2026-1", "CVE-2026-2"}
		return one
	}
	p.Packages = []patch.Package{sev("glibc", "glibc", "Moderate", patch.LabelAvailable, 2, "ALSA-2026:1", "ALSA-2026:2"),
		sev("openssl-libs", "openssl", "Critical", patch.LabelAvailable, 0, "ALSA-2026:3"),
		sev("sudo", "sudo", "Important", patch.LabelExcluded, 9), sev("zlib", "zlib", "Low", patch.LabelNotAvailable, 9),
		sev("kernel-core", "kernel", "Moderate", patch.LabelNotRunning, 4), sev("krb5-libs", "krb5", "Low", patch.LabelMasked, 1)}
	p.Packages[2].Reason = "exclude=sudo in /etc/dnf/dnf.conf line 5"
	p.Packages[4].Reason = "1.0-2 is installed, and the running kernel is older: restart the host"
	p.Packages[5].Reason = "1.0-3 from baseos is newer than the fix"
	f.System = system.Facts{Meta: fact.Meta{State: fact.StateKnown}, Name: "AlmaLinux 9", Life: system.Life{State: system.LifeSupported}}
	f.Restart = restart.Facts{Meta: fact.Meta{State: fact.StateUnknown}}
	return f
}

// bad makes a host whose patch level is not known.
func bad(change func(*patch.Facts)) Facts {
	f := Facts{Patch: patch.Facts{Meta: fact.Meta{State: fact.StateKnown}, Manager: "dpkg", Installed: 300, Packages: []patch.Package{},
		Metadata: patch.Freshness{Known: true, AgeSeconds: 86400, RefreshAgeSeconds: -1}}, Now: now}
	change(&f.Patch)
	return f
}

func screens() map[string]Facts {
	unseen := host()
	for i := range unseen.Patch.Packages {
		unseen.Patch.Packages[i].FirstSeen, unseen.Patch.Packages[i].DaysPending = patch.RFC3339(now), 0
	}
	unseen.Patch.Packages = unseen.Patch.Packages[:1]
	return map[string]Facts{
		"deb": host(), "rpm": rpmHost(), "unseen": unseen,
		"nothing": bad(func(*patch.Facts) {}),
		"unknown": bad(func(f *patch.Facts) {
			f.Meta.State, f.Meta.Reason = fact.StateUnknown, "none of the 2 configured sources is a security source"
		}),
		"expired": bad(func(f *patch.Facts) { f.Metadata.Expired, f.Metadata.ValidUntil = true, "2026-11-20T00:00:00Z" }),
		"empty":   bad(func(f *patch.Facts) { f.Installed = 0 }),
		"absent": bad(func(f *patch.Facts) {
			f.Meta.State, f.Meta.Reason, f.Manager = fact.StateAbsent, "no package database", ""
			f.Metadata = patch.Freshness{RefreshAgeSeconds: -1}
		}),
		"error": bad(func(f *patch.Facts) {
			f.Meta = fact.Meta{State: fact.StateError, Reason: "read /var/lib/dpkg/status: line 7: no name",
				Evidence: []finding.Evidence{{File: "/var/lib/dpkg/status", Line: 7, Text: "Version: 1"}}}
		}),
		"unread": bad(func(f *patch.Facts) { *f = patch.Facts{} }),
		"stale": bad(func(f *patch.Facts) {
			f.Packages = []patch.Package{pkg("bash", "bash", patch.LabelAvailable, 1)}
			f.Stale = patch.Stale{Since: "2026-11-22T11:50:00Z", AgeSeconds: 600, Reason: "read /var/lib/dpkg/status: line 7: no name"}
		}),
		"stale nothing": bad(func(f *patch.Facts) {
			f.Stale = patch.Stale{Since: "2026-11-22T11:50:00Z", AgeSeconds: 600, Reason: "read /var/lib/dpkg/status: line 7: no name"}
		}),
	}
}

// TestTable shows every screen, wide and narrow.
func TestTable(t *testing.T) {
	for name, f := range screens() {
		var b bytes.Buffer
		v := New(f)
		for _, width := range []int{0, 60} {
			if err := v.Table(&b, look.Options{Width: width}); err != nil {
				t.Fatal(err)
			}
			b.WriteString(strings.Repeat("=", 60) + "\n")
		}
		sheettest.Golden(t, strings.ReplaceAll(name, " ", "-")+".txt", b.Bytes())
	}
}

// TestStatus: only what was computed is known, and the exit statuses say so.
func TestStatus(t *testing.T) {
	for name, want := range map[string]string{
		"deb": "known 1", "rpm": "known 1", "unseen": "known 1", "nothing": "known 0", "unknown": "unknown 2", "expired": "unknown 2",
		"empty": "unknown 2", "absent": "unknown 2", "error": "error 2", "unread": "unknown 2", "stale": "known 1", "stale nothing": "known 2",
	} {
		v := New(screens()[name])
		if got := v.Status + " " + string(rune('0'+v.Exit())); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
		if (v.Reason == "") != (v.Status == Known) {
			t.Errorf("%s: status %s with reason %q", name, v.Status, v.Reason)
		}
		if v.Status != Known && (v.OtherPending != nil || v.Deferred != nil || len(v.Packages) > 0) {
			t.Errorf("%s: says more than is known", name)
		}
		var b bytes.Buffer
		if err := v.Table(&b, look.Options{}); err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(b.String(), "\n")
		if strings.Contains(first, "No security update") != (name == "nothing" || name == "stale nothing") {
			t.Errorf("%s: first line %q", name, first)
		}
	}
}

// TestWidth: nothing but commands, places and versions is wider than the terminal,
// coloured or not, and colours are there only where they may be.
func TestWidth(t *testing.T) {
	for name, f := range screens() {
		for _, width := range []int{40, 60, 80, 120} {
			for _, color := range []bool{false, true} {
				var b bytes.Buffer
				if err := New(f).Table(&b, look.Options{Width: width, Color: color}); err != nil {
					t.Fatal(err)
				}
				if strings.Contains(b.String(), "\x1b") != color {
					t.Errorf("%s: colours are there: %v", name, !color)
				}
				fix := false
				for _, line := range strings.Split(b.String(), "\n") {
					plain := line
					for _, c := range []look.Color{"0", look.Bold, look.Dim, look.Red, look.Green, look.Yellow, look.Cyan} {
						plain = strings.ReplaceAll(plain, "\x1b["+string(c)+"m", "")
					}
					fix = strings.HasPrefix(plain, "  fix ") || fix && strings.HasPrefix(plain, "           ")
					if n := utf8.RuneCountInString(plain); n > width && !fix && strings.Contains(strings.TrimSpace(plain), " ") {
						t.Errorf("%s, %d columns: line of %d: %s", name, width, n, plain)
					}
				}
			}
		}
	}
}

// TestHostile: nothing that a host says steers the terminal or gets into a command.
func TestHostile(t *testing.T) {
	const evil = "a\x1b[2J\nb; rm -rf $HOME #\u202e"
	f := host()
	for _, label := range []string{patch.LabelHeld, patch.LabelPinned, patch.LabelExcluded, evil} {
		f.Patch.Packages = append(f.Patch.Packages, patch.Package{Name: evil, Arch: evil, Source: evil, Installed: evil, Fixed: evil, Label: label,
			Reason: evil, Severity: evil, Advisories: []string{evil}, FirstSeen: evil}, patch.Package{Name: "-o", Fixed: "~x", Label: label})
	}
	f.Patch.Sources = append(f.Patch.Sources, patch.Source{URI: evil, Suite: evil, File: evil, Reason: evil, Error: evil})
	f.Patch.Stale.Reason, f.System.Name, f.System.Reboot.Newest = evil, evil, evil
	f.System.Reboot.Packages, f.Restart.Units[0].Name = []string{evil}, evil
	for _, manager := range []string{"dpkg", "rpm", evil} {
		f.Patch.Manager = manager
		var b bytes.Buffer
		if err := New(f).Table(&b, look.Options{Width: 80}); err != nil {
			t.Fatal(err)
		}
		if out := b.String(); strings.ContainsAny(out, "\x1b\u202e") || strings.Contains(out, "\nb;") {
			t.Errorf("%q", out)
		}
		for line := range strings.Lines(b.String()) {
			if strings.Contains(line, "apt-mark") || strings.Contains(line, "apt-get install") || strings.Contains(line, "disableexcludes") {
				if strings.Contains(line, "rm -rf") || strings.Contains(line, " -o") {
					t.Errorf("a command was forged: %s", line)
				}
			}
		}
	}
}

func TestWords(t *testing.T) {
	for seconds, want := range map[int]string{0: "just now", 89: "just now", 90: "1 minute ago", 7200: "2 hours ago", 35 * 3600: "35 hours ago",
		36 * 3600: "1 day ago", 12 * 86400: "12 days ago"} {
		if got := ago(seconds); got != want {
			t.Errorf("%d seconds: got %s, want %s", seconds, got, want)
		}
	}
	for life, want := range map[system.Life]string{
		{State: system.LifeSupported}:                                "",
		{State: system.LifeEnding, Ends: "2026-12-09", DaysLeft: 17}: "the release: supported until 2026-12-09, 17 days from now",
		{State: system.LifeEnded, Ends: "2024-06-30"}:                "the release: support ended 2024-06-30; nobody publishes fixes any more",
		{State: system.LifeUnknown, Reason: "not in the table"}:      "the release: how long it is supported is not known: not in the table",
	} {
		if got := (&View{Life: &life}).life(); got != want {
			t.Errorf("%+v: got %q, want %q", life, got, want)
		}
	}
}

// TestFailedWrite: what could not be written is an error.
func TestFailedWrite(t *testing.T) {
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := New(host()).Table(f, look.Options{}); err == nil {
		t.Error("a file that cannot be written took it")
	}
}

func encode(t *testing.T, v *View) map[string]any {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}
