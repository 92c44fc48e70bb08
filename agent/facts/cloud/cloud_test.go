package cloud

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/agent/facts/fact"
	"seawall/pkg/hostfs/image"
)

// read reads a root made of files: "600 /name" sets a mode, "@target" makes a link.
func read(t *testing.T, files map[string]string) Facts {
	t.Helper()
	root := image.Exact(t, files)
	f := Read(context.Background(), fact.Env{Root: root, Now: time.Now})
	if f.Meta.State != fact.StateKnown {
		t.Fatalf("%+v", f.Meta)
	}
	return f
}

// TestNothing: a host without any of it, and one where all of it is of the wrong
// kind, has facts that say so.
func TestNothing(t *testing.T) {
	f := read(t, nil)
	if f.Init.Installed || f.Init.Result.Known || !f.Init.ConfigKnown || f.Root.Known || f.Root.Reason == "" || f.Stated.Present || f.Image.Known || f.Provider != "" {
		t.Errorf("%+v", f)
	}
	for _, junk := range []string{"", "[", "{}", "- a\n- b", "a: [b", "v1:", `{"v1": 3}`, strings.Repeat("[", 100_000), "\x00\xff", "&a [*a]"} {
		f = read(t, map[string]string{configOf: junk, resultOf: junk, statement: junk, "/run/cloud-init/instance-data.json": junk, "/etc/shadow": junk, "/etc/passwd": junk})
		if f.Init.Result.Known || f.Provider != "" || f.Stated.Backups.Set || len(f.Init.Passwords) > 0 {
			t.Errorf("%.20q: %+v", junk, f)
		}
	}
}

func TestInit(t *testing.T) {
	f := read(t, map[string]string{
		"/run/cloud-init/instance-data.json": `{"v1": {"cloud_name": "digitalocean", "region": "fra1", "instance_id": "42"}}`,
		resultOf:                             `{"v1": {"datasource": "DigitalOcean", "errors": ["runcmd: no route"]}}`,
		configOf:                             "# comment\nssh_pwauth: 0\ndatasource_list: [ NoCloud, None ]\nusers:\n  - default\nsystem_info:\n  default_user: {name: debian, lock_passwd: true}\n",
		configDir + "/50-do.cfg":             "datasource_list: [ DigitalOcean, None ]\n",
		configDir + "/90-own.cfg":            "ssh_pwauth: yes\nusers:\n  - name: eve\n    plain_text_passwd: hunter2hunter2\n    hashed_passwd: '!'\nchpasswd:\n  list: |\n    root:hunter2hunter2\n",
		configDir + "/README":                "password: x\n",
		"600 " + instance + "/user-data.txt": "x",
		instance + "/vendor-data.txt":        "x",
		"640 /var/log/cloud-init.log":        "x",
		"/opt/digitalocean/bin/do-agent":     "x",
	})
	if f.Provider != "digitalocean" || f.Region != "fra1" || f.Instance != "42" {
		t.Errorf("%q %q %q", f.Provider, f.Region, f.Instance)
	}
	i := f.Init
	if !i.Installed || !i.Result.Known || i.Result.Yes || len(i.Errors) != 1 || !i.Pinned || i.Sources.Value != "DigitalOcean, None" {
		t.Errorf("%+v", i)
	}
	if want := (fact.Text{Value: "true", Set: true, File: configDir + "/90-own.cfg", Line: 1, Raw: "ssh_pwauth: yes"}); i.PwAuth != want {
		t.Errorf("%+v", i.PwAuth)
	}
	var got []string
	for _, p := range i.Passwords {
		got = append(got, fmt.Sprintf("%s:%d %s", p.File, p.Line, p.Value))
		if strings.Contains(p.Raw, "hunter") {
			t.Errorf("%q", p.Raw)
		}
	}
	if diff := cmp.Diff([]string{configDir + "/90-own.cfg:4 plain_text_passwd", configDir + "/90-own.cfg:7 list"}, got); diff != "" {
		t.Error(diff)
	}
	if len(i.Files) != 2 || i.Files[0].Open || !i.Files[1].Open || len(i.Logs) != 1 || i.Logs[0].Open {
		t.Errorf("files %+v, logs %+v", i.Files, i.Logs)
	}
	if !f.Agents[0].Installed || f.Agents[1].Installed {
		t.Errorf("%+v", f.Agents)
	}
}

