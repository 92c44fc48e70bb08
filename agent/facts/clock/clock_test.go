package clock

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"seawall/agent/facts/fact"
	"seawall/agent/facts/owner"
	"seawall/pkg/hostfs/image"
)

const passwd = "root:x:0:0:root:/root:/bin/sh\n_chrony:x:110:114::/:/bin/false\nntpsec:x:111:115::/:/bin/false\n"

// host is an image with a daemon's unit, enabled, and its files.
func host(t testing.TB, unit string, files map[string]string) fact.Env {
	t.Helper()
	all := map[string]string{"/etc/passwd": passwd, "/usr/lib/systemd/system/" + unit: "[Service]\nExecStart=/usr/sbin/x\n"}
	maps.Copy(all, files)
	root := image.Of(t, all)
	wants := root.Path("/etc/systemd/system/multi-user.target.wants")
	if err := errors.Join(os.MkdirAll(wants, 0o755), os.Symlink("/usr/lib/systemd/system/"+unit, filepath.Join(wants, unit))); err != nil {
		t.Fatal(err)
	}
	return fact.Env{Root: root, Now: time.Now}
}

// only reads a host with one daemon.
func only(t testing.TB, unit string, files map[string]string) (Daemon, Facts) {
	t.Helper()
	f := Read(t.Context(), host(t, unit, files))
	if len(f.Daemons) != 1 {
		t.Fatalf("%d daemons: %+v", len(f.Daemons), f)
	}
	if !slices.Equal(f.Wanted, []string{f.Daemons[0].Kind}) || !f.WantedKnown || f.Kernel.Known || f.Container {
		t.Errorf("%+v", f)
	}
	return f.Daemons[0], f
}

// said writes sources as "kind name*", with a star for one that proves who it is.
func said(d Daemon) string {
	var all []string
	for _, s := range d.Sources {
		star := map[bool]string{true: "*"}[s.Authenticated]
		all = append(all, s.Kind+" "+s.Name+star)
	}
	return strings.Join(all, ", ")
}

const stock = `# Debian's
confdir /etc/chrony/conf.d
pool 2.debian.pool.ntp.org iburst
sourcedir /run/chrony-dhcp
sourcedir /etc/chrony/sources.d
keyfile /etc/chrony/chrony.keys
! a comment
rtcsync
makestep 1 3
`

func TestChrony(t *testing.T) {
	d, f := only(t, "chrony.service", map[string]string{
		"/etc/chrony/chrony.conf":         stock + "include /etc/chrony/more*.conf\n",
		"/etc/chrony/more1.conf":          "Server a.example key 1\nREFCLOCK PHC /dev/ptp0\nallow 10.0.0.0/8\n",
		"/etc/chrony/conf.d/b.conf":       "server b.example iburst nts # not a comment\n",
		"/etc/chrony/conf.d/b.off":        "server off.example\n",
		"/etc/chrony/sources.d/c.sources": "peer c.example\n",
		"/etc/chrony/chrony.keys":         "1 SHA1 HEX:00\n",
	})
	if got, want := said(d), "server b.example*, pool 2.debian.pool.ntp.org, peer c.example, server a.example*, refclock PHC"; got != want {
		t.Errorf("sources %s\nwant    %s", got, want)
	}
	if d.Authenticated != 2 || !d.Serves.Yes || d.Open.Yes || d.ServesAt.Line != 3 || !d.Step.Yes || !d.TellsKernel || d.Root.Yes || !d.Root.Known || d.User.Value != "_chrony" {
		t.Errorf("%+v", d)
	}
	var names []string
	for _, file := range f.Files {
		names = append(names, filepath.Base(file.Path)+map[bool]string{true: "!"}[file.Keys])
	}
	if got := strings.Join(names, " "); got != "chrony.conf b.conf c.sources more1.conf chrony.keys!" {
		t.Errorf("files %s", got)
	}
	for _, name := range []string{"/etc/chrony/chrony.conf", "/etc/chrony/conf.d/", "/run/chrony-dhcp/", "/etc/systemd/system/"} {
		if !slices.Contains(f.Meta.Depends, name) {
			t.Errorf("does not depend on %s", name)
		}
	}
	if _, err := json.Marshal(f); err != nil {
		t.Error(err)
	}
}

