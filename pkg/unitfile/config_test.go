package unitfile

import (
	"testing"

	"seawall/pkg/hostfs/image"
)

// TestLoadConfig: the strongest main file, then drop-ins by name; of equal names the
// strongest directory's, and an empty one of /etc hides another's.
func TestLoadConfig(t *testing.T) {
	root := image.Of(t, map[string]string{
		"/usr/lib/systemd/journald.conf":               "[Journal]\nStorage=none\n",
		"/etc/systemd/journald.conf":                   "[Journal]\n#Storage=auto\nCompress=no\nMaxFileSec=1day\n",
		"/usr/lib/systemd/journald.conf.d/10-a.conf":   "[Journal]\nStorage=volatile\n",
		"/etc/systemd/journald.conf.d/10-a.conf":       "",
		"/run/systemd/journald.conf.d/20-b.conf":       "[Journal]\nCompress=yes\n[Other]\nCompress=no\n",
		"/usr/lib/systemd/journald.conf.d/30-syslog":   "[Journal]\nCompress=no\n",
		"/usr/lib/systemd/journald.conf.d/30-syslog.c": "[Journal]\nCompress=no\n",
		"/etc/systemd/journald.conf.d/40-c.conf":       "[Journal]\nMaxFileSec=\n",
	})
	u, err := LoadConfig(root, "journald.conf")
	if err != nil || u.Fragment != "/etc/systemd/journald.conf" || len(u.Dropins) != 3 {
		t.Fatalf("%+v, %v", u, err)
	}
	if v := u.Values("Journal", "Compress"); len(v) != 2 || v[1] != (Setting{"Journal", "Compress", "yes", "/run/systemd/journald.conf.d/20-b.conf", 2}) {
		t.Errorf("Compress: %+v", v)
	}
	for _, key := range []string{"Storage", "MaxFileSec"} {
		if v := u.Values("Journal", key); v != nil {
			t.Errorf("%s: %+v", key, v)
		}
	}
	if u, err := LoadConfig(image.Of(t, nil), "journald.conf"); err != nil || u.Fragment != "" || u.Values("Journal", "Storage") != nil {
		t.Errorf("no file: %+v, %v", u, err)
	}
	broken := image.Of(t, map[string]string{"/etc/systemd/journald.conf/x": ""})
	if _, err := LoadConfig(broken, "journald.conf"); err == nil {
		t.Error("a directory in its place is no configuration")
	}
}
