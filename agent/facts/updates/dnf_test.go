package updates

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/dnf/automatic"
	"seawall/pkg/unitbus"
)

// alma is an AlmaLinux 9 as the package dnf-automatic leaves it, with its timer on.
func alma() map[string]string {
	files := map[string]string{
		"/etc/os-release":           "ID=almalinux\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=9.6\nNAME=AlmaLinux\n",
		"/etc/machine-id":           "0123456789abcdef0123456789abcdef\n",
		"/var/lib/rpm/rpmdb.sqlite": "x",
		automatic.Program:           "#!/usr/bin/python3.9\n",
		automatic.File:              "[commands]\n# security or default\nupgrade_type = default\ndownload_updates = yes\napply_updates = no\nreboot = never\n[emitters]\nemit_via = stdio\n[base]\ndebuglevel = 1\n",
		dnfLog:                      dnfSuccess,
	}
	for name, options := range map[string]string{"dnf-automatic": "/etc/dnf/automatic.conf --timer", "dnf-automatic-install": "/etc/dnf/automatic.conf --timer --installupdates",
		"dnf-automatic-notifyonly": "/etc/dnf/automatic.conf --timer --no-installupdates --no-downloadupdates", "dnf-automatic-download": "/etc/dnf/automatic.conf --timer --downloadupdates --no-installupdates"} {
		files[lib+name+".timer"] = "[Timer]\nOnCalendar=*-*-* 6:00\nPersistent=true\n[Install]\nWantedBy=timers.target\n"
		files[lib+name+".service"] = "[Service]\nType=oneshot\nExecStart=/usr/bin/dnf-automatic " + options + "\n"
	}
	return files
}

// fedora is a Fedora 44 with dnf5's automatic plugin.
func fedora() map[string]string {
	return map[string]string{
		"/etc/os-release":                                "ID=fedora\nVERSION_ID=44\nNAME=\"Fedora Linux\"\n",
		"/usr/lib/sysimage/rpm/rpmdb.sqlite":             "x",
		automatic.Program:                                "#!/usr/bin/sh\ndnf5 automatic \"$@\"\n",
		automatic.DNF5Defaults:                           "[commands]\napply_updates = no\ndownload_updates = yes\nupgrade_type = default\n",
		lib + "dnf5-automatic.timer":                     "[Timer]\nOnCalendar=*-*-* 6:00\n",
		lib + "dnf5-automatic.service":                   "[Service]\nExecStart=/usr/bin/dnf5 automatic --timer\n",
		etc + "timers.target.wants/dnf5-automatic.timer": "→" + lib + "dnf5-automatic.timer",
		dnf5Log: "2026-11-20T06:12:33+0000 [2210] INFO --- DNF5 launched with arguments: \"/usr/bin/dnf5 automatic --timer\" ---\n2026-11-20T06:12:40+0000 [2210] INFO done\n",
	}
}

const dnfSuccess = `2026-11-01T06:12:32+0000 INFO --- logging initialized ---
2026-11-20T06:12:32+0000 INFO --- logging initialized ---
2026-11-20T06:12:32+0000 DDEBUG timer: config: 3 ms
2026-11-20T06:12:33+0000 DEBUG Started dnf-automatic.
2026-11-20T06:12:40+0000 DDEBUG Cleaning up.
2026-11-20T08:00:00+0000 INFO --- logging initialized ---
2026-11-20T08:00:00+0000 CRITICAL Error: someone typed something wrong
`

const dnfFailure = `2026-11-21T06:12:32+0000 INFO --- logging initialized ---
2026-11-21T06:12:33+0000 DEBUG Started dnf-automatic.
2026-11-21T06:12:40+0000 ERROR Error: Failed to download metadata for repo 'appstream'
`

func on(timer string) map[string]string {
	return map[string]string{etc + "timers.target.wants/" + timer: "→" + lib + timer}
}

func with(trees ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, t := range trees {
		for k, v := range t {
			all[k] = v
		}
	}
	return all
}