func TestChronyAccess(t *testing.T) {
	for conf, want := range map[string]string{
		"":                           "closed",
		"allow":                      "open",
		"allow all":                  "open",
		"allow 0/0":                  "open",
		"allow ::/0":                 "open",
		"allow 192.0.2.0/24":         "serves",
		"allow\ndeny all":            "serves",
		"allow\nport 0":              "closed",
		"deny\nallow all 10.0.0.0/8": "serves",
	} {
		d, _ := only(t, "chronyd.service", map[string]string{"/etc/chrony.conf": conf + "\n"})
		got := "closed"
		if d.Serves.Yes {
			got = "serves"
		}
		if d.Open.Yes {
			got = "open"
		}
		if got != want || !d.Open.Known {
			t.Errorf("%q: %s, want %s", conf, got, want)
		}
	}
}

func TestChronyBroken(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"no such include": {"/etc/chrony/chrony.conf": "include /etc/none\n"},
		"a loop":          {"/etc/chrony/chrony.conf": "include /etc/chrony/chrony.conf\n"},
		"a directory":     {"/etc/chrony/chrony.conf/x": ""},
		"too large":       {"/etc/chrony/chrony.conf": strings.Repeat("# \n", maxConf)},
		"no file":         {},
	} {
		d, _ := only(t, "chrony.service", files)
		if d.Known || d.Reason == "" || d.Open.Known || d.Serves.Known {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

// TestBounds: what is left out is said, and nothing else.
func TestBounds(t *testing.T) {
	servers := func(n int) string { return strings.Repeat("server a nts\n", n) }
	for unit, conf := range map[string]string{"chrony.service": "/etc/chrony/chrony.conf", "ntpsec.service": "/etc/ntpsec/ntp.conf"} {
		for more, want := range []string{"", "has more sources"} {
			d, f := only(t, unit, map[string]string{conf: servers(maxSources + more)})
			if got := f.Meta.Partial["daemons"]; len(d.Sources) != maxSources || !strings.Contains(got, want) || want == "" && got != "" {
				t.Errorf("%s, %d more: %d sources, %q", unit, more, len(d.Sources), got)
			}
			d, _ = only(t, unit, map[string]string{conf: "server a " + strings.Repeat("x", maxLine-9+more) + "\n"})
			if d.Known != (more == 0) {
				t.Errorf("%s, a line with %d more: %v, %q", unit, more, d.Known, d.Reason)
			}
		}
	}
	for more, known := range []bool{true, false} {
		files := map[string]string{"/etc/ntpsec/ntp.conf": "includefile /etc/1\n"}
		for i := range maxDepth + more {
			files["/etc/"+strconv.Itoa(i+1)] = "includefile /etc/" + strconv.Itoa(i+2) + "\n"
		}
		files["/etc/"+strconv.Itoa(maxDepth+more)] = "server a\n"
		if d, _ := only(t, "ntpsec.service", files); d.Known != known || (said(d) != "") != known {
			t.Errorf("%d deeper: %v, %q, %s", more, d.Known, d.Reason, said(d))
		}
	}
}

func TestUser(t *testing.T) {
	for name, tt := range map[string]struct {
		unit  string
		files map[string]string
		want  string
		root  fact.Tri
	}{
		"chrony by its configuration": {"chrony.service", map[string]string{"/etc/chrony/chrony.conf": "user root\n"}, "root", fact.Tri{Known: true, Yes: true}},
		"chrony by its unit":          {"chrony.service", map[string]string{"/etc/chrony/chrony.conf": "", "/usr/lib/systemd/system/chrony.service": "[Service]\nUser=_chrony\n"}, "_chrony", fact.Tri{Known: true}},
		"chrony by its account":       {"chronyd.service", map[string]string{"/etc/chrony.conf": "", "/etc/passwd": "chrony:x:5:5::/:\n"}, "chrony", fact.Tri{Known: true}},
		"nothing says so":             {"chronyd.service", map[string]string{"/etc/chrony.conf": "", "/etc/passwd": ""}, "", fact.Tri{}},
		"ntpd by its options":         {"ntpsec.service", map[string]string{"/etc/ntpsec/ntp.conf": "", "/etc/default/ntpsec": "NTPD_OPTS=\"-g -N -u ntpsec:ntpsec\"\n"}, "ntpsec", fact.Tri{Known: true}},
		"ntpd by a wrapper":           {"ntpsec.service", map[string]string{"/etc/ntpsec/ntp.conf": "", "/usr/libexec/ntpsec/ntp-systemd-wrapper": "exec ntpd -u $X -u ntpsec:ntpsec\n"}, "ntpsec", fact.Tri{Known: true}},
		"openntpd":                    {"openntpd.service", map[string]string{"/etc/openntpd/ntpd.conf": ""}, "", fact.Tri{Known: true}},
	} {
		d, _ := only(t, tt.unit, tt.files)
		if d.User.Value != tt.want || d.Root.Known != tt.root.Known || d.Root.Yes != tt.root.Yes || d.Root.Reason == "" {
			t.Errorf("%s: %+v, %+v", name, d.User, d.Root)
		}
	}
}

func TestTimesyncd(t *testing.T) {
	for name, tt := range map[string]struct {
		files map[string]string
		want  string
	}{
		"stock":   {map[string]string{"/etc/systemd/timesyncd.conf": "[Time]\n#NTP=\n"}, "fallback the distribution's"},
		"set":     {map[string]string{"/etc/systemd/timesyncd.conf": "[Time]\nNTP=a b\n", "/etc/systemd/timesyncd.conf.d/x.conf": "[Time]\nNTP=c\nFallbackNTP=d\n"}, "server a, server b, server c, fallback d"},
		"cleared": {map[string]string{"/etc/systemd/timesyncd.conf": "[Time]\nNTP=a\nNTP=\nFallbackNTP=\n"}, ""},
	} {
		d, f := only(t, "systemd-timesyncd.service", tt.files)
		if got := said(d); got != tt.want || !d.Known || d.Open.Yes || !d.Open.Known || len(f.Files) != len(tt.files) {
			t.Errorf("%s: %s, want %s; %+v", name, got, tt.want, f.Files)
		}
	}
	d, _ := only(t, "systemd-timesyncd.service", map[string]string{"/etc/systemd/timesyncd.conf/x": ""})
	if d.Known || d.Reason == "" {
		t.Errorf("a directory: %+v", d)
	}
}

func TestNTP(t *testing.T) {
	for name, tt := range map[string]struct {
		conf, sources string
		serves, open  bool
	}{
		"stock":   {"pool 0.debian.pool.ntp.org iburst\nserver b nts\nserver 127.127.1.0\nrestrict default kod nomodify nopeer noquery limited\nrestrict 127.0.0.1\n", "pool 0.debian.pool.ntp.org, server b*, refclock 127.127.1.0", true, false},
		"open":    {"server a key 5 # c\n", "server a*", true, true},
		"ignore":  {"restrict -6 default ignore\nincludefile /etc/more\n", "server more", false, false},
		"queries": {"restrict default nomodify\n", "", true, true},
	} {
		d, _ := only(t, "ntpsec.service", map[string]string{"/etc/ntpsec/ntp.conf": tt.conf, "/etc/more": "server more\n", "/etc/default/ntpsec": "NTPD_OPTS='-g'\n"})
		if said(d) != tt.sources || d.Serves.Yes != tt.serves || d.Open.Yes != tt.open || !d.Step.Yes {
			t.Errorf("%s: %s %+v %+v", name, said(d), d.Serves, d.Open)
		}
	}
}

func TestOpenNTPD(t *testing.T) {
	d, _ := only(t, "openntpd.service", map[string]string{"/etc/openntpd/ntpd.conf": "servers pool.example\nserver a\nsensor *\nlisten on 127.0.0.1\nlisten\n"})
	if said(d) != "pool pool.example, server a, refclock *" || d.Serves.Yes || d.Open.Yes {
		t.Errorf("%s %+v", said(d), d)
	}
	if d, _ := only(t, "openntpd.service", map[string]string{"/etc/openntpd/ntpd.conf": "listen on *\n"}); !d.Open.Yes || d.ServesAt.Line != 1 {
		t.Errorf("%+v", d)
	}
}

func TestNone(t *testing.T) {
	f := Read(t.Context(), fact.Env{Root: image.Of(t, map[string]string{"/run/systemd/container": "lxc\n"}), Now: time.Now})
	if len(f.Daemons) != 0 || len(f.Wanted) != 0 || !f.WantedKnown || !f.Container || f.Kernel.Reason != "not the running system" {
		t.Errorf("%+v", f)
	}
}

// TestKernel: what adjtimex says counts, unless nothing tells the kernel.
func TestKernel(t *testing.T) {
	chrony := []Daemon{{Kind: KindChrony, Known: true}}
	chrony[0].Service.Enabled.Yes = true
	for name, tt := range map[string]struct {
		ask     func() (bool, int64, error)
		daemons []Daemon
		want    Kernel
	}{
		"right":      {func() (bool, int64, error) { return true, 20_500, nil }, chrony, Kernel{Known: true, Synchronised: true, MaxErrorMillis: 20}},
		"refused":    {func() (bool, int64, error) { return false, 0, unix.EPERM }, nil, Kernel{Reason: "operation not permitted"}},
		"no rtcsync": {func() (bool, int64, error) { return false, 16_000_000, nil }, chrony, Kernel{Reason: "without rtcsync", MaxErrorMillis: 16_000}},
	} {
		f := Facts{Daemons: tt.daemons}
		r := &reader{env: fact.Env{Now: time.Now}, f: &f}
		r.kernel(tt.ask)
		if f.Kernel.Known != tt.want.Known || f.Kernel.Synchronised != tt.want.Synchronised || f.Kernel.MaxErrorMillis != tt.want.MaxErrorMillis || !strings.Contains(f.Kernel.Reason, tt.want.Reason) {
			t.Errorf("%s: %+v", name, f.Kernel)
		}
	}
	f := Facts{}
	(&reader{env: fact.Env{Now: time.Now}, f: &f}).kernel(adjust)
	if !f.Kernel.Known && f.Kernel.Reason == "" {
		t.Errorf("this machine's: %+v", f.Kernel)
	}
}

// TestProcess: a running process says whom it runs as.
func TestProcess(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	if err := os.WriteFile(file, []byte("1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &reader{env: fact.Env{Now: time.Now}, names: &owner.Names{}}
	if uid, ok := r.processUser(file); !ok || uid != 0 {
		t.Errorf("process 1 runs as %d, %v", uid, ok)
	}
	d := Daemon{Kind: KindChrony}
	r.user(program{pid: file}, &d)
	if !d.Root.Yes || d.User.Value != "0" {
		t.Errorf("%+v", d)
	}
	for _, bad := range []string{"", "-1\n", "x", "99999999999\n", "2147483647"} {
		if err := os.WriteFile(file, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if uid, ok := r.processUser(file); ok {
			t.Errorf("%q: %d", bad, uid)
		}
	}
}

func FuzzConf(f *testing.F) {
	for _, s := range []string{stock, "allow 0/0\n", "user\nkeyfile\nport\nserver\nrefclock\n", "restrict default\nserver 127.127.1.0\nincludefile\n", "listen on *\nservers x\n", "include *\n"} {
		f.Add([]byte(s))
	}
	env := host(f, "chrony.service", nil)
	file := env.Root.Path("/etc/x.conf")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, p := range programs() {
			r := &reader{env: env, root: env.Root, names: &owner.Names{}, f: &Facts{}}
			d := Daemon{Kind: p.kind, Known: true, Conf: "/etc/x.conf"}
			p.parse(r, &d)
			if len(d.Sources) > maxSources || !d.Known && d.Reason == "" {
				t.Fatalf("%+v", d)
			}
		}
	})
}
