package bootstrap

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// machine runs the script of a user-data in a folder in place of /root and /etc,
// with programs that write down how they were called.
type machine struct {
	folder, script string
}

func newMachine(t *testing.T, h Host) machine {
	t.Helper()
	text, err := Text(h, fixed(), CloudConfig)
	if err != nil {
		t.Fatal(err)
	}
	m := machine{folder: t.TempDir()}
	text = strings.NewReplacer("/root/seawall-bootstrap", m.folder+"/root/seawall-bootstrap", "/etc/systemd/system", m.folder+"/units").Replace(text)
	var d userData
	if err := yaml.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"root/seawall-bootstrap", "units", "bin"} {
		if err := os.MkdirAll(filepath.Join(m.folder, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range d.Files {
		if strings.HasPrefix(f.Path, m.folder) {
			m.write(t, f.Path, f.Content)
		}
	}
	m.script = d.Commands[0][1]
	for _, name := range []string{"apt-get", "dnf", "systemctl", "sleep"} {
		m.program(t, name, "exit 0")
	}
	return m
}

func (m machine) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
}

// program puts a program on the path, with what it does beside writing its name down.
func (m machine) program(t *testing.T, name, body string) {
	t.Helper()
	m.write(t, filepath.Join(m.folder, "bin", name), "#!/bin/sh\necho "+name+" \"$@\" >>"+m.folder+"/calls\n"+body+"\n")
}

// run runs the script and returns its exit code, its output and what was called.
func (m machine) run(t *testing.T) (code int, out, calls string) {
	t.Helper()
	_ = os.Remove(m.folder + "/calls")
	cmd := exec.Command("sh", m.script)
	cmd.Env = []string{"PATH=" + m.folder + "/bin:/usr/bin:/bin"}
	b, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	did, err := os.ReadFile(m.folder + "/calls")
	if err != nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(b), string(did)
}

// left is what is left of the bootstrap.
func (m machine) left() []string {
	a, _ := filepath.Glob(m.folder + "/root/*")
	b, _ := filepath.Glob(m.folder + "/units/*")
	return append(a, b...)
}

// takes is an uplink that takes the token over and exits with a code.
func takes(code string) string { return `[ -s "$5" ] || exit 9; rm "$5"; exit ` + code }

// TestRun enrols: whatever the verdict, the token and the script are gone.
func TestRun(t *testing.T) {
	for code, want := range map[string]int{"0": 0, "1": 1, "3": 0} {
		m := newMachine(t, hosts()["debian-file"])
		m.program(t, "seawall-uplink", takes(code))
		got, out, calls := m.run(t)
		if got != want || len(m.left()) > 0 || strings.Contains(calls, "apt-get") {
			t.Errorf("setup's exit %s: exit %d, left %q\n%s%s", code, got, m.left(), calls, out)
		}
		if want := "seawall-uplink setup --collector 10.0.0.5:9443 --token-file " + m.folder + "/root/seawall-bootstrap/token --wait 2m"; !strings.Contains(calls, want) {
			t.Errorf("called %s; want %s", calls, want)
		}
	}
}

// TestWrongToken does not try again what cannot become right.
func TestWrongToken(t *testing.T) {
	m := newMachine(t, hosts()["debian-file"])
	m.program(t, "seawall-uplink", "exit 2")
	if code, out, _ := m.run(t); code != 2 || len(m.left()) > 0 {
		t.Errorf("exit %d, left %q\n%s", code, m.left(), out)
	}
}

// TestInstalls has the package manager called as it should be, and again when it
// was not to be had.
func TestInstalls(t *testing.T) {
	for name, want := range map[string]string{
		"debian-repo": "-o Dir::Etc::SourceParts=- -o APT::Get::List-Cleanup=0\napt-get -q -y -o DPkg::Lock::Timeout=300 install seawall\n",
		"debian-file": "apt-get -q -y -o DPkg::Lock::Timeout=300 install /root/seawall_1.0.0-1_amd64.deb\n",
		"rhel-repo":   "dnf -y --disablerepo=* --enablerepo=seawall install seawall\n",
		"rhel-file":   "dnf -y --disablerepo=* install /root/seawall-1.0.0-1.x86_64.rpm\n",
	} {
		m := newMachine(t, hosts()[name])
		installed := "printf '#!/bin/sh\\nrm \"$5\"\\n' >" + m.folder + "/bin/seawall-uplink; chmod 700 " + m.folder + "/bin/seawall-uplink"
		// The second attempt succeeds.
		body := "[ -e " + m.folder + "/once ] || { touch " + m.folder + "/once; exit 100; }\n" + installed
		m.program(t, "apt-get", body)
		m.program(t, "dnf", body)
		code, out, calls := m.run(t)
		if code != 0 || !strings.Contains(calls, want) || strings.Count(calls, "sleep") != 1 || len(m.left()) > 0 {
			t.Errorf("%s: exit %d, left %q\n%s%s", name, code, m.left(), calls, out)
		}
	}
}

// TestLater leaves a service where the package is not to be had, which enrols the
// host when it is, and then is gone.
func TestLater(t *testing.T) {
	m := newMachine(t, hosts()["debian-repo"])
	m.program(t, "apt-get", "exit 100")
	code, out, calls := m.run(t)
	unit := m.folder + "/units/seawall-bootstrap.service"
	if code != 75 || !strings.Contains(out, "the package is not installed; tried again each minute") ||
		strings.Count(calls, "apt-get") != 3 || !strings.Contains(calls, "systemctl -q enable seawall-bootstrap\nsystemctl --no-block start seawall-bootstrap\n") {
		t.Fatalf("exit %d\n%s%s", code, calls, out)
	}
	if out, err := exec.Command("systemd-analyze", "verify", unit).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
	if code, _, calls := m.run(t); code != 75 || strings.Contains(calls, "systemctl") {
		t.Errorf("again: exit %d\n%s", code, calls)
	}
	m.program(t, "seawall-uplink", "exit 1") // no room for the token
	if code, out, _ := m.run(t); code != 75 || !strings.Contains(out, "the token is not taken over") {
		t.Errorf("token not taken: exit %d\n%s", code, out)
	}
	m.program(t, "seawall-uplink", takes("0"))
	if code, out, calls := m.run(t); code != 0 || len(m.left()) > 0 || !strings.Contains(calls, "systemctl -q disable seawall-bootstrap\nsystemctl daemon-reload") {
		t.Errorf("at last: exit %d, left %q\n%s%s", code, m.left(), calls, out)
	}
}

// TestShell runs the other form to its end, in a file system of its own.
func TestShell(t *testing.T) {
	text, err := Text(hosts()["debian-file"], fixed(), Shell)
	if err != nil {
		t.Fatal(err)
	}
	m := newMachine(t, hosts()["debian-file"])
	m.program(t, "seawall-uplink", "stat -c '%a %U' \"$5\" \"${5%/token}\" >"+m.folder+"/modes\n"+takes("0"))
	text = strings.NewReplacer("/root/seawall-bootstrap", m.folder+"/other/seawall-bootstrap", "/etc/systemd/system", m.folder+"/units").Replace(text)
	cmd := exec.Command("sh")
	cmd.Stdin = strings.NewReader(text)
	cmd.Env = []string{"PATH=" + m.folder + "/bin:/usr/bin:/bin"}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	modes, err := os.ReadFile(m.folder + "/modes")
	if err != nil || !strings.HasPrefix(string(modes), "600 ") {
		t.Errorf("%s, %v", modes, err)
	}
	if left, _ := filepath.Glob(m.folder + "/other/*"); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}