func TestDNF(t *testing.T) {
	apply := map[string]string{automatic.File: "[commands]\nupgrade_type = security\napply_updates = True\n"}
	stream := map[string]string{"/etc/os-release": "ID=centos\nNAME=\"CentOS Stream\"\nVERSION_ID=10\n"}
	for name, tt := range map[string]struct {
		files map[string]string
		want  string
	}{
		"no timer": {nil, "yes no no yes no: apply_updates = no: updates are not installed"},
		"timer on, nothing applied": {on("dnf-automatic.timer"),
			"yes no yes yes no: dnf-automatic.timer is on, but apply_updates = no: it only does download"},
		"applied":           {with(on("dnf-automatic.timer"), apply), "yes yes yes yes yes: the last successful run was on 2026-11-20"},
		"applied, no timer": {apply, "yes yes no yes no: no timer of dnf-automatic is on: dnf-automatic.timer is disabled"},
		"install timer":     {on("dnf-automatic-install.timer"), "yes yes yes yes yes"},
		"notify timer":      {with(on("dnf-automatic-notifyonly.timer"), apply), "yes no yes yes no: dnf-automatic-notifyonly.timer is on and only to notify updates"},
		"download timer":    {with(on("dnf-automatic-download.timer"), apply), "yes no yes yes no: dnf-automatic-download.timer is on and only to download updates"},
		"both timers":       {with(on("dnf-automatic-notifyonly.timer"), on("dnf-automatic-install.timer")), "yes yes yes yes yes"},
		"drop-in": {with(on("dnf-automatic.timer"), map[string]string{etc + "dnf-automatic.service.d/x.conf": "[Service]\nExecStart=\nExecStart=-/usr/bin/dnf-automatic --installupdates\n"}),
			"yes yes yes yes yes"},
		"other file": {with(on("dnf-automatic.timer"), map[string]string{etc + "dnf-automatic.service.d/x.conf": "[Service]\nExecStart=\nExecStart=/usr/bin/dnf-automatic /etc/own.conf\n",
			"/etc/own.conf": "[commands]\napply_updates=1\n"}), "yes yes yes yes yes"},
		"no file":       {with(on("dnf-automatic.timer"), map[string]string{automatic.File: ""}), "yes no yes yes no: dnf-automatic.timer is on, but apply_updates = no (default): it only does notify"},
		"no truth":      {with(on("dnf-automatic.timer"), map[string]string{automatic.File: "[commands]\napply_updates = yes\napply_updates = maybe\n"}), "yes no yes yes no: dnf-automatic.timer is on, but apply_updates = no (default)"},
		"refused":       {with(on("dnf-automatic.timer"), map[string]string{automatic.File: "apply_updates = yes\n"}), "yes no yes yes no: dnf refuses its configuration, so nothing is installed: /etc/dnf/automatic.conf: line 1"},
		"other section": {with(on("dnf-automatic.timer"), map[string]string{automatic.File: "[base]\napply_updates = yes\n"}), "yes no yes yes no"},
		"not installed": {map[string]string{automatic.Program: "gone"}, "no no no yes no: dnf-automatic is not installed"},
		"stream":        {with(on("dnf-automatic.timer"), apply, stream), "yes no yes yes no: upgrade_type = security: CentOS Stream publishes no advisories"},
		"stream, all":   {with(on("dnf-automatic-install.timer"), stream), "yes yes yes yes yes"},
		"failed":        {with(on("dnf-automatic.timer"), apply, map[string]string{dnfLog: dnfFailure}), "yes yes yes no no: the last run failed: Error: Failed to download"},
		"failed lately": {with(on("dnf-automatic.timer"), apply, map[string]string{dnfLog: dnfSuccess + dnfFailure}), "yes yes yes yes yes: the last successful run was on 2026-11-20, a later one failed"},
		"no log":        {with(on("dnf-automatic.timer"), apply, map[string]string{dnfLog: "gone"}), "yes yes yes unknown unknown: no run is on record"},
		"only a stamp": {with(on("dnf-automatic.timer"), apply, map[string]string{dnfLog: "gone", timerDir + "stamp-dnf-automatic.timer@2026-11-20": ""}),
			"yes yes yes unknown unknown: only that a run was started on 2026-11-20"},
		"others' log": {with(on("dnf-automatic.timer"), apply, map[string]string{dnfLog: "2026-10-01T06:12:32+0000 INFO --- logging initialized ---\n"}),
			"yes yes yes no no: no successful run is on record"},
		"rotated": {with(on("dnf-automatic.timer"), apply, map[string]string{dnfLog: "", dnfLog + ".1": dnfSuccess}), "yes yes yes yes yes"},
	} {
		t.Run(name, func(t *testing.T) {
			r := host(t, alma(), tt.files)
			r.read()
			if got := summary(r.f); !strings.HasPrefix(got, tt.want) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if r.f.System != SystemDNF {
				t.Errorf("system %s", r.f.System)
			}
		})
	}
}

