package updates

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/agent/facts/fact"
	"seawall/pkg/dpkg"
	"seawall/pkg/hostfs"
	"seawall/pkg/unitbus"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// host makes a root of files: "→x" is a link, "@2026-11-20" behind the name its time.
func host(t testing.TB, trees ...map[string]string) *reader {
	t.Helper()
	dir := t.TempDir()
	for _, files := range trees {
		for _, name := range slices.Sorted(maps.Keys(files)) { // what is gone makes room for a folder
			text := files[name]
			name, at, dated := strings.Cut(name, "@")
			name = filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			os.Remove(name)
			if text == "gone" {
				continue
			}
			if target, ok := strings.CutPrefix(text, "→"); ok {
				if err := os.Symlink(target, name); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
				t.Fatal(err)
			}
			when := now.AddDate(-1, 0, 0)
			if dated {
				var err error
				if when, err = time.Parse(time.DateOnly, at); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chtimes(name, when, when); err != nil {
				t.Fatal(err)
			}
		}
	}
	root, err := hostfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return &reader{root: root, now: now, f: &Facts{}}
}

const (
	lib   = "/usr/lib/systemd/system/"
	etc   = "/etc/systemd/system/"
	lists = "/var/lib/apt/lists/"
	unit  = "[Service]\nType=oneshot\nExecStart="
)

// debian is a Debian 12 as its installer leaves it with unattended-upgrades.
func debian() map[string]string {
	return map[string]string{
		"/etc/os-release":              "ID=debian\nVERSION_ID=12\nVERSION_CODENAME=bookworm\n",
		"/etc/machine-id":              "0123456789abcdef0123456789abcdef\n",
		dpkg.StatusFile:                "Package: x\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n",
		"/usr/bin/unattended-upgrade":  "#!/usr/bin/python3\n",
		aptConfD + "/20auto-upgrades":  "APT::Periodic::Update-Package-Lists \"1\";\nAPT::Periodic::Unattended-Upgrade \"1\";\n",
		aptConfD + "/50unattended-upg": origins50,
		"/etc/apt/sources.list":        "deb http://deb.example/debian bookworm main\ndeb http://security.example/debian-security bookworm-security main contrib\n",
		lists + "security.example_debian-security_dists_bookworm-security_InRelease": "Origin: Debian\nLabel: Debian-Security\nSuite: oldstable-security\nCodename: bookworm-security\nDate: Sat, 21 Nov 2026 01:00:00 UTC\n",
		lib + "apt-daily.timer":                             "[Timer]\nOnCalendar=daily\n",
		lib + "apt-daily.service":                           unit + "/usr/lib/apt/apt.systemd.daily update\n",
		lib + "apt-daily-upgrade.timer":                     "[Timer]\nOnCalendar=daily\n",
		lib + "apt-daily-upgrade.service":                   unit + "/usr/lib/apt/apt.systemd.daily install\n",
		etc + "timers.target.wants/apt-daily.timer":         "→" + lib + "apt-daily.timer",
		etc + "timers.target.wants/apt-daily-upgrade.timer": "→" + lib + "apt-daily-upgrade.timer",
		stampDir + "upgrade-stamp@2026-11-20":               "",
	}
}

const origins50 = `Unattended-Upgrade::Origins-Pattern {
//      "origin=Debian,codename=${distro_codename}-updates";
        "origin=Debian,codename=${distro_codename},label=Debian";
        "origin=Debian,codename=${distro_codename},label=Debian-Security";
        "origin=Debian,codename=${distro_codename}-security,label=Debian-Security";
};
Unattended-Upgrade::Package-Blacklist {
//  "linux-";
};
`

const uuSuccess = `2026-11-20 06:12:33,123 INFO Starting unattended upgrades script
2026-11-20 06:12:33,124 INFO Allowed origins are: origin=Debian
2026-11-20 06:12:40,000 INFO All upgrades installed
`

const uuFailure = `2026-11-21 06:00:00,000 INFO Starting unattended upgrades script
2026-11-21 06:00:01,000 INFO Packages that will be upgraded: libssl3
2026-11-21 06:00:09,000 ERROR Installing the upgrades failed!
2026-11-21 06:00:09,000 ERROR error message: installArchives() failed
`

// summary is a host's four answers in one line, then the first reason that is no yes.
func summary(f *Facts) string {
	word := func(t fact.Tri) string {
		switch {
		case !t.Known:
			return "unknown"
		case t.Yes:
			return "yes"
		}
		return "no"
	}
	return strings.Join([]string{word(f.Installed.Answer), word(f.Configured.Answer), word(f.Timer.Answer), word(f.LastRun.Answer), word(f.Automatic)}, " ") + ": " + f.Automatic.Reason
}

// other is a host that differs from debian.
type other struct {
	files map[string]string
	want  string // "installed configured timer last-run: reason"
}

func others() map[string]other {
	return map[string]other{
		"as installed":    {nil, "yes yes yes yes yes: the last successful run was on 2026-11-20"},
		"not installed":   {map[string]string{"/usr/bin/unattended-upgrade": "gone"}, "no yes yes yes no: unattended-upgrades is not installed"},
		"switched off":    {map[string]string{aptConfD + "/99local": "APT::Periodic::Enable \"0\";"}, `yes no yes yes no: APT::Periodic::Enable "0" switches it off`},
		"nested":          {map[string]string{"/etc/apt/apt.conf": "APT { Periodic { Unattended-Upgrade \"0\" } }"}, `yes no yes yes no: APT::Periodic::Unattended-Upgrade "0" switches it off`},
		"no lists":        {map[string]string{aptConfD + "/20auto-upgrades": "APT::Periodic::Unattended-Upgrade \"1\";"}, "yes no yes yes no: APT::Periodic::Update-Package-Lists is not set"},
		"cleared":         {map[string]string{aptConfD + "/99local": "#clear APT::Periodic;"}, "yes no yes yes no"},
		"ignored name":    {map[string]string{aptConfD + "/99local.dpkg-old": "APT::Periodic::Enable \"0\";"}, "yes yes yes yes yes"},
		"monthly":         {map[string]string{aptConfD + "/99local": "APT::Periodic::Unattended-Upgrade \"30\";"}, "yes no yes yes no: APT::Periodic::Unattended-Upgrade \"30\": only every 30 days"},
		"always":          {map[string]string{aptConfD + "/99local": "APT::Periodic::Unattended-Upgrade \"always\";"}, "yes yes yes yes yes"},
		"hours":           {map[string]string{aptConfD + "/99local": "APT::Periodic::Unattended-Upgrade \"12h\";"}, "yes yes yes yes yes"},
		"no number":       {map[string]string{aptConfD + "/99local": "APT::Periodic::Unattended-Upgrade \"daily\";"}, "yes no yes yes no: APT::Periodic::Unattended-Upgrade \"daily\" is no interval"},
		"syntax":          {map[string]string{aptConfD + "/99local": "\nAPT \"a\" b \"c\";"}, "yes no yes yes no: apt refuses its configuration: /etc/apt/apt.conf.d/99local line 2"},
		"origins cleared": {map[string]string{aptConfD + "/99local": "#clear Unattended-Upgrade::Origins-Pattern;"}, "yes no yes yes no: no origin that unattended-upgrade may install from covers Debian oldstable-security main"},
		"one component":   {map[string]string{aptConfD + "/50unattended-upg": "Unattended-Upgrade::Origins-Pattern { \"o=Debian,n=bookworm-security,c=main\"; };"}, "yes no yes yes no: no origin that unattended-upgrade may install from covers Debian oldstable-security contrib"},
		"suite moved":     {map[string]string{aptConfD + "/50unattended-upg": "Unattended-Upgrade::Origins-Pattern { \"o=Debian,a=stable-security\"; };"}, "yes no yes yes no: no origin"},
		"bad pattern":     {map[string]string{aptConfD + "/99local": "Unattended-Upgrade::Origins-Pattern { \"o=Debian,x=1\"; };"}, "yes no yes yes no: unattended-upgrade cannot read Unattended-Upgrade::Origins-Pattern \"o=Debian,x=1\""},
		"bad variable":    {map[string]string{aptConfD + "/99local": "Unattended-Upgrade::Allowed-Origins { \"${distro}:x\"; };"}, "yes no yes yes no: unattended-upgrade cannot read"},
		"all blacklisted": {map[string]string{aptConfD + "/99local": "Unattended-Upgrade::Package-Blacklist { \".*\"; };"}, `yes no yes yes no: Unattended-Upgrade::Package-Blacklist ".*" matches every package`},
		"some blacklist":  {map[string]string{aptConfD + "/99local": "Unattended-Upgrade::Package-Blacklist { \"linux-\"; };"}, "yes yes yes yes yes"},
		"at shutdown":     {map[string]string{aptConfD + "/99local": "Unattended-Upgrade::InstallOnShutdown \"true\";"}, "yes no yes yes no: Unattended-Upgrade::InstallOnShutdown"},
		"no sources":      {map[string]string{"/etc/apt/sources.list": ""}, "yes yes yes yes yes"},
		"unknown vendor":  {map[string]string{"/etc/apt/sources.list": "", "/etc/os-release": "ID=other\nVERSION_CODENAME=x\n"}, "yes unknown yes yes unknown: no security pocket is known"},
		"timer masked":    {map[string]string{etc + "apt-daily-upgrade.timer": "→/dev/null"}, "yes yes no yes no: apt-daily-upgrade.timer is masked"},
		"timer disabled":  {map[string]string{etc + "timers.target.wants/apt-daily.timer": "gone"}, "yes yes no yes no: apt-daily.timer is disabled"},
		"service masked":  {map[string]string{etc + "apt-daily-upgrade.service": "→/dev/null"}, "yes yes no yes no: apt-daily-upgrade.timer is without its service"},
		"no units":        {map[string]string{lib + "apt-daily.timer": "gone", lib + "apt-daily-upgrade.timer": "gone"}, "yes yes no yes no: apt-daily.timer is missing"},
		"cron": {map[string]string{lib + "apt-daily.timer": "gone", lib + "apt-daily-upgrade.timer": "gone", "/etc/cron.daily/apt-compat": "#!/bin/sh\n"},
			"yes yes yes yes yes"},
		"old run":             {map[string]string{stampDir + "upgrade-stamp@2026-11-01": ""}, "yes yes yes no no: the last successful run was on 2026-11-01"},
		"never ran":           {map[string]string{stampDir + "upgrade-stamp": "gone"}, "yes yes yes no no: no successful run is on record"},
		"new host":            {map[string]string{stampDir + "upgrade-stamp": "gone", "/etc/machine-id@2026-11-21": "x"}, "yes yes yes unknown unknown: the host is new"},
		"stamp of the future": {map[string]string{stampDir + "upgrade-stamp@2027-11-01": ""}, "yes yes yes unknown unknown: no run is on record"},
		"log alone":           {map[string]string{stampDir + "upgrade-stamp": "gone", uuLog: uuSuccess}, "yes yes yes yes yes: the last successful run was on 2026-11-20"},
		"failed":              {map[string]string{stampDir + "upgrade-stamp": "gone", uuLog: uuFailure}, "yes yes yes no no: the last run failed: Installing the upgrades failed!"},
		"failed now":          {map[string]string{uuLog: uuSuccess + uuFailure}, "yes yes yes yes yes: the last successful run was on 2026-11-20, a later one failed: Installing"},
	}
}

func TestDebian(t *testing.T) {
	for name, tt := range others() {
		t.Run(name, func(t *testing.T) {
			r := host(t, debian(), tt.files)
			r.read()
			if got := summary(r.f); !strings.HasPrefix(got, tt.want) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			for _, p := range []Part{r.f.Installed, r.f.Configured, r.f.Timer, r.f.LastRun} {
				if p.Answer.Reason == "" {
					t.Errorf("an answer without a reason: %+v", p)
				}
			}
		})
	}
}

func TestEvidence(t *testing.T) {
	r := host(t, debian(), map[string]string{aptConfD + "/99local": "\nUnattended-Upgrade::Package-Blacklist { \"linux-\"; };"})
	r.read()
	var got []string
	for _, e := range r.f.Configured.Evidence {
		got = append(got, strings.TrimPrefix(e.File, aptConfD)+" "+e.Text)
	}
	want := []string{
		`/20auto-upgrades APT::Periodic::Update-Package-Lists "1"`,
		`/20auto-upgrades APT::Periodic::Unattended-Upgrade "1"`,
		`/50unattended-upg Unattended-Upgrade::Origins-Pattern "origin=Debian,codename=${distro_codename}-security,label=Debian-Security" covers Debian oldstable-security main`,
		`/50unattended-upg Unattended-Upgrade::Origins-Pattern "origin=Debian,codename=${distro_codename}-security,label=Debian-Security" covers Debian oldstable-security contrib`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if e := r.f.Configured.Evidence[1]; e.Line != 2 {
		t.Errorf("line %d, want 2", e.Line)
	}
	excluded := []Setting{{upgrade + "Package-Blacklist", "linux-", true, aptConfD + "/99local", 2}}
	if d := cmp.Diff(excluded, r.f.Excluded); d != "" {
		t.Errorf("excluded (-want +got):\n%s", d)
	}
	timers := []Timer{
		{"apt-daily.timer", stateEnabled, true, ActionLists, etc + "timers.target.wants/apt-daily.timer"},
		{"apt-daily-upgrade.timer", stateEnabled, true, ActionInstall, etc + "timers.target.wants/apt-daily-upgrade.timer"},
	}
	if d := cmp.Diff(timers, r.f.Timers); d != "" {
		t.Errorf("timers (-want +got):\n%s", d)
	}
	if r.f.Success != "2026-11-20T00:00:00Z" {
		t.Errorf("success %q", r.f.Success)
	}
}

// TestUbuntu: Allowed-Origins of Ubuntu, with lsb-release's names, and a pocket of
// Ubuntu Pro that they do not cover.
func TestUbuntu(t *testing.T) {
	ubuntu := map[string]string{
		"/etc/os-release":  "ID=ubuntu\nVERSION_ID=22.04\nVERSION_CODENAME=jammy\n",
		"/etc/lsb-release": "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=22.04\nDISTRIB_CODENAME=jammy\nDISTRIB_DESCRIPTION=\"Ubuntu 22.04.5 LTS\"\n",
		aptConfD + "/50unattended-upg": "Unattended-Upgrade::Allowed-Origins {\n \"${distro_id}:${distro_codename}\";\n \"${distro_id}:${distro_codename}-security\";\n" +
			" \"${distro_id}ESMApps:${distro_codename}-apps-security\";\n};\n",
		"/etc/apt/sources.list": "deb http://archive.example/ubuntu jammy-security main universe\n",
		lists + "archive.example_ubuntu_dists_jammy-security_InRelease": "Origin: Ubuntu\nLabel: Ubuntu\nSuite: jammy-security\nCodename: jammy\nDate: Sat, 21 Nov 2026 01:00:00 UTC\n",
	}
	r := host(t, debian(), ubuntu)
	if r.read(); !strings.HasPrefix(summary(r.f), "yes yes yes yes yes") {
		t.Errorf("got %s", summary(r.f))
	}
	ubuntu["/etc/apt/sources.list.d/esm.sources"] = "Types: deb\nURIs: http://esm.example/infra/ubuntu\nSuites: jammy-infra-security\nComponents: main\n"
	ubuntu[lists+"esm.example_infra_ubuntu_dists_jammy-infra-security_InRelease"] = "Origin: UbuntuESM\nLabel: UbuntuESM\nSuite: jammy-infra-security\nCodename: jammy\nDate: Sat, 21 Nov 2026 01:00:00 UTC\n"
	r = host(t, debian(), ubuntu)
	if r.read(); !strings.HasPrefix(summary(r.f), "yes no yes yes no: no origin that unattended-upgrade may install from covers UbuntuESM jammy-infra-security main") {
		t.Errorf("with ESM: %s", summary(r.f))
	}
}

// TestLive: the running systemd has the last word on timers, and where it does not
// answer the files have.
func TestLive(t *testing.T) {
	for name, tt := range map[string]struct {
		states map[string]unitbus.State
		err    error
		want   string
	}{
		"runs":      {map[string]unitbus.State{"apt-daily.timer": {Active: "active"}, "apt-daily-upgrade.timer": {Active: "active"}}, nil, "yes yes yes yes yes"},
		"stopped":   {map[string]unitbus.State{"apt-daily.timer": {Active: "active"}, "apt-daily-upgrade.timer": {Active: "inactive"}}, nil, "yes yes no yes no: apt-daily-upgrade.timer is stopped"},
		"no answer": {nil, errors.New("no bus"), "yes yes yes yes yes"},
	} {
		r := host(t, debian())
		var asked []string
		r.ask = func(units []string) (map[string]unitbus.State, error) { asked = units; return tt.states, tt.err }
		if r.read(); !strings.HasPrefix(summary(r.f), tt.want) {
			t.Errorf("%s: %s", name, summary(r.f))
		}
		if len(asked) != 4 || asked[3] != "apt-daily-upgrade.service" {
			t.Errorf("%s: asked for %v", name, asked)
		}
	}
}

func TestOtherHosts(t *testing.T) {
	for name, tt := range map[string]struct {
		files  map[string]string
		reason string
	}{
		"alpine": {map[string]string{"/lib/apk/db/installed": ""}, "neither dpkg nor rpm"},
		"suse":   {map[string]string{"/usr/lib/sysimage/rpm/Packages.db": "", "/etc/os-release": "ID=opensuse-leap\n"}, "zypper"},
	} {
		r := host(t, tt.files)
		r.read()
		if r.f.Meta.State != fact.StateUnknown || !strings.Contains(r.f.Meta.Reason, tt.reason) || r.f.Automatic.Known || r.f.Automatic.Reason == "" {
			t.Errorf("%s: %+v %+v", name, r.f.Meta, r.f.Automatic)
		}
	}
}

func TestHostile(t *testing.T) {
	r := host(t, debian(), map[string]string{aptConfD + "/fifo": "gone", aptConfD + "/x": "gone"})
	if err := syscall.Mkfifo(r.root.Path(aptConfD+"/fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	if r.read(); !strings.HasPrefix(summary(r.f), "yes unknown yes yes unknown: read apt's configuration") {
		t.Errorf("a FIFO: %s", summary(r.f))
	}
	r = host(t, debian(), map[string]string{aptConfD + "/x": strings.Repeat("A:: \"x\";\n", 100_000)})
	if r.read(); !strings.HasPrefix(summary(r.f), "yes no yes yes no: apt refuses") {
		t.Errorf("many settings: %s", summary(r.f))
	}
	r = host(t, debian(), map[string]string{aptConfD + "/x": "Unattended-Upgrade::Package-Blacklist { \"" + strings.Repeat("(", 900) + "\"; };\n" +
		strings.Repeat("Unattended-Upgrade::Package-Blacklist:: \"a\xff\";\n", 500)})
	if r.read(); len(r.f.Excluded) != maxList || !strings.HasPrefix(r.f.Excluded[1].Value, `a\xff`) {
		t.Errorf("%d excluded, %q", len(r.f.Excluded), r.f.Excluded[1].Value)
	}
	r = host(t, debian(), map[string]string{uuLog: strings.Repeat("x\xff\n", 1<<20) + uuFailure})
	if r.read(); !strings.Contains(r.f.Failure, "failed") {
		t.Errorf("a big log: %q", r.f.Failure)
	}
}

// TestThisHost only says that the running system is read without trouble.
func TestThisHost(t *testing.T) {
	f := Read(context.Background(), fact.Env{Now: time.Now})
	if f.Meta.State != fact.StateKnown || f.Automatic.Reason == "" || f.Meta.Took == 0 {
		t.Errorf("%+v", f)
	}
}
