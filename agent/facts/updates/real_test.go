package updates

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"seawall/agent/facts/fact"
	"seawall/pkg/unitbus"
)

// captured is debian with the very files of the packages in place of ours.
func captured(t testing.TB) map[string]string {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/debian12.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files := debian()
	delete(files, aptConfD+"/50unattended-upg")
	for _, f := range archive.Files {
		files["/"+f.Name] = string(f.Data)
	}
	return files
}

func TestCaptured(t *testing.T) {
	r := host(t, captured(t))
	if r.read(); !strings.HasPrefix(summary(r.f), "yes yes yes yes yes: the last successful run was on 2026-11-20") {
		t.Errorf("got %s", summary(r.f))
	}
	var got []string
	for _, s := range r.f.Settings {
		got = append(got, s.String())
	}
	want := []string{
		`APT::Periodic::Enable "1" (default)`,
		`APT::Periodic::Update-Package-Lists "1"`,
		`APT::Periodic::Unattended-Upgrade "1"`,
		`Unattended-Upgrade::InstallOnShutdown "false" (default)`,
		`Unattended-Upgrade::Origins-Pattern "origin=Debian,codename=${distro_codename},label=Debian"`,
		`Unattended-Upgrade::Origins-Pattern "origin=Debian,codename=${distro_codename},label=Debian-Security"`,
		`Unattended-Upgrade::Origins-Pattern "origin=Debian,codename=${distro_codename}-security,label=Debian-Security"`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// aptConfig is what the real program makes of a root's configuration, line by line,
// nil where it refuses it.
func aptConfig(t *testing.T, dir string) []string {
	t.Helper()
	first := filepath.Join(t.TempDir(), "apt.conf")
	if err := os.WriteFile(first, []byte("Dir \""+dir+"/\";\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	program, err := exec.LookPath("apt-config")
	if err != nil {
		t.Fatalf("this test asks apt-config (Debian package apt): %v", err)
	}
	cmd := exec.Command(program, "dump")
	cmd.Env = []string{"APT_CONFIG=" + first, "LC_ALL=C"}
	out, err := cmd.Output()
	if err != nil {
		return nil
	}
	return strings.Split(string(out), "\n")
}

// TestAgainstAptConfig: each setting that is told is in force, and none that is told
// to be a default is set.
func TestAgainstAptConfig(t *testing.T) {
	for name, tt := range others() {
		r := host(t, captured(t), tt.files)
		r.read()
		says := aptConfig(t, r.root.Path("/"))
		if refused := strings.HasPrefix(r.f.Configured.Answer.Reason, "apt refuses"); refused != (says == nil) {
			t.Errorf("%s: apt-config refuses: %v, we: %s", name, says == nil, r.f.Configured.Answer.Reason)
		}
		for _, s := range append(r.f.Settings, r.f.Excluded...) {
			one, list := s.Name+" \""+s.Value+"\";", s.Name+":: \""+s.Value+"\";"
			known := slices.ContainsFunc(says, func(line string) bool { return strings.EqualFold(line, one) || strings.EqualFold(line, list) })
			set := slices.ContainsFunc(says, func(line string) bool {
				return len(line) > len(s.Name) && strings.EqualFold(line[:len(s.Name)+1], s.Name+" ") && !strings.HasSuffix(line, ` "";`)
			})
			if s.Set && !known || !s.Set && set {
				t.Errorf("%s: apt-config does not say %s", name, s)
			}
		}
		told := 0
		for _, line := range says {
			if strings.HasPrefix(line, "Unattended-Upgrade::Origins-Pattern:: ") || strings.HasPrefix(line, "Unattended-Upgrade::Allowed-Origins:: ") {
				told++
			}
		}
		var ours []Setting
		for _, s := range r.f.Settings {
			if strings.HasSuffix(s.Name, "Origins-Pattern") || strings.HasSuffix(s.Name, "Allowed-Origins") {
				ours = append(ours, s)
			}
		}
		if stopped := strings.Contains(r.f.Configured.Answer.Reason, "cannot read"); len(ours) != told && !stopped {
			t.Errorf("%s: apt-config has %d origins, we %d", name, told, len(ours))
		}
	}
}

// TestAgainstSystemctl: the state of each timer is what systemctl says of it.
func TestAgainstSystemctl(t *testing.T) {
	program, err := exec.LookPath("systemctl")
	if err != nil {
		t.Fatalf("this test asks systemctl (Debian package systemd): %v", err)
	}
	for _, name := range []string{"as installed", "timer masked", "timer disabled", "service masked", "no units"} {
		r := host(t, captured(t), others()[name].files)
		r.read()
		for _, timer := range r.f.Timers {
			out, _ := exec.Command(program, "--root="+r.root.Path("/"), "is-enabled", timer.Unit).Output()
			want := strings.TrimSpace(string(out))
			got := map[string]string{stateNoJob: stateEnabled, stateMissing: ""}
			if state, ok := got[timer.State]; ok {
				timer.State = state
			}
			if timer.State != want && !(timer.State == "" && want == "not-found") {
				t.Errorf("%s: %s is %q, systemctl says %q", name, timer.Unit, timer.State, want)
			}
		}
		if len(r.f.Timers) != 2 {
			t.Errorf("%s: %d timers", name, len(r.f.Timers))
		}
	}
}

// TestWhitelist: a strict whitelist keeps everything else back, one that is not
// strict nothing.
func TestWhitelist(t *testing.T) {
	const list = "Unattended-Upgrade::Package-Whitelist { \"openssl\"; \"libssl3\"; };\n"
	for text, want := range map[string]int{list: 0, list + "Unattended-Upgrade::Package-Whitelist-Strict \"true\";": 2, "Unattended-Upgrade::Package-Whitelist-Strict \"true\";": 0} {
		r := host(t, captured(t), map[string]string{aptConfD + "/99local": text})
		if r.read(); len(r.f.Excluded) != want || want > 0 && r.f.Excluded[0].Line != 1 {
			t.Errorf("%q: %+v", text, r.f.Excluded)
		}
	}
}

// TestOtherJob: a timer may start another service than its namesake.
func TestOtherJob(t *testing.T) {
	timer := "[Timer]\nUnit=own.service\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n"
	for service, want := range map[string]string{
		"[Service]\nExecStart=/usr/bin/dnf-automatic --installupdates\n": "yes yes yes yes yes",
		"[Service]\nExecStart=/usr/bin/dnf-automatic\n":                  "yes no yes yes no: dnf-automatic.timer is on, but apply_updates = no",
		"gone": "yes no no yes no: apply_updates = no: updates are not installed",
	} {
		r := host(t, alma(), on("dnf-automatic.timer"), map[string]string{lib + "dnf-automatic.timer": timer, lib + "own.service": service})
		if r.read(); !strings.HasPrefix(summary(r.f), want) {
			t.Errorf("%q: %s", service, summary(r.f))
		}
	}
}

// TestStoppedDNF: of timers none of which is on, the stopped one is told.
func TestStoppedDNF(t *testing.T) {
	r := host(t, alma(), on("dnf-automatic-install.timer"))
	r.ask = func(units []string) (map[string]unitbus.State, error) {
		states := map[string]unitbus.State{}
		for _, u := range units {
			states[u] = unitbus.State{Active: "inactive"}
		}
		return states, nil
	}
	if r.read(); !strings.HasPrefix(summary(r.f), "yes yes no yes no: no timer of dnf-automatic is on: dnf-automatic-install.timer is stopped") {
		t.Errorf("got %s", summary(r.f))
	}
}

// TestDepends: what the answer rests on is watched, so that a change of it makes the
// checks run again.
func TestDepends(t *testing.T) {
	for name, tt := range map[string]struct {
		files []map[string]string
		want  []string
	}{
		"deb": {[]map[string]string{captured(t)}, []string{aptConfD + "/", aptConf, "/etc/apt/sources.list", stampDir, uuLog, etc, lib + "apt-daily.timer"}},
		"dnf": {[]map[string]string{alma(), {etc + "dnf-automatic.service.d/x.conf": "[Service]\nExecStart=\nExecStart=/usr/bin/dnf-automatic /etc/own.conf\n"}},
			[]string{"/etc/dnf/automatic.conf", "/etc/own.conf", dnfLog, dnfLog + ".1", dnf5Log, "/usr/bin/dnf-automatic", lib + "dnf-automatic-install.timer"}},
	} {
		r := host(t, tt.files...)
		r.read()
		for _, file := range tt.want {
			if !slices.Contains(r.f.Meta.Depends, file) {
				t.Errorf("%s does not depend on %s: %q", name, file, r.f.Meta.Depends)
			}
		}
	}
}

// TestUnreadable: what cannot be read is unknown, never no and never yes.
func TestUnreadable(t *testing.T) {
	for name, tt := range map[string]struct {
		files []map[string]string
		want  string
	}{
		"sources":       {[]map[string]string{debian(), {"/etc/apt/sources.list": "deb [\n"}}, "yes unknown yes yes unknown: read apt's sources"},
		"timer":         {[]map[string]string{debian(), {lib + "apt-daily.timer": "gone", lib + "apt-daily.timer/x": ""}}, "yes yes unknown yes unknown"},
		"automatic":     {[]map[string]string{alma(), on("dnf-automatic-install.timer"), {"/etc/dnf/automatic.conf": "gone", "/etc/dnf/automatic.conf/x": ""}}, "yes unknown yes yes unknown: read the configuration"},
		"log":           {[]map[string]string{alma(), on("dnf-automatic-install.timer"), {dnfLog: "gone", dnfLog + "/x": ""}}, "yes yes yes unknown unknown: no run is on record"},
		"os-release":    {[]map[string]string{alma(), {"/etc/os-release": "gone"}}, "yes no no yes no"},
		"times to come": {[]map[string]string{alma(), on("dnf-automatic-install.timer"), {dnfLog: strings.ReplaceAll(dnfSuccess, "2026-", "2036-")}}, "yes yes yes"},
	} {
		r := host(t, tt.files...)
		r.read()
		if got := summary(r.f); !strings.HasPrefix(got, tt.want) || r.f.Meta.State != fact.StateKnown {
			t.Errorf("%s: got %s, want %s", name, got, tt.want)
		}
	}
}