func TestRootPassword(t *testing.T) {
	today := int(time.Now().Unix() / 86400)
	for _, tt := range []struct {
		field string
		days  int
		made  bool
		first bool
		set   bool
	}{
		{"$y$j9T$x$y", today - 3, true, true, true},
		{"$y$j9T$x$y", today + 1, true, false, true}, // changed after the host was made
		{"$y$j9T$x$y", today - 3, false, false, true},
		{"!", today - 3, true, false, false},
		{"!$y$j9T$x$y", today - 3, true, false, false},
	} {
		files := map[string]string{"/etc/passwd": "root:x:0:0::/root:/bin/bash\n", "/etc/shadow": fmt.Sprintf("root:%s:%d:0:99999:7:::\n", tt.field, tt.days)}
		if tt.made {
			files[instance+"/sem/config_set_passwords"] = ""
		}
		if r := read(t, files).Root; !r.Known || r.First != tt.first || r.Set != tt.set || (r.Created != "") != tt.made || r.Line != 1 {
			t.Errorf("%+v: got %+v", tt, r)
		}
	}
}

func TestStated(t *testing.T) {
	for in, want := range map[string]string{
		"backups: yes\nfirewall: web\n": "yes:1 web:2 ",
		"backups: false\n":              "no:1 :0 ",
		"firewall: None\n":              ":0 no:1 ",
		"":                              ":0 :0 ",
		"backups: maybe\n":              ":0 :0 backups is yes or no@1",
		"firewall: x\nbackup: yes\n":    ":0 :0 backup is not known: there are backups and firewall@2",
		"backups:\n":                    ":0 :0 backups has no value@1",
		"backups: [yes]\n":              ":0 :0 backups has no value@1",
		"yes\n":                         ":0 :0 no YAML of names and values: it is no mapping@0",
	} {
		s := read(t, map[string]string{statement: in}).Stated
		got := fmt.Sprintf("%s:%d %s:%d ", s.Backups.Value, s.Backups.Line, s.Firewall.Value, s.Firewall.Line)
		if s.Problem != "" {
			got += fmt.Sprintf("%s@%d", s.Problem, s.Line)
		}
		if got != want || !s.Present {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestImage(t *testing.T) {
	f := read(t, map[string]string{
		"/etc/passwd":                         "root:x:0:0::/root:/bin/bash\nann:x:1000:1000::/home/ann:/bin/bash\nsys:x:100:100::/var/sys:/usr/sbin/nologin\n",
		"/etc/shadow":                         "root:!:20000::::::\nann:$y$x:20000::::::\nsys::20000::::::\n",
		"/root/.ssh/authorized_keys":          "key\n",
		"/home/ann/.ssh/authorized_keys":      "",
		"/home/ann/.ssh/id_rsa":               "x",
		"/home/ann/.ssh/id_rsa.pub":           "x",
		"/home/ann/.bash_history":             "ls\n",
		"/var/sys/.bash_history":              "ls\n",
		"/var/log/apt/history.log":            "x",
		"/var/log/syslog":                     "x",
		"/var/log/empty.log":                  "",
		"/var/log/journal/1/system.journal":   "x",
		"/etc/ssh/ssh_host_rsa_key":           "x",
		"/etc/ssh/ssh_host_rsa_key.pub":       "x",
		"/etc/machine-id":                     "0123456789abcdef0123456789abcdef\n",
		"/var/lib/cloud/instances/42/x":       "x",
		instance:                              "@instances/42",
		"/opt/digitalocean/bin/do-agent":      "x",
		"/opt/digitalocean/bin/droplet-agent": "x",
	})
	var got []string
	for _, i := range f.Image.Items {
		got = append(got, fmt.Sprintf("%s %s:%d %s", i.Kind, i.Path, i.Line, i.Text))
	}
	want := []string{
		"authorized_keys /root/.ssh/authorized_keys:0 4 bytes",
		"password /etc/shadow:2 the password of ann",
		"history /home/ann/.bash_history:0 3 bytes",
		"private_key /home/ann/.ssh/id_rsa:0 a private key",
		"password /etc/shadow:3 the password of sys",
		"instance " + instance + ":0 cloud-init's data of the host that the image is made of",
		"host_key /etc/ssh/ssh_host_rsa_key:0 a key of sshd",
		"agent /opt/digitalocean/bin/do-agent:0 do-agent is installed",
		"machine_id /etc/machine-id:0 the number of the host that the image is made of",
		"log /var/log/apt/history.log:0 2 files that are not empty",
	}
	if diff := cmp.Diff(want, got); diff != "" || !f.Image.Known {
		t.Error(diff)
	}
	if f = read(t, map[string]string{"/etc/passwd": "root:x:0:0::/root:/bin/bash\n", "/etc/shadow": "root:*:1::::::\n", "/etc/machine-id": "uninitialized\n"}); len(f.Image.Items) > 0 {
		t.Errorf("%+v", f.Image)
	}
}

// TestBounds: a list that is cut says so, and no other does.
func TestBounds(t *testing.T) {
	users := func(n int, password string) map[string]string {
		var passwd, shadow strings.Builder
		for i := range n {
			fmt.Fprintf(&passwd, "u%d:x:%d:100::/home/u:/bin/sh\n", i, i+1000)
			fmt.Fprintf(&shadow, "u%d:%s:20000::::::\n", i, password)
		}
		return map[string]string{"/etc/passwd": passwd.String(), "/etc/shadow": shadow.String()}
	}
	for name, tt := range map[string]struct {
		most  int
		files func(n int) map[string]string
		want  string
	}{
		"items": {maxList, func(n int) map[string]string { return users(n, "$y$j9T$a$b") }, "image.items"},
		"homes": {maxList, func(n int) map[string]string { return users(n, "*") }, "image.items"},
		"a directory": {maxDir, func(n int) map[string]string {
			files := map[string]string{}
			for i := range n {
				files[fmt.Sprintf("/etc/ssh/%d", i)] = ""
			}
			return files
		}, "image.items"},
		"logs": {4, func(n int) map[string]string { return map[string]string{"/var/log" + strings.Repeat("/x", n): "x"} }, "image.items"},
		"nested": {5, func(n int) map[string]string {
			return map[string]string{configOf: "users: " + strings.Repeat("{a: ", n) + "{passwd: x}" + strings.Repeat("}", n) + "\n"}
		}, "init.passwords"},
	} {
		for more, want := range []string{"", tt.want} {
			f := read(t, tt.files(tt.most+more))
			if got := strings.Join(slices.Sorted(maps.Keys(f.Meta.Partial)), " "); got != want {
				t.Errorf("%s, %d more: %q, want %q", name, more, f.Meta.Partial, want)
			}
		}
	}
	for more := range 2 {
		files := map[string]string{}
		for i := range maxList + more {
			files[fmt.Sprintf("%s/%03d.cfg", configDir, i)] = ""
		}
		if i := read(t, files).Init; i.ConfigKnown != (more == 0) || (i.Reason == "") != (more == 0) {
			t.Errorf("%d more files: %+v", more, i)
		}
	}
}

func FuzzStatement(f *testing.F) {
	f.Add([]byte("backups: yes\nfirewall: web\n"))
	f.Add([]byte("&a {b: *a}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, _, err := parseStatement(b)
		if err == nil && s.Backups.Set && s.Backups.Value != "yes" && s.Backups.Value != "no" {
			t.Errorf("%+v", s)
		}
	})
}
