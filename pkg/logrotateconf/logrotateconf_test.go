package logrotateconf

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"seawall/pkg/hostfs/image"
)

func files() map[string]string {
	return map[string]string{
		"/etc/logrotate.conf": `# global
weekly
rotate 4
create
include /etc/logrotate.d
/var/log/last.log {
	size 1M
}
`,
		"/etc/logrotate.d/rsyslog": `/var/log/syslog
/var/log/auth.log
{
	rotate 7
	daily
	create 0640 root adm
	postrotate
		/usr/lib/rsyslog/rsyslog-rotate
		}
	endscript
}
`,
		"/etc/logrotate.d/two":           "\"/var/log/a b.log\" /var/log/x/*.log{\n monthly\n nocreate\n}\nrotate=9\n",
		"/etc/logrotate.d/z":             "/var/log/z { \n  create 600\n",
		"/etc/logrotate.d/zz":            "/var/log/zz {\n}\n",
		"/etc/logrotate.d/old.dpkg-old":  "/var/log/old {\n}\n",
		"/etc/logrotate.d/.hidden":       "/var/log/old {\n}\n",
		"/etc/logrotate.d/directory/old": "/var/log/old {\n}\n",
	}
}

func TestLoad(t *testing.T) {
	c, err := Load(image.Of(t, files()), "/etc/logrotate.conf")
	if err != nil {
		t.Fatal(err)
	}
	want := []Stanza{
		{[]string{"/var/log/syslog", "/var/log/auth.log"}, "daily", 7, "0640 root adm", 0o640, "/etc/logrotate.d/rsyslog", 1},
		{[]string{"/var/log/a b.log", "/var/log/x/*.log"}, "monthly", 4, "", -1, "/etc/logrotate.d/two", 1},
		{[]string{"/var/log/zz"}, "weekly", 9, "", -1, "/etc/logrotate.d/zz", 1},
		{[]string{"/var/log/last.log"}, "size", 9, "", -1, "/etc/logrotate.conf", 6},
	}
	if diff := cmp.Diff(want, c.Stanzas); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]bool{"/var/log/x/a.log": true, "/var/log/a b.log": true, "/var/log/x/.a.log": false, "/var/log/x/y/a.log": false, "/var/log/x": false} {
		if got := want == c.Stanzas[1].Covers(name); !got {
			t.Errorf("%s is covered: %v", name, !want)
		}
	}
}

func TestLoadFails(t *testing.T) {
	for name, text := range map[string]string{
		"a loop":       "include /etc/logrotate.conf\n",
		"missing":      "include /etc/none\n",
		"many stanzas": manyStanzas(),
	} {
		if _, err := Load(image.Of(t, map[string]string{"/etc/logrotate.conf": text}), "/etc/logrotate.conf"); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := Load(image.Of(t, nil), "/etc/logrotate.conf"); err == nil {
		t.Error("no file: no error")
	}
}

func manyStanzas() string {
	b := make([]byte, 0, 40_000)
	for range maxStanzas + 1 {
		b = append(b, "/a {\n}\n"...)
	}
	return string(b)
}

func FuzzParse(f *testing.F) {
	for _, s := range files() {
		f.Add([]byte(s))
	}
	f.Add([]byte("{"))
	f.Add([]byte("\"{\n}\n'"))
	f.Add([]byte("create 99999999999 a b\nrotate -1\ntabooext + \n/{\n}"))
	root := image.Of(f, nil)
	f.Fuzz(func(t *testing.T, text []byte) {
		p := &parser{root: root, c: &Config{}}
		p.now.Mode = -1
		if p.parse("f", text, 0) != nil {
			return
		}
		for _, s := range p.c.Stanzas {
			if s.Mode < -1 || s.Mode > 0o7777 || s.Line < 1 {
				t.Fatalf("%+v", s)
			}
			s.Covers("/var/log/x")
		}
	})
}