func TestDNF5(t *testing.T) {
	for name, tt := range map[string]struct {
		files map[string]string
		want  string
	}{
		"distribution's defaults": {nil, "yes no yes yes no: dnf5-automatic.timer is on, but apply_updates = no: it only does download"},
		"host's file":             {map[string]string{automatic.File: "[commands]\napply_updates = yes\n"}, "yes yes yes yes yes"},
		"older host's file":       {map[string]string{automatic.DNF5File: "[commands]\napply_updates = yes\n"}, "yes yes yes yes yes"},
		"compiled-in defaults":    {map[string]string{automatic.DNF5Defaults: "[commands]\n"}, "yes no yes yes no: dnf5-automatic.timer is on, but apply_updates = no (default): it only does download"},
	} {
		r := host(t, fedora(), tt.files)
		if r.read(); !strings.HasPrefix(summary(r.f), tt.want) || r.f.System != SystemDNF5 {
			t.Errorf("%s: %s: %s", name, r.f.System, summary(r.f))
		}
	}
}

func TestDNFSettings(t *testing.T) {
	r := host(t, alma(), on("dnf-automatic-install.timer"), map[string]string{automatic.File: "[commands]\nupgrade_type=security\n[base]\nexcludepkgs = kernel*\n  sudo\n"})
	r.read()
	want := []Setting{
		{"apply_updates", "no", false, "", 0}, {"download_updates", "no", false, "", 0},
		{"upgrade_type", "security", true, automatic.File, 2}, {"reboot", "never", false, "", 0},
	}
	if d := cmp.Diff(want, r.f.Settings); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if d := cmp.Diff([]Setting{{"excludepkgs", "kernel*\nsudo", true, automatic.File, 4}}, r.f.Excluded); d != "" {
		t.Errorf("excluded (-want +got):\n%s", d)
	}
	states := map[string]string{}
	for _, timer := range r.f.Timers {
		states[timer.Unit] = timer.State + ", " + timer.Action
	}
	if d := cmp.Diff(map[string]string{"dnf-automatic.timer": "disabled, notify", "dnf-automatic-install.timer": "enabled, install",
		"dnf-automatic-download.timer": "disabled, download", "dnf-automatic-notifyonly.timer": "disabled, notify"}, states); d != "" {
		t.Errorf("timers (-want +got):\n%s", d)
	}
}

// TestServiceResult: what systemd remembers of the service is proof of a run.
func TestServiceResult(t *testing.T) {
	for name, tt := range map[string]struct {
		state unitbus.State
		want  string
	}{
		"succeeded": {unitbus.State{Active: "inactive", Result: "success", Exited: now.Add(-time.Hour)}, "yes: the last successful run was on 2026-11-21"},
		"failed":    {unitbus.State{Active: "failed", Result: "exit-code", Status: 1, Exited: now.Add(-time.Hour)}, "no: the last run failed: dnf-automatic-install.service ended 2026-11-21T11:00:00Z: exit-code, status 1"},
		"not yet":   {unitbus.State{Active: "inactive", Result: "success"}, "unknown: no run is on record"},
	} {
		r := host(t, alma(), on("dnf-automatic-install.timer"), map[string]string{dnfLog: "gone"})
		r.ask = func([]string) (map[string]unitbus.State, error) {
			return map[string]unitbus.State{"dnf-automatic-install.timer": {Active: "active"}, "dnf-automatic-install.service": tt.state}, nil
		}
		r.read()
		if got := summary(r.f); !strings.HasPrefix(got, "yes yes yes "+tt.want[:strings.Index(tt.want, ":")]) || !strings.HasSuffix(got, tt.want) {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

func FuzzInterval(f *testing.F) {
	f.Add("1")
	f.Add("always")
	f.Add("12h")
	f.Fuzz(func(t *testing.T, s string) {
		if days, ok := interval(s); ok && s != "always" && (strings.ContainsAny(s, "+- ") || days < 0) {
			t.Errorf("%q is an interval", s)
		}
	})
}
